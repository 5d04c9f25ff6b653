"""Files of other systems into the folder of a domain: our safetensors, and its domain.yaml.

A generator makes the folder a domain; whatever else is converted into the same folder becomes a
part of it, if it fits. domain.yaml is written last, so that a kill leaves the domain as it was.
"""

import re
from pathlib import Path

import torch
from torch import Tensor

from editing import hub
from editing.clip_files import (
    TABLE,
    absent_files,
    bind_table,
    check_clip,
    clip_files,
    pending_weights,
    table_fits,
    table_of_clip,
)
from editing.conversion_codes import write_directions, write_latents
from editing.conversion_target import CONVERTED, Said, Target
from editing.descriptions import DESCRIPTION, write_description
from editing.directions import check_fits, load_direction
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
from editing.formats.pickles import recognising
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
from editing.layers import style_widths
from editing.statistics import load_statistics, save_statistics
from editing.vgg import VGG16

PERCEPTUAL = "perceptual.safetensors"
STATISTICS = "statistics.safetensors"
CLIP = "clip"


def convert(
    findings: list[Finding],
    source: Path,
    out: Path,
    said: Said | None = None,
    at_hand: Domain | None = None,
) -> Target:
    """Write what ``inspect_file`` found in ``source`` into the folder ``out``.

    Args:
        said: what the caller says of the file.
        at_hand: whose generator tells what shapes mean, where ``out`` is no domain.

    Returns:
        What was written; its ``facts`` are empty where ``out`` is no domain yet.

    Raises:
        BadInput: it does not fit what is there already, or something is not known that must be.
        UnsafeFile: weights that do not fit.
        CannotWrite: folder or disk refuse.
    """
    target = Target(out, source, said or Said(), at_hand=at_hand)
    if (out / DESCRIPTION).is_file():
        target.domain = open_domain(out)
        target.at_hand = at_hand or target.domain  # the same generator, perhaps for one class
        import yaml

        target.facts = yaml.safe_load((out / DESCRIPTION).read_text(encoding="utf-8"))
    kinds = {finding.kind for finding in findings}
    for finding in findings:
        if finding.kind == "generator" and target.domain and len(kinds) > 1:
            continue  # the encoder's own decoder, beside the generator that is there
        _write(finding, target)
        target.used.append(finding.kind)
    if findings and findings[0].unread:
        target.notes.append(f"Not read, as it is not known here: {', '.join(findings[0].unread)}.")
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
        write_latents(thing, target)
    elif finding.kind == "directions":
        write_directions(target)
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
    with recognising(target.source):
        generator = build(thing)
    target.put("generator.safetensors", lambda path: save_generator(path, generator))
    name = re.sub(r"[^\w.-]+", "-", target.folder.resolve().name) or "domain"
    target.facts |= {
        "name": name,
        "title": name,
        "resolution": generator.img_resolution,
        "family": generator.family,
        "alignment": None,
    }
    if generator.c_dim:
        target.facts["class"] = 0
    target.add("generator", "generator.safetensors")


def _write_net(thing: ForeignNet, target: Target) -> None:
    config = thing.config
    if isinstance(config, StyleEncoderConfig | InDomainConfig) and target.domain is not None:
        check_rows(config.num_ws, config.w_dim, target.domain.generator)
    file = f"{thing.part}.safetensors"
    target.check_free(thing.part, file)
    with recognising(target.source):
        weights = net_weights(thing)
    pending = pending_weights(weights, target.source)
    target.put(file, lambda path: write_picture_net(path, config, pending))
    target.add(thing.part, file)


def _write_lpips(weights: Weights, target: Target) -> None:
    path = target.folder / PERCEPTUAL
    trunk = load_picture_net(path, part="perceptual") if path.is_file() else None
    if not isinstance(trunk, VGG16):
        raise BadInput(
            f"{target.source} holds only the weights that LPIPS puts on VGG16's channels; convert "
            f"torchvision's vgg16 into {target.folder} first."
        )
    entry = target.domain.parts.get("perceptual") if target.domain else None
    if entry is not None and not entry.source.startswith(CONVERTED):
        raise BadInput(
            f"{target.folder} has a perceptual network of its own, which was not converted; "
            "convert the trunk and its weights into another folder."
        )
    ours = {name: _loaded(tensor) for name, tensor in trunk.state_dict().items()}
    found = ForeignNet("VGG16", "perceptual", trunk.config, ours)
    with recognising(target.source):
        net = build_net(with_lpips(found, weights))
    save_picture_net(path, net, half=False)
    target.add("perceptual", PERCEPTUAL)


def _loaded(tensor: Tensor) -> Weight:
    return Weight(tuple(tensor.shape), lambda: tensor)


def _write_clip(thing: ForeignClip, target: Target) -> None:
    target.check_free("text_image_model", CLIP)
    if (target.folder / TABLE).is_file():
        table_fits(load_global_directions(target.folder / TABLE), thing.config, TABLE)
    folder = target.folder / CLIP
    with recognising(target.source):
        check_clip(thing)
    writers = clip_files(thing, target.source)
    target.put_all([(f"{CLIP}/{name}", write) for name, write in writers.items()])
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
    target.check_free("statistics", STATISTICS)
    target.put(STATISTICS, lambda path: save_statistics(path, thing.statistics))
    target.add("statistics", STATISTICS)


def _write_table(thing: ForeignTable, target: Target) -> None:
    if target.domain is None:
        raise BadInput(
            f"{target.source} does not say which layers its {len(thing.rows)} rows are of; convert "
            f"the generator into {target.folder} first."
        )
    rows = split_table(torch.from_numpy(thing.rows), style_widths(target.domain.generator))
    table, clip = GlobalDirections(rows), _clip_folder(target.domain)
    if clip is not None:
        table_fits(table, read_json(clip / CONFIG), target.source.name)
        table, said = table_of_clip(table, clip)
        target.notes.append(said)
    target.check_free("global_directions", TABLE)
    target.put(TABLE, lambda path: save_global_directions(path, table))
    target.add("global_directions", TABLE)


def _clip_folder(domain: Domain) -> Path | None:
    """Where the weights of a domain's CLIP lie; None where they are not here."""
    if domain.hub_clip:
        return hub.cached(domain.hub_clip, domain.folder)
    entry = domain.parts.get("text_image_model")
    folder = domain.folder / entry.file if entry else None
    return folder if folder and (folder / CONFIG).is_file() else None
