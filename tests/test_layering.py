"""Arrows go one way."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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
