"""Every preset can be read, names only what its domain has, and does what it promises."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from editing.cli.edit import find_recipe
from editing.cli.presets import MAX_THUMBNAILS
from editing.edits.stack import Move
from editing.errors import BadRecipe, EditingError, MissingFile, UnknownName
from editing.io.images import to_tensor
from editing.models.domain import Domain, open_domain, open_judge
from editing.pictures.metrics import readings
from editing.recipes.presets import (
    PRESETS,
    SIZE,
    Preset,
    lacks,
    list_presets,
    make,
    open_preset,
    photo_beside,
    pictures,
    preset_names,
    read_thumbnail,
    thumbnail,
)
from editing.recipes.recipe import Recipe, Source, recipe_from_yaml
from editing.recipes.replay import replay
from tests.editing.cli.test_main import Run
from tests.editing.cli.test_main import refused as refused
from tests.editing.cli.test_main import run as run
from ui.locales import note

NAMES = preset_names()
PUBLISHED = {  # what the documents describe, by name
    *(f"image2stylegan-{n}" for n in ("embedding", "morphing", "style-transfer")),
    "image2stylegan-expression-transfer", "facial-exchange",
    *(f"interfacegan-{n}" for n in ("smile", "age", "gender", "pose", "eyeglasses")),
    "interfacegan-age-given-glasses", "interfacegan-glasses-given-age", "smile-without-teeth",
    "idinvert-layerwise", "idinvert-semantic-diffusion",
    *(f"styleclip-{n}" for n in ("smile", "glasses", "old", "beard")),
    "stylegan2-mixing-grid", "stylegan2-truncation-sweep",
    *(f"walk-{kind}-{reach}" for kind in ("random", "piecewise", "held") for reach in (5, 3)),
}  # fmt: skip


@pytest.fixture(scope="module")
def portraits() -> Domain:
    return open_domain("portraits")


def untabled(preset: Preset, domain: Domain) -> bool:
    """A text, which takes half a minute to be found without the table of global directions."""
    return "text" in preset.recipe.tags and "global_directions" not in domain.parts


def test_what_was_published_is_there() -> None:
    assert set(NAMES) >= PUBLISHED and len(NAMES) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_whole(name: str, portraits: Domain) -> None:
    preset = open_preset(name)
    recipe = preset.recipe
    assert recipe.title and recipe.description and recipe.tags and recipe.citation
    assert recipe.title_zh and recipe.description_zh != recipe.description
    assert not recipe.fingerprint, "it shall fit whatever the generator becomes"
    assert find_recipe(name)[1].title == recipe.title
    assert recipe.thumbnail == f"{name}.jpg", "its small picture is found by its name"
    missing = lacks(recipe, portraits)
    assert not missing or "text" in recipe.tags, missing
    assert recipe.source.kind == "seed" or preset.photo is not None


def test_every_preset_is_shown_on_the_page_about_them() -> None:
    text = (PRESETS.parent / "docs" / "presets.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`<br>{open_preset(name).title()}" not in text] == []


def test_thumbnails_are_small_and_all_there(portraits: Domain) -> None:
    total = 0
    for preset in list_presets():
        if lacks(preset.recipe, portraits) or untabled(preset, portraits):
            continue  # it is drawn once the domain has what it needs
        total += len(read_thumbnail(preset))
        with Image.open(preset.thumbnail) as picture:
            assert picture.size == SIZE and picture.format == "JPEG"
    assert total < MAX_THUMBNAILS


@pytest.mark.parametrize("name", [n for n in NAMES if open_preset(n).recipe.expect])
def test_a_preset_keeps_its_promise(name: str, portraits: Domain) -> None:
    preset = open_preset(name)
    if lacks(preset.recipe, portraits):
        pytest.skip(lacks(preset.recipe, portraits))
    if untabled(preset, portraits):
        pytest.skip("without a table of global directions a text takes half a minute to be found")
    if preset.recipe.inversion is not None:  # a search takes too long here; its edits do not
        preset = Preset(name, preset.path, replace(preset.recipe, inversion=None, source=Source()))
    made = make(preset, portraits)
    net = open_judge(portraits)
    first, *others = (readings(net, to_tensor(p)) for p in pictures(preset, made, portraits))
    for promised in preset.recipe.expect:
        read = [each[promised.attribute] - first[promised.attribute] for each in others]
        furthest = max(read, key=lambda change: promised.sign * change)
        assert promised.met_by(furthest), f"{promised}: {[round(r, 2) for r in read]}"


def test_a_smile_without_teeth_holds_the_teeth_still() -> None:
    (entry,) = find_recipe("smile-without-teeth")[1].stack.entries
    assert isinstance(entry.edit, Move)
    assert entry.edit.attribute == "smile" and entry.edit.given == ("teeth",)


# -- slips


@pytest.mark.parametrize(
    "text, message",
    [
        ("{edits: [], thumbnail: ../../etc/passwd}", "bare name"),
        ("{edits: [], thumbnail: /tmp/x.jpg}", "bare name"),
        ("{edits: [], thumbnail: x.svg}", "bare name"),
        ("{edits: [], thumbnail: [x.jpg]}", "needs text"),
        ("{edits: [], tumbnail: x.jpg}", "unknown key 'tumbnail'"),
        ("{edits: [], title: !!python/object/apply:os.system [ls]}", "not readable YAML"),
        ("{edits: [], expect: [{attribute: smile}]}", "lacks minimum"),
        ("{edits: [], expect: [{attribute: smile, sign: 2, minimum: 1}]}", "write 1 or -1"),
        ("{edits: [], expect: [{attribute: smile, minimum: .inf}]}", "cannot be expected"),
        ("{edits: [], expect: [{attribute: smile, minimum: 1, by: 2}]}", "unknown key 'by'"),
        ("{edits: [], expect: {attribute: smile}}", "needs a list"),
        ("{edits: [], grid: {columns: []}}", "1 x 0 pictures"),
        ("{edits: [], grid: {columns: [1]}}", "names and values"),
        ("{edits: [], grid: {columns: [{alpha: 1}]}}", "cell 1, 1 of the grid lacks move"),
        ("{edits: [], grid: {columns: [{move: smile, alpha: x}]}}", "needs a number"),
        ("{edits: [], grid: {columns: [{move: smile, alpha: 1, 3: 4}]}}", "unknown key 3"),
        ("{edits: [], grid: {columns: [{move: s, alpha: 1}]}, walk: {kind: loop}}", "not both"),
        ("{edits: [], inversion: {level: quick, into: {name: 'seed:1'}}}", "give it a mask"),
        ("{edits: [], inversion: {level: quick, mask: [0, 0, 2, 1]}}", "no part of the picture"),
        ("{edits: [], inversion: {level: quick, mask: [0, 0, 1]}}", "four numbers"),
        ("{edits: [{patch: copy, from: {name: 'seed:1'}}]}", "lacks mask"),
        ("{edits: [], walk: {kind: random, reach: -1.0}}", "reach of -1"),
    ],
)
def test_slips_are_named(text: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        recipe_from_yaml(text, "p.yaml")


def folder_with(folder: Path, text: str, name: str = "mine") -> Path:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_presets_of_ones_own(tmp_path: Path, tiny_domain: Domain) -> None:
    folder_with(tmp_path, "edits: [{move: smile, alpha: 2}]")
    preset = open_preset("mine", tmp_path)
    assert preset.title() == preset.title("zh") == "mine" and preset.kind == "edit"
    assert not lacks(preset.recipe, tiny_domain)
    with pytest.raises(MissingFile, match="presets thumbnails mine"):
        read_thumbnail(preset)
    with pytest.raises(UnknownName, match="choose from mine"):
        open_preset("../mine", tmp_path)
    assert thumbnail(preset, tiny_domain).size == SIZE


@pytest.mark.parametrize(
    "text, message",
    [
        ("edits: [{move: wings, alpha: 2}]", "no direction 'wings'"),
        ("edits: [{move: smile, alpha: 2, given: [hat]}]", "no direction 'hat'"),
        ("edits: [{move: smile, alpha: 2, layers: 0-40}]", "layers 0-7, and this needs 8"),
        ("edits: [{text: a smile, alpha: 2}]", r"no text-image model \(CLIP\)"),
        ("edits: [{channel: 'b4.conv1:999', alpha: 2}]", "no channel b4.conv1:999"),
        ("{edits: [], walk: {kind: random, along: wings}}", "no direction 'wings'"),
        ("{edits: [], walk: {kind: place}}", "StyleGAN3"),
        ("{edits: [], grid: {columns: [{move: wings, alpha: 1}]}}", "no direction 'wings'"),
    ],
)
def test_what_a_domain_lacks_is_said(
    text: str, message: str, tmp_path: Path, tiny_domain: Domain
) -> None:
    preset = open_preset("mine", folder_with(tmp_path, text))
    with pytest.raises(BadRecipe, match=message):
        make(preset, tiny_domain)
    sentence = lacks(preset.recipe, tiny_domain)
    assert note(sentence, "zh") != sentence, "the page says it in Chinese, too"


@pytest.mark.parametrize("name", ["../me.jpg", "/etc/passwd", "a/b.jpg", "..", "link.jpg"])
def test_a_photo_never_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    folder.mkdir()
    shutil.copy(PRESETS / "astronaut.jpg", tmp_path / "me.jpg")
    (folder / "link.jpg").symlink_to(tmp_path / "me.jpg")
    recipe = recipe_from_yaml(f"{{edits: [], source: {{kind: photo, name: '{name}'}}}}")
    with pytest.raises(BadRecipe, match="bare name"):
        photo_beside(folder / "mine.yaml", recipe)


# -- what recipes learnt for presets


def test_a_grid_is_its_cells(tiny_domain: Domain) -> None:
    recipe = recipe_from_yaml(
        "{edits: [], grid: {columns: [{alpha: 0}, {label: far, alpha: 2}],"
        " rows: [{move: smile}, {move: age, layers: 0-1}]}}"
    )
    grid, start = recipe.grid, replay(recipe, tiny_domain).edited
    assert grid is not None
    assert grid.column_labels == ["alpha +0", "far"] and grid.row_labels == ["smile", "age 0-1"]
    cells = list(grid.states(start, tiny_domain))
    wanted = [
        Move(name, alpha, layers).apply(start, tiny_domain)
        for name, layers in (("smile", None), ("age", (0, 1)))
        for alpha in (0.0, 2.0)
    ]
    assert all(torch.equal(a.ws, b.ws) for a, b in zip(cells, wanted, strict=True))


def test_a_photo_goes_into_another_portrait(tiny_domain: Domain, tmp_path: Path) -> None:
    """Only inside the mask, and only there it counts."""
    from editing.recipes.replay import inversion_target

    recipe = recipe_from_yaml(
        "{edits: [], inversion: {level: quick, steps: 1, start: mean, mask: [0, 0, 0.5, 1],"
        " into: {name: 'seed:5'}}}"
    )
    assert recipe.inversion is not None
    size = tiny_domain.resolution
    photo = torch.full((1, 3, size, size), 0.25)
    target, mask = inversion_target(recipe.inversion, photo, tiny_domain)
    other = replay(Recipe(recipe.stack, Source("seed", "seed:5")), tiny_domain).img
    assert mask is not None and float(mask[..., 2].mean()) > 0.95 > 0.05 > float(
        mask[..., -3].mean()
    )
    assert torch.allclose(target[..., 0], photo[..., 0], atol=0.05)
    assert torch.allclose(target[..., -1], other.clamp(-1, 1)[..., -1], atol=0.05)


# -- the command line


def test_presets_are_listed_and_shown(run: Run) -> None:
    listed = run("presets", "list")["presets"]
    assert [each["name"] for each in listed] == NAMES
    poses = next(each for each in listed if each["name"] == "interfacegan-pose")
    assert "no direction 'pose'" in poses["lacks"], "the tiny domain knows three attributes"
    shown = run("presets", "show", "interfacegan-smile")
    assert shown["title_zh"] == "微笑" and shown["lacks"] == ""
    assert shown["expect"][0]["attribute"] == "smile"


def test_a_preset_runs_as_any_recipe(run: Run, refused: Callable[..., str]) -> None:
    made = run("presets", "run", "interfacegan-smile", "--out", "here")
    assert Path(made["out"]).name == "interfacegan-smile.png"
    again = run("run", made["out"], "--out", "again")
    assert Path(made["out"]).read_bytes()[-400:] == Path(again["out"]).read_bytes()[-400:]
    film = run("presets", "run", "walk-random-5", "--out", "here")
    assert film["frames"] == 96 and Path(film["out"]).suffix == ".mp4"
    assert "no direction 'pose'" in refused("presets", "run", "interfacegan-pose", "--out", "no")
    assert "There is no preset" in refused("presets", "run", "nothing", "--out", "no")
    assert not Path("no").exists()


def test_a_grid_becomes_a_sheet_that_replays(run: Run, tmp_path: Path) -> None:
    text = "{edits: [], grid: {columns: [{alpha: 0}, {alpha: 2}], rows: [{move: smile}]}}"
    (tmp_path / "sheet.yaml").write_text(text)
    sheet = run("run", "sheet.yaml", "--out", "here")["out"]
    again = run("run", sheet, "--out", "again")["out"]
    with Image.open(sheet) as a, Image.open(again) as b:
        assert a.width > 2 * 32 and a.tobytes() == b.tobytes()


def test_broken_presets_are_refused(tmp_path: Path) -> None:
    folder_with(tmp_path, "edits: [")
    with pytest.raises(EditingError, match="not readable YAML"):
        list(list_presets(tmp_path))
