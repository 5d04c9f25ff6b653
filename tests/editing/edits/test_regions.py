"""Regions over each other: as if each were laid on by itself, and held as one sheet per layer."""

from weakref import WeakSet

import pytest
import torch

from editing.edits import regions
from editing.edits.mix_edits import Other, Patch, mask_bytes
from editing.edits.regions import Sheet
from editing.edits.stack import EditStack, Entry, drawn, render, state_of
from editing.models.domain import Domain
from tests.editing.edits.test_mix_edits import disc


@pytest.mark.parametrize("seed", range(4))
def test_sheets_over_each_other_are_the_blends_one_after_the_other(seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    x, a, b, c = (torch.randn(1, 3, 8, 8, generator=rng) for _ in range(4))
    masks = [torch.rand(1, 1, 8, 8, generator=rng) for _ in range(3)]
    masks[0][..., :3], masks[1][..., 2:5], masks[2][..., 4:] = 0, 1, 0
    sheets = [Sheet(each, mask) for each, mask in zip((a, b, c), masks, strict=True)]
    expected = x
    for sheet in sheets:
        expected = torch.lerp(expected, sheet.activations, sheet.mask)
    all_of = sheets[0].under(sheets[1]).under(sheets[2])
    found = torch.lerp(x, all_of.activations, all_of.mask)
    assert torch.allclose(found, expected, atol=1e-5)


def test_sheets_of_several_precisions_go_over_each_other() -> None:
    kinds = [(torch.float32, torch.bfloat16), (torch.bfloat16, torch.float32)]
    sheets = [
        Sheet(torch.ones(1, 2, 4, 4, dtype=a), torch.full((1, 1, 4, 4), 0.5, dtype=b))
        for a, b in (*kinds, *kinds)
    ]
    found = sheets[0]
    for sheet in sheets[1:]:
        found = found.under(sheet)
    assert torch.allclose(found.activations.float(), torch.ones(1, 2, 4, 4))
    assert torch.allclose(found.mask.float(), torch.full((1, 1, 4, 4), 1 - 0.5**4), atol=1e-2)


def patches(count: int, domain: Domain) -> EditStack:
    size = domain.generator.img_resolution
    masks = [mask_bytes(disc(size, 0.1 + 0.08 * n)) for n in range(count)]
    return EditStack(tuple(Entry(Patch(m, Other(f"seed:{n}"))) for n, m in enumerate(masks)))


def test_the_order_of_regions_counts_where_they_overlap(tiny_domain: Domain) -> None:
    source = state_of("seed:9", tiny_domain)
    stack = patches(2, tiny_domain)
    turned = EditStack(stack.entries[::-1])
    one, other = (render(s.apply(source, tiny_domain), tiny_domain) for s in (stack, turned))
    assert not torch.equal(one, other)


def test_what_regions_hold_does_not_grow_with_their_number(
    tiny_domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: WeakSet[Sheet] = WeakSet()

    class Counted(Sheet):
        def __init__(self, *given: torch.Tensor) -> None:
            super().__init__(*given)
            there.add(self)

    monkeypatch.setattr(regions, "Sheet", Counted)
    layers, held = set(), []

    def look(name: str, x: torch.Tensor) -> torch.Tensor:
        layers.add(name)
        held.append(len(there))
        return x

    for count in (1, 10):
        state = patches(count, tiny_domain).apply(state_of("seed:9", tiny_domain), tiny_domain)
        with torch.no_grad():
            drawn(state, tiny_domain, look)
    assert 0 < max(held) <= len(layers)
