"""What the commands ``presets ...`` do."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from editing.arguments import parse_class
from editing.commands import Result, open_named, run
from editing.domains import Domain, open_domain
from editing.errors import BadRecipe
from editing.presets import (
    Preset,
    lacks,
    list_presets,
    open_preset,
    thumbnail,
    write_thumbnail,
)
from editing.progress import bar

MAX_THUMBNAILS = 400_000  # bytes of all together: they travel with the code


def presets_list(args: Namespace) -> Result:
    """Name every preset, what it does, and what is missing for it."""
    domain = open_named(args)
    found = [_facts(preset, domain) for preset in list_presets()]
    lines = [
        f"{facts['name']:<34}{facts['title']}{'  (not yet)' if facts['lacks'] else ''}"
        for facts in found
    ]
    return Result("\n".join(lines), {"presets": found})


def presets_show(args: Namespace) -> Result:
    """Say everything about one preset."""
    preset = open_preset(args.name)
    facts = _facts(preset, open_named(args))
    lines = [
        f"{preset.title()} ({preset.name}, {preset.kind})",
        preset.description(),
        f"{preset.recipe.citation}",
        f"tags: {', '.join(preset.recipe.tags)}",
        *(
            f"expected: {each['attribute']} {'+' if each['sign'] > 0 else '-'}"
            f"{each['minimum']:g} σ or more"
            for each in facts["expect"]
        ),
        facts["lacks"] or f"python -m editing presets run {preset.name} [--photo ME.jpg] --out DIR",
        "",
        preset.path.read_text(encoding="utf-8").rstrip(),
    ]
    return Result("\n".join(lines), facts)


def _facts(preset: Preset, domain: Domain) -> dict[str, Any]:
    recipe = preset.recipe
    return {
        "name": preset.name,
        "kind": preset.kind,
        "title": preset.title(),
        "title_zh": preset.title("zh"),
        "description": preset.description(),
        "description_zh": preset.description("zh"),
        "tags": list(recipe.tags),
        "citation": recipe.citation,
        "expect": [vars(each) for each in recipe.expect],
        "lacks": lacks(recipe, domain),
        "file": str(preset.path),
    }


def presets_run(args: Namespace) -> Result:
    """Make what a preset makes, as published or of a photo."""
    preset = open_preset(args.name)
    domain = open_domain(
        args.domain or preset.recipe.domain, args.device, label=parse_class(args.label)
    )
    if missing := lacks(preset.recipe, domain):
        raise BadRecipe(missing)
    return run(Namespace(**{**vars(args), "recipe": str(preset.path), "latent": None}))


def presets_thumbnails(args: Namespace) -> Result:
    """Draw the small pictures from the recipes themselves."""
    domain = open_named(args)
    presets = [open_preset(name) for name in args.names] or list(list_presets())
    sizes, left_out = dict[str, int](), dict[str, str]()
    for preset in bar(presets, "thumbnails"):
        if missing := lacks(preset.recipe, domain):
            left_out[preset.name] = missing
        else:
            sizes[preset.name] = write_thumbnail(preset, thumbnail(preset, domain))
    total = sum(p.thumbnail.stat().st_size for p in list_presets() if p.thumbnail.is_file())
    lines = [f"{len(sizes)} drawn; all together {total:,} bytes."]
    lines += [f"{name}: not drawn. {reason}" for name, reason in left_out.items()]
    if total > MAX_THUMBNAILS:
        lines.append(f"That is more than {MAX_THUMBNAILS:,}; make QUALITY or SIZE smaller.")
    facts = {"drawn": sizes, "bytes": total, "left_out": left_out}
    return Result("\n".join(lines), facts)
