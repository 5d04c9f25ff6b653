"""Arrows go one way: a room imports only rooms beneath it, and no two modules need each other."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Rooms from the ground up; those of one row do not know each other. A file that stands in a
# folder of its own stands above the folder's rooms.
ROOMS = {
    "editing": (
        {"errors"},
        {"io"},
        {"models"},
        {"pictures"},
        {"directions", "inversion", "adversarial"},
        {"edits"},
        {"text", "animation", "conversion", "translation"},
        {"figures"},
        {"recipes"},
        {"cli"},
        {"__main__"},
    ),
    "editing/models": ({"generators"}, {"networks", "style_statistics"}, {"formats"}),
    "editing/models/formats": ({"containers"}, {"foreign", "wrappings"}, {"generators"}),
    "editing/cli": ({"arguments"}, {"flags"}),
    "ui": (
        {"locales"},
        {"server"},
        {"runtime"},
        {"components"},
        {"studio"},
        {"panels"},
        {"tabs"},
        {"handlers"},
        {"layout", "api", "theme"},
        {"wiring"},
        {"page"},
    ),
}
MOST, NOT_COUNTED = 13, {"__init__.py", "__pycache__"}  # entries of a room
LAZY = {"dlib", "gradio", "imageio", "sklearn", "skimage", "transformers", "huggingface_hub"}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(dotted name, relative level) of every import in a file, wherever it stands.

    ``from package import name`` yields package.name where that is a module.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            folder = ROOT.joinpath(*module.split("."))
            for alias in node.names:
                inner = (folder / f"{alias.name}.py").exists() or (folder / alias.name).is_dir()
                yield (f"{module}.{alias.name}" if inner else module), node.level


def row(place: str, module: str) -> int | None:
    """The row of a module among the rooms of the folder ``place``; None: not in this folder.

    Raises:
        AssertionError: a folder that has no row yet; say where it stands.
    """
    head = place.replace("/", ".") + "."
    if not module.startswith(head):
        return None
    name, _, deeper = module.removeprefix(head).partition(".")
    rooms = ROOMS[place]
    for number, names in enumerate(rooms):
        if name in names:
            return number
    folder = (ROOT / place / name).is_dir()
    assert not folder and not deeper, f"{place}/{name} has no row in ROOMS; say where it stands"
    return len(rooms)


@pytest.mark.parametrize("place", ROOMS)
def test_rooms_import_only_rooms_beneath(place: str) -> None:
    wrong = []
    for path in sources(place):
        module = module_of(path)
        own = row(place, module)
        for name, _ in imports(path):
            other = row(place, name)
            if own is None or other is None or room(place, module) == room(place, name):
                continue
            both_above = own == other == len(ROOMS[place])  # files beside the rooms: see circles
            if other >= own and not both_above:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, wrong


def room(place: str, module: str) -> str:
    return module.removeprefix(place.replace("/", ".") + ".").partition(".")[0]


@pytest.mark.parametrize("folder", ["editing", "ui", "training", "benchmarks"])
def test_no_two_modules_need_each_other(folder: str) -> None:
    graph = {module_of(path): {name for name, _ in imports(path)} for path in sources(folder)}
    known = {name: needed & set(graph) - {name} for name, needed in graph.items()}
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle of imports: {' -> '.join(error.args[1])}") from error


@pytest.mark.parametrize("folder", ["editing", "ui"])
def test_no_room_is_crowded(folder: str) -> None:
    inside = [path for path in (ROOT / folder).rglob("*") if path.is_dir()]
    crowded = {
        str(place.relative_to(ROOT)): sorted(entries)
        for place in inside
        if len(entries := {p.name for p in place.iterdir()} - NOT_COUNTED) > MOST
    }
    assert not crowded, crowded


@pytest.mark.parametrize("folder", ["editing", "ui", "training", "tests", "benchmarks"])
def test_imports_are_absolute(folder: str) -> None:
    relative = [str(path) for path in sources(folder) for _, level in imports(path) if level]
    assert not relative, relative


@pytest.mark.parametrize(
    "folder, forbidden",
    [
        ("editing", {"gradio", "ui", "app", "training", "tests", "benchmarks"}),
        ("training", {"gradio", "ui", "app", "tests", "benchmarks"}),
        ("ui", {"app", "training", "tests", "benchmarks"}),
    ],
)
def test_forbidden_imports(folder: str, forbidden: set[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        for name, _ in imports(path)
        if name.split(".")[0] in forbidden
    ]
    assert not found, found


def test_importing_is_cheap() -> None:
    """The package alone needs no torch, and no module loads a heavy library before it is used."""
    modules = [module_of(path) for path in sources("editing") if path.name[0] != "_"]
    code = f"""
import importlib, sys
import editing, editing.cli.main
assert "torch" not in sys.modules, "the command line's help must not wait for torch"
for name in {modules}:
    importlib.import_module(name)
heavy = {sorted(LAZY)}
assert not [name for name in heavy if name in sys.modules], sys.modules.keys() & set(heavy)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
