"""Arrows go one way: a module of ``editing`` imports only modules of the rows above its own."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [
    {"archives", "errors", "memory", "progress", "latex", "lettering"},
    {"easing", "chains", "matching", "flag_use"},
    {"images", "networks"},
    {"tensors", "settings"},  # files: of tensors, and YAML that people write
    {"rounding", "schedules", "expectations"},
    {"servers", "web_pages"},
    {"downloads", "trust"},
    {"hub"},
    {"mapping"},
    {"stylegan1", "stylegan3"},
    {"irse", "vgg"},
    {"generator", "text_image"},
    {"encoders", "resumption", "templates"},
    {"features"},
    {"statistics", "global_directions", "differential_activation", "deghosting"},
    {"formats", "latents", "layers"},
    {"descriptions"},
    {"domains"},
    {"fetching", "states"},
    {
        "metrics",
        "alignment",
        "samples",
        "whitening",
        "inversion_options",
        "masks",
        "noise_maps",
        "style_gradients",
    },
    {"directions", "regions", "paste_back"},
    {"conditions", "mixing"},
    {"inspection", "clip_files"},
    {"conversion_target"},
    {"conversion_codes"},
    {"conversion"},
    {"channels", "rescoring", "separation", "unsupervised"},
    {"subspaces", "boundary_sets", "table_build"},
    {"losses", "tuning", "text_gradients"},
    {"stages", "starts"},
    {"descent", "pace"},
    {"inversion", "text"},
    {"local_edits"},
    {"edits"},
    {"mix_edits", "sheets", "ranking", "text_descent", "figures"},
    {"text_effects", "mappers", "citations"},
    {"mix_values", "text_values"},
    {"edit_values", "coordinates"},
    {"ways", "grids", "figure_values"},
    {"random_ways"},
    {"domain_build", "walks", "out_of_domain", "animation"},
    {"walk_values", "motion"},
    {"films"},
    {"recipes"},
    {"replays", "figure_files", "boundary_sources"},
    {"photos", "arguments", "presets"},
    {"batches", "figure_replays"},
    {"commands"},
    {"inversion_commands"},
    {"direction_commands"},
    {"boundary_commands"},
    {"walk_kinds"},
    {"walk_commands", "walk_flags"},
    {"mix_commands", "mix_flags", "figure_commands", "figure_flags"},
    {"weights_commands", "inspection_commands", "text_commands", "preset_commands"},
    {"direction_flags", "text_flags", "preset_flags"},
    {"cli"},
    {"__main__"},
]
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row}
LAZY = {"dlib", "gradio", "imageio", "sklearn", "skimage", "transformers", "huggingface_hub"}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(dotted name, relative level) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "editing":  # "from editing import x" names modules
                yield from ((f"editing.{alias.name}", node.level) for alias in node.names)
            else:
                yield module, node.level


def row_of(path: Path) -> int:
    name = path.relative_to(ROOT / "editing").parts[0].removesuffix(".py")
    assert name in ROW_OF, f"editing/{name} has no row in ROWS; say where it stands"
    return ROW_OF[name]


def test_editing_imports_only_rows_above() -> None:
    wrong = []
    for path in sources("editing"):
        if path == ROOT / "editing" / "__init__.py":
            continue
        row = row_of(path)
        for name, _ in imports(path):
            parts = name.split(".")
            if parts[0] != "editing" or len(parts) == 1:
                continue
            same_package = path.parent.name == "formats" and parts[1] == "formats"
            if not same_package and ROW_OF[parts[1]] >= row:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, wrong


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
    paths = [path.relative_to(ROOT).with_suffix("") for path in sources("editing")]
    modules = [".".join(path.parts) for path in paths if path.name[0] != "_"]
    code = f"""
import importlib, sys
import editing, editing.cli
assert "torch" not in sys.modules, "the command line's help must not wait for torch"
for name in {modules}:
    importlib.import_module(name)
heavy = {sorted(LAZY)}
assert not [name for name in heavy if name in sys.modules], sys.modules.keys() & set(heavy)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
