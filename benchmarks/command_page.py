"""The page of the command line, from the commands' own parsers, and the list of presets.

    python -m benchmarks.command_page            # writes docs/commands.md

A test compares the page with what this writes, so no flag and no preset stays unmentioned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from editing.cli.main import build_parser
from editing.recipes.recipe import load_recipe

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "commands.md"
HEAD = """# The command line

Written by `python -m benchmarks.command_page` from the commands themselves; a test compares.

Every command ends with one JSON line on stdout with `--json`. Progress goes to stderr. A refusal is
one sentence on stderr and exit code 2. `SOURCE` is a photo, a latent file, an exported PNG or
`seed:N[@PSI][#CLASS]`.
"""
PRESETS = """
## Presets

`python -m editing run NAME --out DIR` draws a preset as it is written; with `--photo ME.jpg` it is
applied to a photo. How to write one: [presets](presets.md).

| name | what | after |
|---|---|---|
"""
SHARED = ("json", "domain", "device", "seed")


def page() -> str:
    """The whole page."""
    commands = [
        text for name, parser in sorted(leaves(build_parser())) for text in _command(name, parser)
    ]
    return HEAD + _shared() + "\n".join(commands) + "\n" + PRESETS + "\n".join(_presets()) + "\n"


def leaves(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser; two words where it has an action."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        yield name, parser
    for group in groups:
        for word, inner in group.choices.items():
            yield from leaves(inner, f"{name} {word}".strip())


def flags(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """What a command takes, without what all commands share."""
    for action in parser._actions:
        if action.dest not in (*SHARED, "help"):
            yield action


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"\n## {name}\n\n{parser.description}\n"
    rows = [f"| {_usage(action)} | {_words(parser, action)} |" for action in flags(parser)]
    if rows:
        yield "| | |\n|---|---|\n" + "\n".join(rows)


def _usage(action: argparse.Action) -> str:
    words = action.metavar or ()
    value = words if isinstance(words, str) else " ".join(words)
    many = " ..." if action.nargs in ("+", "*") else ""
    text = f"{action.option_strings[0]} {value}".strip() if action.option_strings else value
    wanted = bool(action.option_strings) and action.required
    return f"`{_cell(text)}{many}`" + (" (needed)" if wanted else "")


def _words(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    return _cell(text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _shared() -> str:
    parser = dict(leaves(build_parser()))["generate"]
    shared = [a for a in parser._actions if a.dest in SHARED]
    rows = [f"| {_usage(action)} | {_words(parser, action)} |" for action in shared]
    return "\nNearly all commands take:\n\n| | |\n|---|---|\n" + "\n".join(rows) + "\n"


def _presets() -> Iterator[str]:
    for path in sorted((ROOT / "presets").glob("*.yaml")):
        recipe = load_recipe(path)
        yield f"| `{path.stem}` | {_cell(recipe.title)} | {_cell(recipe.citation)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written to {PAGE.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
