"""Files of other systems into the folder of a domain: our safetensors, and its domain.yaml.

A generator makes the folder a domain; whatever else is converted into the same folder becomes a
part of it, if it fits. domain.yaml is written last, so that a kill leaves the domain as it was.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from editing import hub
from editing.clip_files import TABLE, absent_files, bind_table, table_width_fits, write_clip
from editing.descriptions import DESCRIPTION, describe_file, write_description
from editing.directions import check_fits, load_direction, read_directions, save_direction
from editing.domains import Domain, open_domain
from editing.encoders import InDomainConfig, StyleEncoderConfig, check_rows
from editing.errors import BadInput, EditingError
from editing.features import (
    load_picture_net,
    read_net_config,
    save_picture_net,
    write_picture_net,
)
from editing.formats.clip import CONFIG, ForeignClip, read_json
from editing.formats.foreign import (
    Foreign,
    ForeignNet,
    Weight,
    Weights,
    build,
    build_net,
    net_weights,
)
from editing.formats.latents import ForeignLatents
from editing.formats.pickles import refusing
from editing.formats.picture_nets import with_lpips
from editing.formats.styleclip import ForeignStatistics, ForeignTable
from editing.generator import save_generator
from editing.global_directions import (
    GlobalDirections,
    load_global_directions,
    save_global_directions,
    split_table,
)
from editing.inspection import Finding
from editing.latents import Latent, save_latent
from editing.layers import style_widths
from editing.statistics import load_statistics, save_statistics
from editing.tensors import Pending
from editing.vgg import VGG16

MAX_LATENTS = 1000  # written at once
PERCEPTUAL = "perceptual.safetensors"
CLIP = "clip"


@dataclass
class Target:
    """The folder that is written to, its domain if it is one, and what becomes of domain.yaml."""

    folder: Path
    source: Path
    name: str | None = None  # what a single direction is called, instead of its file
    family: str | None = None  # of directions whose file does not say
    space: str | None = None
    domain: Domain | None = None
    facts: dict[str, Any] = field(default_factory=dict)  # of domain.yaml, changed
    written: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # sentences on what does not fit
    notes: list[str] = field(default_factory=list)  # sentences on what was taken for granted

    def add(self, part: str, file: str) -> None:
        """Note a file, or a folder of files, as a part ("boundary NAME" for one direction)."""
        path, source = self.folder / file, {"source": f"converted from {self.source.name}"}
        self.written.append(path)
        if self.domain is None and "generator" not in self.facts and part != "generator":
            return
        if path.is_dir():
            names = sorted(f"{file}/{one.name}" for one in path.iterdir() if one.is_file())
            files = [describe_file(self.folder, name) for name in names]
            entry: dict[str, Any] = {
                "file": file, **source, "files": [*files, *absent_files(path, file)]
            }  # fmt: skip
        else:
            entry = describe_file(self.folder, file, **source)
        kind, _, name = part.partition(" ")
        if kind == "boundary":
            self.facts.setdefault("boundaries", {})
            self.facts["boundaries"] = {**(self.facts["boundaries"] or {}), name: entry}
        else:
            self.facts[part] = entry


def convert(
    findings: list[Finding],
    source: Path,
    out: Path,
    name: str | None = None,
    family: str | None = None,
    space: str | None = None,
) -> Target:
    """Write what ``inspect_file`` found in ``source`` into the folder ``out``.

    Returns:
        What was written; its ``facts`` are empty where ``out`` is no domain yet.

    Raises:
        BadInput: it does not fit what is there already, or something is not known that must be.
        UnsafeFile: weights that do not fit.
        CannotWrite: folder or disk refuse.
    """
    target = Target(out, source, name, family, space)
    if (out / DESCRIPTION).is_file():
        target.domain = open_domain(out)
        import yaml

        target.facts = yaml.safe_load((out / DESCRIPTION).read_text(encoding="utf-8"))
    kinds = {finding.kind for finding in findings}
    for finding in findings:
        if finding.kind == "generator" and target.domain and len(kinds) > 1:
            continue  # the encoder's own decoder, beside the generator that is there
        _write(finding, target)
    if target.facts:
        if target.domain is None:  # the generator came last
            write_description(out, target.facts)
            _adopt(target, open_domain(out))
        target.written.append(write_description(out, target.facts))
        open_domain(out)
    return target


def _adopt(target: Target, domain: Domain) -> None:
    """What was converted into the folder before its generator, as parts of the domain now."""
    files = [f"{part}.safetensors" for part in ("encoder", "perceptual", "identity", "statistics")]
    files += [
        f"boundaries/{p.name}" for p in sorted(domain.folder.glob("boundaries/*.safetensors"))
    ]
    if (domain.folder / CLIP / CONFIG).is_file():
        target.add("text_image_model", CLIP)
    for file in files:
        path = domain.folder / file
        part = path.stem if path.parent == domain.folder else f"boundary {path.stem}"
        if part in target.facts or not path.is_file():
            continue
        try:
            _check_part(part, path, domain)
        except EditingError as error:
            target.left_out.append(str(error))
        else:
            target.add(part, file)


def _check_part(part: str, path: Path, domain: Domain) -> None:
    """Refuse a file of ours that does not fit the generator of a domain."""
    if part == "statistics":
        load_statistics(path).check(domain.generator, domain.fingerprint, domain.name)
    elif part.startswith("boundary "):
        check_fits(load_direction(path), domain)
    else:
        config = read_net_config(path)
        if isinstance(config, StyleEncoderConfig | InDomainConfig):
            check_rows(config.num_ws, config.w_dim, domain.generator)


def _write(finding: Finding, target: Target) -> None:
    thing = finding.thing
    if isinstance(thing, Foreign):
        _write_generator(thing, target)
    elif isinstance(thing, ForeignNet):
        _write_net(thing, target)
    elif isinstance(thing, ForeignClip):
        _write_clip(thing, target)
    elif isinstance(thing, ForeignStatistics):
        _write_statistics(thing, target)
    elif isinstance(thing, ForeignTable):
        _write_table(thing, target)
    elif isinstance(thing, ForeignLatents):
        _write_latents(thing, target)
    elif finding.kind == "directions":
        _write_directions(target)
    elif finding.kind == "lpips weights":
        _write_lpips(thing, target)
    else:
        raise BadInput(
            f"{target.source} is a {finding.kind} of {finding.system} already, so there is "
            "nothing to convert; copy it."
        )


def _write_generator(thing: Foreign, target: Target) -> None:
    if target.domain is not None:
        raise BadInput(
            f"{target.folder} has a generator already, and its other files belong to that one; "
            "choose another folder."
        )
    with refusing(target.source):
        generator = build(thing)
    save_generator(target.folder / "generator.safetensors", generator)
    name = re.sub(r"[^\w.-]+", "-", target.folder.resolve().name) or "domain"
    target.facts |= {
        "name": name,
        "title": name,
        "resolution": generator.img_resolution,
        "family": generator.family,
        "alignment": None,
    }
    target.add("generator", "generator.safetensors")


def _write_net(thing: ForeignNet, target: Target) -> None:
    config = thing.config
    if isinstance(config, StyleEncoderConfig | InDomainConfig) and target.domain is not None:
        check_rows(config.num_ws, config.w_dim, target.domain.generator)
    path = target.folder / f"{thing.part}.safetensors"
    with refusing(target.source):
        weights = net_weights(thing)
        pending = {name: Pending(w.shape, w.dtype, w.load) for name, w in weights.items()}
        write_picture_net(path, config, pending)
    target.add(thing.part, path.name)


def _write_lpips(weights: Weights, target: Target) -> None:
    path = target.folder / PERCEPTUAL
    trunk = load_picture_net(path, part="perceptual") if path.is_file() else None
    if not isinstance(trunk, VGG16):
        raise BadInput(
            f"{target.source} holds only the weights that LPIPS puts on VGG16's channels; convert "
            f"torchvision's vgg16 into {target.folder} first."
        )
    ours = {name: _loaded(tensor) for name, tensor in trunk.state_dict().items()}
    found = ForeignNet("VGG16", "perceptual", trunk.config, ours)
    with refusing(target.source):
        net = build_net(with_lpips(found, weights))
    save_picture_net(path, net, half=False)
    target.add("perceptual", PERCEPTUAL)


def _loaded(tensor: Tensor) -> Weight:
    return Weight(tuple(tensor.shape), lambda: tensor)


def _write_clip(thing: ForeignClip, target: Target) -> None:
    folder = target.folder / CLIP
    if (target.folder / TABLE).is_file():
        table_width_fits(load_global_directions(target.folder / TABLE), thing.config, TABLE)
    with refusing(target.source):
        write_clip(thing, folder)
    target.add("text_image_model", CLIP)
    if absent_files(folder, CLIP):
        target.notes.append(
            "Its tokenizer, without which no text can be read, is not in the file; get it with "
            f"'python -m editing weights fetch {target.folder} text_image_model'."
        )
    if (target.folder / TABLE).is_file():
        _bind_table(target, folder)


def _bind_table(target: Target, clip: Path) -> None:
    if said := bind_table(target.folder, clip):
        target.notes.append(said)
        target.add("global_directions", TABLE)


def _write_statistics(thing: ForeignStatistics, target: Target) -> None:
    if target.domain is not None:
        domain = target.domain
        thing.statistics.check(domain.generator, domain.fingerprint, domain.name)
    save_statistics(target.folder / "statistics.safetensors", thing.statistics)
    target.add("statistics", "statistics.safetensors")


def _write_table(thing: ForeignTable, target: Target) -> None:
    if target.domain is None:
        raise BadInput(
            f"{target.source} does not say which layers its {len(thing.rows)} rows are of; convert "
            f"the generator into {target.folder} first."
        )
    rows = split_table(torch.from_numpy(thing.rows), style_widths(target.domain.generator))
    table, clip = GlobalDirections(rows), _clip_folder(target.domain)
    if clip is not None:
        table_width_fits(table, read_json(clip / CONFIG), target.source.name)
    save_global_directions(target.folder / TABLE, table)
    target.add("global_directions", TABLE)
    if clip is not None:
        _bind_table(target, clip)


def _clip_folder(domain: Domain) -> Path | None:
    """Where the weights of a domain's CLIP lie; None where they are not here."""
    if domain.hub_clip:
        return hub.cached(domain.hub_clip, domain.folder)
    entry = domain.parts.get("text_image_model")
    folder = domain.folder / entry.file if entry else None
    return folder if folder and (folder / CONFIG).is_file() else None


def _write_directions(target: Target) -> None:
    found = read_directions(target.source, target.family, target.space)
    for direction in found:
        if target.domain is not None:
            check_fits(direction, target.domain)
    single = len(found) == 1
    for direction in found:
        name = target.name if single and target.name else direction.name
        name = re.sub(r"[^\w.-]+", "_", name)
        file = f"{'boundaries' if single else 'directions'}/{name}.safetensors"
        save_direction(target.folder / file, direction)
        if single:
            target.add(f"boundary {name}", file)
        else:
            target.written.append(target.folder / file)


def _write_latents(thing: ForeignLatents, target: Target) -> None:
    if thing.count > MAX_LATENTS:
        raise BadInput(
            f"{target.source} holds {thing.count} latents; at most {MAX_LATENTS} are written at "
            "once, so save a part of them."
        )
    domain = target.domain
    if domain is None and thing.ws is None:
        raise BadInput(
            f"{target.source} holds styles, which mean nothing without their generator; convert it "
            f"into {target.folder} first."
        )
    for i in range(thing.count):
        latent = _latent(thing, i, domain)
        name = thing.names[i] if thing.names else f"{target.source.stem}-{i:04d}"
        name = re.sub(r"[^\w.-]+", "_", Path(name).stem if thing.count > 1 else target.source.stem)
        path = target.folder / "latents" / f"{name}.npz"
        save_latent(path, latent)
        target.written.append(path)


def _latent(thing: ForeignLatents, index: int, domain: Domain | None) -> Latent:
    name, fingerprint = (domain.name, domain.fingerprint) if domain else ("", "")
    if thing.ws is not None:
        ws = torch.from_numpy(thing.ws[index : index + 1])
        if domain is not None and ws.shape[1] == 1:
            ws = ws.repeat(1, domain.generator.num_ws, 1)
        space = "w" if bool((ws == ws[:, :1]).all()) else "w+"
        latent = Latent(ws, name, fingerprint, space)
    else:
        assert domain is not None
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
        latent = Latent(ws, name, fingerprint, "w", delta)
    if domain is not None:
        latent.check(domain.generator, domain.fingerprint, domain.name)
    return latent
