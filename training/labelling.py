"""Label maps: the feature that owns each pixel, from the renderer's soft masks."""

from __future__ import annotations

import torch
from torch import Tensor

from training.features import FEATURES, LABEL, THIN


def shares(masks: dict[str, Tensor]) -> Tensor:
    """How much of each pixel is each feature, [B, len(FEATURES), H, W], of ``Render.masks``."""
    own = {name: masks[name] for name in FEATURES if name in masks}
    own["left_eye"] = masks["left_eye"] - masks["left_iris"]
    own["right_eye"] = masks["right_eye"] - masks["right_iris"]
    own["lips"] = masks["mouth"] - masks["mouth_inside"]
    parts = ("brows", "eyes", "mouth", "beard")
    own["skin"] = masks["skin"] - masks["neck"] - masks["ears"] - sum(masks[p] for p in parts)
    own["neck"] = masks["neck"] - masks["beard"] * (masks["neck"] > 0.5)
    return torch.stack([own[name] for name in FEATURES], dim=1).clamp(0, 1)


def label_map(masks: dict[str, Tensor]) -> Tensor:
    """Labels (``features.LABEL``) uint8 [B, H, W]: the largest share, thin things first."""
    part = shares(masks)
    labels = part.argmax(dim=1)
    for name, least in THIN.items():
        labels = torch.where(part[:, LABEL[name]] >= least, LABEL[name], labels)
    return labels.byte()
