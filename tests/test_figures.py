"""Figures: equal effect everywhere, honest where it is not, and the same pixels again."""

import json
from argparse import Namespace
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from editing import commands, figure_commands, lettering
from editing.channels import Channel
from editing.citations import PAPERS, bibtex, cited
from editing.cli import main
from editing.domains import Domain
from editing.edits import ChannelMove, EditStack, Move, state_of
from editing.errors import BadInput, BadRecipe, UnknownName
from editing.figure_files import heading
from editing.figure_replays import drawn_figure, redraw
from editing.figure_values import figure_from, figure_values
from editing.figures import MAX_CELLS, MISSED, Column, Figure, column_of, drawing, edit_name
from editing.images import save_png
from editing.latents import load_latent
from editing.mix_edits import Grain
from editing.recipes import Source, load_recipe, make_recipe, recipe_from_yaml, recipe_to_yaml
from editing.settings import Settings
from editing.text import StyleChange, TextEdit

AMOUNT = 0.06  # the tiny scorer is untrained and reads little


def quiet(done: int, total: int) -> None:
    pass


def plain(domain: Domain, *names: str, amount: float = AMOUNT) -> Figure:
    return Figure(tuple(column_of(Move(n, 1.0), amount, "", domain) for n in names))


def test_every_edit_changes_its_attribute_equally(tiny_domain: Domain) -> None:
    figure = plain(tiny_domain, "smile", "age")
    drawn = drawn_figure(recipe_of(figure, tiny_domain), "seed:1", tiny_domain, quiet)
    for column, cell in zip(drawn.figure.columns, drawn.rows[0][1:], strict=True):
        reached = abs((cell.change or 0) - AMOUNT) <= MISSED
        assert cell.reached(column) == reached
        assert cell.alpha is not None and cell.perceptual is not None
    assert drawn.source is None and len(drawn.rows) == 1
    assert drawn.figure.strengths == (tuple(c.alpha for c in drawn.rows[0][1:]),)


def recipe_of(figure: Figure, domain: Domain):  # type: ignore[no-untyped-def]
    return make_recipe(domain, Source("seed", "seed:1"), EditStack(), figure=figure)


def test_an_unreachable_amount_is_said_beneath(tiny_domain: Domain) -> None:
    figure = plain(tiny_domain, "smile", amount=10.0)
    drawn = drawn_figure(recipe_of(figure, tiny_domain), "seed:1", tiny_domain, quiet)
    cell = drawn.rows[0][1]
    assert not cell.reached(figure.columns[0]) and cell.pixels is not None


def test_progress_only_grows(tiny_domain: Domain) -> None:
    figure = Figure(plain(tiny_domain, "smile").columns, ("encoder", "restyle"))
    steps = list(drawing(figure, state_of("seed:1", tiny_domain), tiny_domain, EditStack()))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert all(0 <= done <= total == figure.total for done, total in steps)


def test_what_no_figure_can_be_is_refused(tiny_domain: Domain) -> None:
    column = Column(Move("smile", 1.0), "smile")
    with pytest.raises(BadInput, match="without edits"):
        Figure(())
    with pytest.raises(UnknownName, match="levle"):
        Figure((column,), ("levle",))
    with pytest.raises(BadInput, match=f"10001 pictures .* at most {MAX_CELLS}"):
        Figure((column,) * 99, ("quick",) * 100)
    with pytest.raises(BadInput, match="strengths for another number"):
        Figure((column,), (), ((1.0, 2.0),))
    for amount in (0.0, float("nan"), 1e9):
        with pytest.raises(BadInput, match="cannot be compared"):
            Column(Move("smile", 1.0), "smile", amount)
    with pytest.raises(BadInput, match="Grain"):
        Column(Grain(3))  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="attribute the scorer reads"):
        figure = Figure((Column(Move("smile", 1.0), "hat"),))
        next(drawing(figure, state_of("seed:1", tiny_domain), tiny_domain, EditStack()))
    with pytest.raises(BadInput, match="through an inversion"):
        next(drawing(Figure((column,)), torch.zeros(1, 3, 32, 32), tiny_domain, EditStack()))


@given(
    st.lists(st.sampled_from(("quick", "pti", "w")), max_size=3),
    st.floats(0.05, 10.0),
    st.booleans(),
)
def test_a_figure_travels_in_a_recipe(names: list[str], amount: float, found: bool) -> None:
    change = StyleChange((("b4.conv1", (1, 2), (0.5, -0.25)),))
    columns = (
        Column(Move("age", -1.0, (0, 1), ("smile",)), "age", -amount),
        Column(TextEdit("微笑", 3.0, change=change), "smile", amount),
        Column(ChannelMove(Channel("b4.conv1", 3), 3.0), "", amount),
    )
    strengths = ((0.1, 0.2, 0.3),) * max(len(names), 1) if found else ()
    figure = Figure(columns, tuple(names), strengths)
    values = yaml.safe_load(yaml.safe_dump(figure_values(figure)))
    assert figure_from(Settings(values, "x", BadRecipe)) == figure


@pytest.mark.parametrize(
    "text, words",
    [
        ("{edits: []}", "without edits"),
        ("{edits: [{move: smile, alpha: 1, amount: much}]}", "needs a number"),
        ("{edits: [{move: smile, alpha: 1}], strengths: [x]}", "no lists of numbers"),
        ("{edits: [{move: smile, alpha: 1}], rows: 3}", "unknown key 'rows'"),
        ("{inversions: [quick]}", "lacks edits"),
    ],
)
def test_a_bad_figure_in_a_recipe_is_named(text: str, words: str) -> None:
    with pytest.raises(BadRecipe, match=words):
        recipe_from_yaml(f"edits: []\nfigure: {text}")


def test_columns_go_to_the_side_of_their_amount(tiny_domain: Domain) -> None:
    younger = column_of(Move("age", 2.0), -1.5, "", tiny_domain)
    assert younger.edit.alpha == -1 and younger.attribute == "age" and younger.amount == -1.5
    text = column_of(TextEdit("old", 1.0), 1.0, "age", tiny_domain)
    assert text.edit.alpha > 0 and text.attribute == "age"
    assert column_of(TextEdit("old", 1.0), 1.0, "", tiny_domain).attribute == ""


def test_headings_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert heading(Column(Move("smile", 1.0), "smile"), 1) == "smile +1"
    assert heading(Column(TextEdit("a smile", 3.0), "smile", 2.0), 2) == '"a smile": smile +2'
    chinese = Column(TextEdit("微笑", 3.0), "smile")
    monkeypatch.setattr(lettering, "_wide_font", ImageFont.load_default)
    assert heading(chinese, 2) == '"微笑": smile +1'
    monkeypatch.setattr(lettering, "_wide_font", lambda size: None)
    assert heading(chinese, 2) == "text 2: smile +1"
    assert edit_name(Move("age", 1.0, (0, 1, 2))) == "age @0-2"


def test_methods_are_cited_once() -> None:
    columns = (Column(Move("age", 1.0)), Column(TextEdit("x", 1.0)), Column(Move("smile", 1.0)))
    keys = cited(Figure(columns, ("pti", "best", "quick")), "stylegan2")
    assert len(keys) == len(set(keys)) and set(keys) <= set(PAPERS)
    assert {"roich2022pti", "shen2020interfacegan", "patashnik2021styleclip"} <= set(keys)
    text = bibtex(keys)
    assert text.count("@") == len(keys) and text.count("{") == text.count("}")
    assert "abdal2019image2stylegan" not in keys


# -- as files


@pytest.fixture(scope="module")
def written(tiny_domain: Domain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A figure of a photo, by the command."""
    folder = tmp_path_factory.mktemp("figures")
    picture = Image.effect_noise((50, 60), 80).convert("RGB")
    save_png(folder / "me.png", picture)
    flags = ["--inversions", "encoder,restyle", "--move", "smile=0.06", "--move", "age=-9@0-2"]
    assert main(["figure", str(folder / "me.png"), "--no-align", *flags, "--domain",
                 str(tiny_domain.folder), "--out", str(folder / "fig.pdf")]) == 0  # fmt: skip
    return folder


def test_the_command_writes_everything(written: Path) -> None:
    names = {path.name for path in written.iterdir()}
    endings = ("pdf", "png", "tex", "bib", "recipe.yaml", "photo.png")
    assert names == {f"fig.{ending}" for ending in endings} | {"me.png"}
    assert (written / "fig.pdf").read_bytes()[:5] == b"%PDF-"
    table = (written / "fig.tex").read_text()
    assert "age @0-2" in table and table.count(r"\\" + "\n") == 1 + 2 * 3
    assert "alaluf2021restyle" in (written / "fig.bib").read_text()
    figure = load_recipe(written / "fig.recipe.yaml").figure
    assert figure is not None and len(figure.strengths) == 2


def test_the_recipe_redraws_the_same_pixels(
    written: Path, tiny_domain: Domain, tmp_path: Path
) -> None:
    recipe = str(written / "fig.recipe.yaml")
    where = ["--domain", str(tiny_domain.folder), "--out"]
    assert main(["run", recipe, *where, str(tmp_path)]) == 0
    again = (tmp_path / "fig.png").read_bytes()
    assert again == (written / "fig.png").read_bytes()
    assert main(["run", recipe, "--photo", str(written / "me.png"), *where, str(tmp_path)]) == 0
    assert (tmp_path / "fig.png").read_bytes() == again


def test_it_is_never_drawn_over_itself(tiny_domain: Domain, tmp_path: Path) -> None:
    recipe = recipe_of(plain(tiny_domain, "smile"), tiny_domain)
    (tmp_path / "a.recipe.yaml").write_text(recipe_to_yaml(recipe))
    facts = redraw(tmp_path / "a.recipe.yaml", recipe, tiny_domain, tmp_path)
    assert str(tmp_path / "a-replay.png") in facts["paths"]


def test_a_latent_travels_with_its_figure(tiny_domain: Domain, tmp_path: Path) -> None:
    out = ["--domain", str(tiny_domain.folder), "--out"]
    generate = ["generate", "--seeds", "3", *out, str(tmp_path)]
    assert main(generate) == 0
    from editing.edits import latent_of
    from editing.latents import save_latent

    save_latent(tmp_path / "mine.npz", latent_of(state_of("seed:4", tiny_domain), tiny_domain))
    assert main(["figure", str(tmp_path / "mine.npz"), "--move", "smile=0.05", *out,
                 str(tmp_path / "f")]) == 0  # fmt: skip
    assert load_latent(tmp_path / "f.latent.npz").ws.shape[0] == 1
    assert main(["run", str(tmp_path / "f.recipe.yaml"), *out, str(tmp_path / "x")]) == 0
    assert (tmp_path / "x" / "f.png").read_bytes() == (tmp_path / "f.png").read_bytes()
    (tmp_path / "f.latent.npz").unlink()
    assert main(["run", str(tmp_path / "f.recipe.yaml"), *out, str(tmp_path / "y")]) == 2


@pytest.mark.parametrize(
    "flags, words",
    [
        ([], "without edits"),
        (["--move", "smile", "--inversions", "magic"], "no level 'magic'"),
        (["--move", "hat"], "no attribute 'hat'"),
        (["--move", "smile"] * 101, "102 pictures"),
        (["--move", "smile", "--amount", "lots"], "finite number"),
        (["--move", "smile", "--attribute", "hat"], "attribute the scorer reads 'hat'"),
    ],
)
def test_bad_flags_are_a_sentence(
    flags: list[str],
    words: str,
    tiny_domain: Domain,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = ["--domain", str(tiny_domain.folder), "--out", str(tmp_path / "f"), "--json"]
    assert main(["figure", "seed:1", *flags, *out]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not list(tmp_path.iterdir())


def test_json_has_every_picture(
    tiny_domain: Domain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--domain", str(tiny_domain.folder), "--out", str(tmp_path / "f.png"), "--json"]
    assert main(["figure", "seed:1", "--move", "smile=9", *out]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [cell["edit"] for cell in facts["cells"]] == [None, "smile"]
    assert facts["cells"][1]["reached"] is False and "not by +9" in facts["notes"][0]
    assert commands.find_recipe(str(tmp_path / "f.recipe.yaml"))[1].figure is not None


def test_a_text_may_name_what_it_is_measured_on(tiny_domain: Domain) -> None:
    args = Namespace(
        amount="1", attribute="age", moves=[], given="", neutral="",
        texts=["an old face:smile=-2", "time: 5 to 12", "x=0.5"],
    )  # fmt: skip
    columns = figure_commands.columns_of(args, tiny_domain)
    said = [(c.edit.target, c.attribute, c.amount) for c in columns]  # type: ignore[union-attr]
    assert said == [("an old face", "smile", -2), ("time: 5 to 12", "age", 1), ("x", "age", 0.5)]
