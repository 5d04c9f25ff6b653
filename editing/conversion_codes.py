"""Directions and latents of other systems into the folder of a domain."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from editing.conversion_target import Target, Writer
from editing.directions import Direction, check_fits, read_directions, save_direction
from editing.domains import Domain
from editing.errors import BadInput
from editing.formats.latent_shapes import Codes, Sizes, read_codes
from editing.formats.latents import ForeignLatents
from editing.latents import Latent, save_latent
from editing.states import mapped

MAX_LATENTS = 1000  # written at once


def write_directions(target: Target) -> None:
    """A single direction becomes a boundary of the domain, several become files.

    Raises:
        BadInput: family or space are not known, or they do not fit the domain at hand.
    """
    said = target.said
    found = read_directions(target.source, said.family, said.space)
    if target.at_hand is not None:
        for direction in found:
            check_fits(direction, target.at_hand)
    single = len(found) == 1
    folder = "boundaries" if single else "directions"
    files: list[tuple[str, Writer]] = []
    for direction in found:
        target.notes += direction.meta.get("notes", [])
        meta = {key: value for key, value in direction.meta.items() if key != "notes"}
        named = replace(direction, name=_name(direction, said.name, single), meta=meta)
        files.append((f"{folder}/{_stem(named.name)}.safetensors", _saver(named)))
    if single:
        target.check_free(f"boundary {_stem(named.name)}", files[0][0])
    paths = target.put_all(files, "give another name with --name")
    if single:
        target.add(f"boundary {paths[0].stem}", files[0][0])
    else:
        target.written += paths
    target.notes = list(dict.fromkeys(target.notes))


def _saver(direction: Direction) -> Writer:
    return lambda path: save_direction(path, direction)


def _name(direction: Direction, name: str | None, single: bool) -> str:
    if name is None:
        return direction.name
    return name if single else f"{name} {direction.name}"


def _stem(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def write_latents(thing: ForeignLatents, target: Target) -> None:
    """Latent files, one each.

    Raises:
        BadLatent: they do not fit the generator at hand.
        BadInput: too many, or what cannot be told without a generator.
    """
    domain, said = target.at_hand, target.said
    name = target.source.name
    latents: list[Latent]
    if thing.styles:
        _check_count(name, len(thing.styles[0]))
        latents = [_of_styles(thing, i, domain, target) for i in range(len(thing.styles[0]))]
    else:
        generator = domain.generator if domain else None
        sizes = (
            Sizes(domain.name, generator.num_ws, generator.w_dim, generator.z_dim)
            if domain and generator
            else None
        )
        codes = read_codes(name, thing.arrays, sizes, said.space, said.array)
        _check_count(name, len(codes.values))
        target.notes += codes.notes
        latents = _of_codes(codes, domain, target)
    names = _names(thing, len(latents), target)
    files: list[tuple[str, Writer]] = [
        (f"latents/{stem}.npz", partial(save_latent, latent=latent))
        for stem, latent in zip(names, latents, strict=True)
    ]
    target.written += target.put_all(files, "give another name with --name")


def _check_count(name: str, count: int) -> None:
    if count > MAX_LATENTS:
        raise BadInput(
            f"{name} holds {count} latents; at most {MAX_LATENTS} are written at once, so save a "
            "part of them."
        )


def _names(thing: ForeignLatents, count: int, target: Target) -> list[str]:
    """A file name for each latent, none of them twice."""
    base = _stem(target.said.name or target.source.stem)
    if count == 1:
        return [base]
    names = [f"{base}-{i:04d}" for i in range(count)]
    if thing.names:
        stems = [_stem(Path(name).stem) for name in thing.names]
        prefix = f"{base}-" if target.said.name else ""
        named = [f"{prefix}{stem}" for stem in stems]
        names = named if len(set(named)) == count else names
    return names


def _of_codes(codes: Codes, domain: Domain | None, target: Target) -> list[Latent]:
    values = torch.from_numpy(codes.values)
    name, fingerprint = (domain.name, domain.fingerprint) if domain else ("", "")
    space = codes.space
    if space == "z":
        assert domain is not None
        values = mapped(values[:, 0], target.said.psi, domain).cpu()
        space = "w" if bool((values == values[:, :1]).all()) else "w+"
        target.notes.append(f"Mapped from Z with psi {target.said.psi:g}.")
    elif domain is not None and values.shape[1] == 1:
        values = values.repeat(1, domain.generator.num_ws, 1)
    return [Latent(values[i : i + 1].clone(), name, fingerprint, space) for i in range(len(values))]


def _of_styles(thing: ForeignLatents, index: int, domain: Domain | None, target: Target) -> Latent:
    """Styles as changes of those of the mean of W."""
    if domain is None:
        raise BadInput(
            f"{target.source.name} holds styles, which mean nothing without their generator; "
            f"convert it into {target.folder} first."
        )
    generator = domain.generator
    ws = generator.mapping.w_avg.expand(1, generator.num_ws, -1).clone()
    with torch.no_grad():
        styles = generator.styles(ws)
    given = [torch.from_numpy(layer[index : index + 1]) for layer in thing.styles]
    if [t.shape for t in given] != [t.shape for t in styles.values()]:
        raise BadInput(
            f"The styles are of layers with {', '.join(str(t.shape[1]) for t in given[:6])}, "
            f"... channels, and {domain.name} has others; use the generator they are of."
        )
    delta = {n: (t - styles[n])[0] for n, t in zip(styles, given, strict=True)}
    return Latent(ws, domain.name, domain.fingerprint, "w", delta)
