"""How good an inversion is: near, and still editable; read by the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from editing.directions.direction import boundary, move
from editing.edits.stack import EditState, Move, render
from editing.io.images import to_tensor, to_uint8
from editing.models.domain import Domain, open_judge
from editing.models.latents import sample_z
from editing.pictures.metrics import compare, readings

EDITED = ("smile", "age", "pose", "eyeglasses")
CALIBRATION_SEED, CALIBRATION_COUNT = 60_000, 48
PROBE = 1.0  # alpha at which a boundary's effect is first read


@dataclass(frozen=True)
class Editability:
    """What an edit that moves a sample by 1 σ does to an inversion, in σ of the judge."""

    arrived: Mapping[str, float]  # attribute -> change in the wanted direction
    moved: Mapping[str, float]  # attribute -> mean |change| of the other classic attributes

    @property
    def mean(self) -> float:
        return sum(self.arrived.values()) / len(self.arrived)

    @property
    def others(self) -> float:
        return sum(self.moved.values()) / len(self.moved)


@torch.no_grad()
def one_sigma_alphas(domain: Domain) -> dict[str, float]:
    """By attribute: the alpha that changes the judge's reading of samples by 1 σ on average."""
    judge, generator = open_judge(domain), domain.generator
    seeds = range(CALIBRATION_SEED, CALIBRATION_SEED + CALIBRATION_COUNT)
    ws = generator.mapping(sample_z(seeds, generator.z_dim), truncation_psi=0.7)

    def read(latents: Tensor, own: int) -> float:
        parts = latents.split(16)
        return float(
            torch.cat([judge(generator.synthesis(w).clamp(-1, 1))[:, own] for w in parts]).mean()
        )

    alphas = {}
    for name in EDITED:
        own, direction = judge.outputs.index(name), boundary(domain, name)
        before, alpha = read(ws, own), PROBE
        for _ in range(4):  # secant steps: the effect is nearly straight
            effect = read(move(ws, direction, alpha), own) - before
            alpha = min(max(alpha / max(effect, 0.05), 0.2), 6.0)
        alphas[name] = alpha
    return alphas


def editability(
    state: EditState, domain: Domain, alphas: Mapping[str, float], share: float = 1.0
) -> Editability:
    """Edit a state by each alpha (away from where it already is) and read what changed."""
    judge = open_judge(domain)
    before = readings(judge, render(state, domain))
    arrived, moved = {}, {}
    for name, alpha in alphas.items():
        sign = -1.0 if before[name] > 0.5 else 1.0
        edited = Move(name, sign * share * alpha).apply(state, domain)
        after = readings(judge, render(edited, domain))
        arrived[name] = sign * (after[name] - before[name])
        others = [n for n in (*EDITED, "gender") if n != name]
        moved[name] = sum(abs(after[n] - before[n]) for n in others) / len(others)
    return Editability(arrived, moved)


def likeness(state: EditState, domain: Domain, target: Tensor) -> dict[str, float | None]:
    """psnr, mse, ssim, perceptual, identity of the canonical picture."""
    return compare(domain, render(state, domain), target)


def as_saved(state: EditState, domain: Domain) -> Tensor:
    return to_tensor(to_uint8(render(state, domain))[0])


def descriptor_distance(a: Tensor, b: Tensor) -> float | None:
    """Distance of dlib's face descriptors of two aligned pictures [1, 3, P, P]; 0.6 = one person.

    None where dlib finds no face in one of them.
    """
    import dlib
    import numpy as np

    package = find_spec("face_recognition_models")  # importing it needs what Python 3.12 has not
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "models"
    detector = dlib.get_frontal_face_detector()
    shape = dlib.shape_predictor(str(folder / "shape_predictor_68_face_landmarks.dat"))
    net = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
    described = []
    for picture in (a, b):
        pixels = np.ascontiguousarray(to_uint8(picture)[0])
        faces = detector(pixels, 1)
        if not faces:
            return None
        described.append(np.array(net.compute_face_descriptor(pixels, shape(pixels, faces[0]))))
    return float(np.linalg.norm(described[0] - described[1]))
