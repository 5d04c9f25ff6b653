"""An edit carried over to the photo it was made for, whatever the generator cannot draw of it.

A hat, a hand or a patterned wall is lost by inversion, so the edit T of the inversion I' is put
into the photo I only where it changed something (arXiv 2207.08134):

    M   where: the perceptual difference of I' and T, of directions that the differential module
        knows only near their class activations (``differential_activation``)
    F   = M ⊙ T + (1 − M) ⊙ I, at the photo's own size
    result: F with the detail that inversion lost, where the edit leaves it, and with the ghosts
        at the mask's edges drawn over (``deghosting``)

All on pictures as they are saved (sRGB, [-1, 1]), in training and use. Where M is 0 the result is
the photo, bit by bit after rounding, unless deghosting is asked to touch everything.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from editing.edits.stack import ChannelMove, Edit, EditStack, Move
from editing.errors import BadInput
from editing.io.images import MAX_PAINTED, encode_png, load_picture, to_tensor
from editing.models.domain import Domain
from editing.models.networks.deghosting import without_ghosts
from editing.models.networks.differential_activation import FAR, DifferentialNet, calibrated
from editing.pictures.masks import blur
from editing.pictures.metrics import unit_features

DEGHOSTING = ("off", "mask", "all")  # where ghosts are drawn over
FEATHER = 1 / 96  # of the picture's side: sigma of the mask's soft edge
TAIL = 0.02  # of a feathered mask: what is below counts as nothing
STILL = 0.2  # of |T - I'| on the [-1, 1] scale: beyond it the photo's own detail is not what it was
REACH = 4.0  # the change of deghosting counts in full from a mask of 1 / REACH on
PERCEPTUAL_PEAK = 0.045  # squared distance of unit features, from which one counts in full
PIXEL_PEAK = 0.16  # difference on the [-1, 1] scale, the same without a perceptual network
SPIKES = 0.005  # share of the picture that counts in full at least
# Class activations peak at what tells one edit from another and are faint at the rest of it, so
# they say where a change belongs to the edit, and the difference how far it reaches there.
NEAR = 1 / 12  # of an activation's side: sigma by which it is spread
BROAD = 6.0  # times the spread activation, up to 1, counts as near
MISFIT_SIDE = 128  # pixels at which photo and inversion are compared, at most
BRUSH = 128  # pixels a side that a painted correction is kept at
MAX_BRUSH = 2**16  # bytes of a painted correction

UNCHANGED = "The edit changes nothing, so the photo is returned as it is."
NO_DEGHOSTING = "No deghosting was trained for this generator; the fused picture is given as it is."


@dataclass(frozen=True)
class Blend:
    """How an edit is put into a photo.

    threshold: of the activation M in [0, 1], below which the photo stays.
    softness: width of the ramp from there to where the edit counts in full.
    deghost: "off", "mask" (only where the mask is) or "all" (the whole picture may change).
    brush: a correction by hand: a small grey picture (PNG), white adds to the mask, black takes
        away, mid-grey leaves it; empty = none.
    """

    threshold: float = 0.2
    softness: float = 0.3
    deghost: str = "mask"
    brush: bytes = b""

    def __post_init__(self) -> None:
        for name, low in (("threshold", 0.0), ("softness", 0.01)):
            if not low <= (value := getattr(self, name)) <= 1:
                raise BadInput(f"The {name} is {value:g}; choose from {low:g} to 1.")
        if self.deghost not in DEGHOSTING:
            raise BadInput(f"deghost is {self.deghost!r}; use {', '.join(DEGHOSTING)}.")
        if len(self.brush) > MAX_BRUSH:
            raise BadInput(
                f"The painted correction has {len(self.brush)} bytes and may have {MAX_BRUSH}; "
                "paint it on a smaller picture."
            )


USUAL = Blend()


@dataclass(frozen=True, eq=False)
class Outcome:
    """A photo with an edit, and how it came about."""

    picture: Tensor  # the result, [1, 3, P, P] in [-1, 1]
    fused: Tensor  # F, before deghosting
    mask: Tensor  # M as used, [1, 1, P, P] in [0, 1]
    misfit: float  # root mean square of (I − I') / 2 inside M, 0..1: how badly it was inverted
    notes: tuple[str, ...] = ()


def photo_edited(
    photo: Tensor,
    inverted: Tensor,
    edited: Tensor,
    domain: Domain,
    edits: Sequence[str] = (),
    blend: Blend = USUAL,
) -> Outcome:
    """Put an edit into the photo it was made for.

    Args:
        photo: the aligned photo I, [1, 3, P, P] in [-1, 1]; P may be larger than R.
        inverted: its inversion I' without the edit, [1, 3, R, R].
        edited: the same latent with the edit T, [1, 3, R, R].
        edits: names of what was edited (``edit_names``); any of them that the domain's
            differential module does not know, or none at all, are found by difference.

    Raises:
        BadInput: the pictures do not belong together.
    """
    _check_sizes(photo, inverted, edited)
    inverted, edited = inverted.clamp(-1, 1), edited.clamp(-1, 1)
    if torch.equal(inverted, edited):
        nothing = torch.zeros_like(photo[:, :1])
        return Outcome(photo, photo, nothing, 0.0, (UNCHANGED,))
    with torch.no_grad():
        where = activation(domain, inverted, edited, edits)
        mask = shaped(where, blend, photo.shape[-1])
        fused = fuse(photo, enlarged(edited, photo.shape[-1]), mask)
        misfit = misfit_inside(photo, inverted, mask)
        picture, notes = fused, tuple(misfit_notes(misfit, domain))
        if blend.deghost != "off" and bool(mask.any()):
            if has_deghosting(domain):
                detailed = with_detail(fused, photo, inverted, edited, mask)
                picture = deghosted(detailed, mask, domain, everywhere=blend.deghost == "all")
            else:
                notes = (*notes, NO_DEGHOSTING)
    return Outcome(picture, fused, mask, misfit, notes)


def edit_names(stack: EditStack) -> tuple[str, ...]:
    """What each edit that does something is called: its attribute, or its kind."""
    names = []
    for entry in stack.entries:
        edit = entry.edit
        if not entry.on or _stands_still(edit):
            continue
        names.append(edit.attribute if isinstance(edit, Move) else type(edit).__name__)
    return tuple(names)


def _stands_still(edit: Edit) -> bool:
    """Whether it moves by nothing; an absolute move to 0 goes to the boundary."""
    if isinstance(edit, Move) and edit.absolute:
        return False
    return isinstance(edit, Move | ChannelMove) and not edit.alpha


def _check_sizes(photo: Tensor, inverted: Tensor, edited: Tensor) -> None:
    side, full = inverted.shape[-1], photo.shape[-1]
    together = inverted.shape == edited.shape == (1, 3, side, side)
    if not together or photo.shape != (1, 3, full, full) or full < side:
        raise BadInput(
            f"A photo {list(photo.shape)}, its inversion {list(inverted.shape)} and its edit "
            f"{list(edited.shape)} do not belong together; pass one portrait's square pictures, "
            "the photo at least as large as its inversion."
        )


# -- where


def activation(domain: Domain, inverted: Tensor, edited: Tensor, edits: Sequence[str]) -> Tensor:
    """M of a whole stack: the largest of its edits', [1, 1, h, w] in [0, 1].

    Edits that the differential module does not know, and maps of known ones that came out flat,
    are found by perceptual difference.
    """
    net = domain.differential if has(domain, "differential") else None
    known = [name for name in edits if net and name in net.config.directions]
    maps = [located(net, domain, inverted, edited, [name]) for name in known] if net else []
    if not maps or len(known) < len(edits) or not all(bool(each.any()) for each in maps):
        maps.append(difference(domain, inverted, edited))
    side = max(each.shape[-1] for each in maps)
    return torch.stack([enlarged(each, side) for each in maps]).amax(0)


def located(
    net: DifferentialNet, domain: Domain, inverted: Tensor, edited: Tensor, names: Sequence[str]
) -> Tensor:
    """M of directions that the differential module knows, one for each pair, [N, 1, h, w].

    Raises:
        UnknownName: a direction that it does not know.
    """
    where = net.activation(inverted, edited, names)
    near = (BROAD * blur(where, where.shape[-1] * NEAR)).clamp(max=1)
    return difference(domain, inverted, edited, near)


def difference(
    domain: Domain, inverted: Tensor, edited: Tensor, near: Tensor | None = None
) -> Tensor:
    """M of an edit of any kind: the perceptual difference of I' and T, [N, 1, h, w] in [0, 1].

    Squared distances of unit features, as ``metrics.perceptual_distance`` sums them up, averaged
    over the taps at the size of the finest; without a perceptual network the difference of pixels.

    Args:
        near: how far each place belongs to the edit, [N, 1, g, g] in [0, 1]; None = everywhere.
    """
    distance, peak = _distance(domain, inverted, edited)
    if near is not None:
        distance = distance * enlarged(near, distance.shape[-1])
    return calibrated(distance, peak, SPIKES)


def _distance(domain: Domain, inverted: Tensor, edited: Tensor) -> tuple[Tensor, float]:
    """How far I' and T are apart at each place, [N, 1, h, w], and what counts in full."""
    if not has(domain, "perceptual"):
        apart = (edited - inverted).abs().amax(1, keepdim=True)
        return blur(apart, edited.shape[-1] / 128), PIXEL_PEAK
    pairs = zip(
        unit_features(domain.perceptual, inverted),
        unit_features(domain.perceptual, edited),
        strict=True,
    )
    taps = [(a - b).square().sum(1, keepdim=True) for a, b in pairs]
    side = taps[0].shape[-1]
    return torch.stack([enlarged(tap, side) for tap in taps]).mean(0), PERCEPTUAL_PEAK


def shaped(where: Tensor, blend: Blend, side: int) -> Tensor:
    """The mask [1, 1, side, side] of an activation [1, 1, h, w]: ramp, correction, soft edge."""
    mask = ((enlarged(where, side) - blend.threshold) / blend.softness).clamp(0, 1)
    if blend.brush:
        painted = enlarged(brush_values(blend.brush).to(mask), side)
        mask = torch.maximum(mask * (1 - (-painted).clamp_min(0)), painted)
    mask = blur(mask, side * FEATHER)
    return ((mask - TAIL) / (1 - 2 * TAIL)).clamp(0, 1)  # the blur's far tail is no change


def brush_values(brush: bytes) -> Tensor:
    """A painted correction as [1, 1, S, S]: 1 adds to the mask, -1 takes away, 0 leaves it.

    Raises:
        BadPicture: it is no picture.
    """
    picture = load_picture(io.BytesIO(brush), MAX_PAINTED, "The painted correction")
    values = to_tensor(picture, min(max(picture.size), 512)).mean(1, keepdim=True)
    return torch.where(values.abs() < 0.02, 0.0, values)  # 127 and 128 are both mid-grey


def correction(picture: Image.Image) -> bytes:
    """A painted picture as ``Blend.brush`` keeps it."""
    return encode_png(picture.convert("L").resize((BRUSH, BRUSH), Image.Resampling.BOX))


def correction_at(path: str | Path) -> bytes:
    """The painted correction in a file.

    Raises:
        BadPicture: it is no picture.
    """
    return correction(load_picture(path))


# -- how


def fuse(photo: Tensor, edited: Tensor, mask: Tensor) -> Tensor:
    """F = M ⊙ T + (1 − M) ⊙ I, [1, 3, P, P]; exactly I where M is 0."""
    return torch.where(mask > 0, torch.lerp(photo, edited, mask).clamp(-1, 1), photo)


def with_detail(
    fused: Tensor, photo: Tensor, inverted: Tensor, edited: Tensor, mask: Tensor
) -> Tensor:
    """F + M ⊙ w ⊙ (I − I'), w = exp(−(|T − I'| / STILL)²): skin, lashes, grain come back.

    What inversion lost belongs to the result as far as the edit changes nothing there.

    Args:
        fused, photo: F and I, [1, 3, P, P] in [-1, 1].
        inverted, edited: I' and T, [1, 3, R, R] in [-1, 1].
        mask: M, [1, 1, P, P] in [0, 1]; where it is 0 the answer is exactly F.
    """
    side = photo.shape[-1]
    changed = blur((edited - inverted).abs().amax(1, keepdim=True), edited.shape[-1] / 256)
    still = enlarged((-(changed / STILL).square()).exp(), side)
    lost = photo - enlarged(inverted, side)
    return torch.where(mask > 0, (fused + mask * still * lost).clamp(-1, 1), fused)


def has(domain: Domain, part: str) -> bool:
    """Whether a domain has a part, and its files are here."""
    return part in domain.parts and domain.is_present(domain.parts[part])


def has_deghosting(domain: Domain) -> bool:
    """Whether ghosts can be drawn over: with this very generator."""
    if not (has(domain, "deghosting") and has(domain, "encoder")):
        return False
    return domain.deghosting.config.fingerprint in ("", domain.fingerprint)


def deghosted(fused: Tensor, mask: Tensor, domain: Domain, everywhere: bool = False) -> Tensor:
    """F [1, 3, P, P] with its ghosts drawn over where the mask [1, 1, P, P] is, or everywhere.

    Only the change is enlarged from the network's size, so detail that was in F stays.
    """
    change = without_ghosts(domain.deghosting, fused, domain.encoder, domain.generator)
    share = torch.ones_like(mask) if everywhere else (mask * REACH).clamp(max=1)
    return torch.where(share > 0, (fused + share * change).clamp(-1, 1), fused)


def enlarged(maps: Tensor, side: int) -> Tensor:
    """[N, C, h, w] at ``side`` pixels; smoother than pixels where it grows."""
    if maps.shape[-1] == side:
        return maps
    mode = "bicubic" if maps.shape[1] == 3 else "bilinear"
    grown = functional.interpolate(maps, (side, side), mode=mode, align_corners=False)
    return grown.clamp(-1, 1)


# -- its limit


def misfit_inside(photo: Tensor, inverted: Tensor, mask: Tensor) -> float:
    """Root mean square of (I − I') / 2 inside M, at ``MISFIT_SIDE`` px; 0 where M is empty."""
    side = min(inverted.shape[-1], MISFIT_SIDE)
    small, found, inside = (
        functional.interpolate(each, (side, side), mode="bilinear", antialias=True)
        for each in (photo, inverted, mask)
    )
    apart = ((small - found) / 2).square().mean(1, keepdim=True)
    return float(((apart * inside).sum() / inside.sum().clamp_min(1e-6)).sqrt())


def misfit_limit(domain: Domain) -> float:
    """The misfit that inversions of the domain's own world reach, but the worst 5 %."""
    return float(domain.differential.misfit) if has(domain, "differential") else FAR


def misfit_notes(misfit: float, domain: Domain) -> list[str]:
    """The method's own limit, in a sentence: a part that was inverted badly is edited badly."""
    limit = misfit_limit(domain)
    if misfit <= limit:
        return []
    return [
        f"Inside the mask the inversion differs from the photo by {100 * misfit:.0f} % (usual: up "
        f"to {100 * limit:.0f} %), so the edit may look wrong there; invert for longer, or with "
        "tuning."
    ]


def without_deghosting(blend: Blend) -> Blend:
    """The same without deghosting, for previews."""
    return replace(blend, deghost="off")
