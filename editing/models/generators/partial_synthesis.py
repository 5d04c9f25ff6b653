"""Synthesis layer by layer: drawn on from any layer, for many pictures at once.

When one channel of a layer changes, everything before that layer stays as it was. So the state
before every layer is kept, and each variant is drawn from there (exactly the same picture).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from editing.errors import BadInput
from editing.models.generators.generator import Generator, SynthesisNetwork
from editing.models.generators.ops import upsample2d
from editing.models.generators.stylegan1 import StyleGAN1Synthesis


@dataclass(frozen=True, eq=False)
class Canvas:
    """What is drawn so far, [N, ...] each."""

    x: Tensor | None = None  # activations
    img: Tensor | None = None  # the picture, where a layer has added to it
    around: Tensor | None = None  # a block's way around its convolutions ("resnet")

    def expanded(self, count: int) -> Canvas:
        """The canvas of one picture for ``count`` of them; takes no memory."""
        parts = {name: getattr(self, name) for name in ("x", "img", "around")}
        return Canvas(**{k: None if t is None else t.expand(count, -1, -1, -1)
                         for k, t in parts.items()})  # fmt: skip


class Layers:
    """The layers of a generator's synthesis in the order in which they draw; stored noise.

    Args:
        max_resolution: stop at the picture of this block (StyleGAN2 whose outputs are summed).

    Raises:
        BadInput: a generator that has no picture at this resolution.
    """

    def __init__(self, generator: Generator, max_resolution: int | None = None) -> None:
        self.synthesis = generator.synthesis
        self.size = max_resolution or generator.img_resolution
        whole = self.size == generator.img_resolution
        if not whole and not isinstance(self.synthesis, SynthesisNetwork):
            raise BadInput(f"{generator.family} has no smaller pictures; leave the resolution out.")
        if isinstance(self.synthesis, SynthesisNetwork):
            if not whole and self.synthesis.config.architecture != "skip":
                raise BadInput(
                    f"The {self.synthesis.config.architecture!r} architecture has no picture at "
                    f"{self.size} px; leave the resolution out."
                )
            self.blocks = self.synthesis.blocks(None if whole else self.size)
        ws = generator.mapping.w_avg.expand(1, generator.num_ws, -1)
        with torch.no_grad():
            known = generator.styles(ws)
        self.names = tuple(name for name in known if self._is_drawn(name))

    def _is_drawn(self, name: str) -> bool:
        block = name.partition(".")[0]
        return not isinstance(self.synthesis, SynthesisNetwork) or int(block[1:]) <= self.size

    def until(
        self,
        last: str,
        styles: Mapping[str, Tensor],
        first: str = "",
        canvas: Canvas | None = None,
    ) -> Canvas:
        """The canvas before layer ``last``, drawn on from ``first``, before which it is ``canvas``.

        Args:
            styles: [N, C] by layer, of those in between.
        """
        canvas = canvas or Canvas()
        start = self.names.index(first) if first else 0
        for name in self.names[start : self.names.index(last)]:
            canvas = self._step(name, canvas, styles[name])
        return canvas

    def draw(
        self, styles: Mapping[str, Tensor], first: str = "", canvas: Canvas | None = None
    ) -> Tensor:
        """The picture [N, 3, R, R], drawn on from layer ``first``, before which it is ``canvas``.

        Args:
            styles: [N, C] by layer; of those before ``first`` nothing is needed.
        """
        canvas = canvas or Canvas()
        for name in self.names[self.names.index(first) if first else 0 :]:
            canvas = self._step(name, canvas, styles[name])
        return self._finished(canvas)

    def is_recolouring(self, name: str) -> bool:
        """Whether a layer only adds to the picture, and no later one sees what it does."""
        synthesis = self.synthesis
        summed = isinstance(synthesis, SynthesisNetwork) and synthesis.config.architecture == "skip"
        return summed and name.endswith(".torgb")

    def recoloured(
        self, name: str, style: Tensor, own: Tensor, canvas: Canvas, base: Tensor
    ) -> Tensor:
        """The picture ``base`` [1, 3, R, R] with other styles of a recolouring layer.

        Args:
            style: [N, C]; ``own``, [1, C], is the one that ``base`` was drawn with.
            canvas: before this layer.
        """
        resolution = int(name[1:].partition(".")[0])
        torgb = self.blocks[resolution].torgb
        assert torgb is not None and canvas.x is not None
        many = canvas.x.expand(len(style), -1, -1, -1)
        change: Tensor = (torgb(many, style) - torgb(canvas.x, own)).float()
        for later, block in self.blocks.items():
            if later > resolution:
                change = upsample2d(change, block.resample_filter)
        return base + change

    def _step(self, name: str, canvas: Canvas, style: Tensor) -> Canvas:
        if isinstance(self.synthesis, SynthesisNetwork):
            block, _, layer = name.partition(".")
            return self._block_step(int(block[1:]), layer, canvas, style)
        module = self.synthesis.get_submodule(name)
        if not isinstance(self.synthesis, StyleGAN1Synthesis):
            return Canvas(module(style) if canvas.x is None else module(canvas.x, style))
        if canvas.x is None:
            x = self.synthesis.const.expand(len(style), -1, -1, -1)
        else:
            x = self.synthesis.layers()[name].convolve(canvas.x)
        return Canvas(module(x, style, module.noise_const))

    def _block_step(self, resolution: int, layer: str, canvas: Canvas, style: Tensor) -> Canvas:
        block = self.blocks[resolution]
        if layer == "torgb":
            assert block.torgb is not None and canvas.x is not None
            rgb = block.torgb(canvas.x, style).float()
            old = canvas.img
            img = rgb if old is None else upsample2d(old, block.resample_filter) + rgb
            return replace(canvas, img=img)
        x, around = canvas.x, canvas.around
        if x is None:
            x = block.const.expand(len(style), -1, -1, -1)
            x = x.contiguous(memory_format=torch.channels_last)
        layers = block.layers()
        if layer == next(iter(layers)):
            around = None if block.skip is None else block.skip(x)
        module = layers[layer]
        x = module(x, style, module.noise_const if block_has_noise(module) else None)
        if layer == list(layers)[-1] and around is not None:
            x, around = (around + x) * math.sqrt(0.5), None
        return Canvas(x, canvas.img, around)

    def _finished(self, canvas: Canvas) -> Tensor:
        synthesis = self.synthesis
        if isinstance(synthesis, SynthesisNetwork):
            assert canvas.img is not None
            return canvas.img
        assert canvas.x is not None
        if isinstance(synthesis, StyleGAN1Synthesis):
            img: Tensor = synthesis.output(canvas.x).float()
            return img.tanh() if synthesis.config.final_tanh else img
        return canvas.x.float() * synthesis.config.output_scale


def block_has_noise(module: torch.nn.Module) -> bool:
    """Whether a layer adds noise."""
    return hasattr(module, "noise_const")
