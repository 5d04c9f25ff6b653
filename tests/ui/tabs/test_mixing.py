"""The Mixing and Walk tabs without a browser: slots, sliders, the grid, films, what is refused."""

from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import numpy as np
import pytest
import torch

from editing.animation.encoder import feed
from editing.animation.film import Projector
from editing.edits.mix_edits import Crossover, Morph, Transfer
from editing.errors import BadInput, EditingError
from editing.models.latents import Latent, save_latent
from editing.models.states import latent_of, state_of
from editing.recipes.recipe import recipe_from_yaml
from tests.helpers.studio_domain import write_studio_domain
from ui.components.localized import Words
from ui.panels.refresh import Display
from ui.studio.session import Session
from ui.studio.studio import Studio
from ui.tabs.mixing.actions import MixingDesk
from ui.tabs.mixing.events import MixingHandlers, seeds_of
from ui.tabs.mixing.region import RegionHandlers
from ui.tabs.walk.drivers import MOST, spread_frames
from ui.tabs.walk.events import WalkHandlers
from ui.tabs.walk.layout import NAMES, TIME, build_walk_tab, kinds_of
from ui.tabs.walk.options import numbers_of, others_of, tracks_of


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> MixingDesk:
    return MixingDesk(Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio")))


@pytest.fixture
def session(desk: MixingDesk) -> Session:
    return desk.studio.start(desk.studio.open_seed(1), {"smile": 1.0})


@pytest.fixture
def handlers(desk: MixingDesk) -> MixingHandlers:
    return MixingHandlers(desk, Display(desk.studio))


class Asking:
    """A request of one visitor."""

    session_hash = "somebody"


def test_a_slider_changes_the_edit_it_made(desk: MixingDesk, session: Session) -> None:
    mate = desk.of_seed(2)
    mixed = desk.apply(session, desk.crossover(mate, desk.shares(["coarse"], 0.5)))
    more = desk.apply(mixed, desk.crossover(mate, desk.shares(["coarse", "middle"], 1.0)))
    assert [len(s.now.stack.entries) for s in (session, mixed, more)] == [1, 2, 2]
    edit = more.now.stack.entries[1].edit
    assert isinstance(edit, Crossover) and edit.strengths == ()
    other = desk.apply(more, desk.crossover(desk.of_seed(3), desk.shares(["middle"], 1.0)))
    assert len(other.now.stack.entries) == 3, "another portrait is another edit"
    back = desk.apply(mixed, desk.crossover(mate, desk.shares(["coarse"], 0.0)))
    assert len(back.now.stack.entries) == 1, "nothing of B is no edit"
    assert desk.apply(session, desk.crossover(mate, [0.0] * desk.rows)) is session


def test_slots_take_seeds_files_and_the_current_portrait(
    desk: MixingDesk, session: Session, tmp_path: Path
) -> None:
    assert desk.of_seed(2).other.name == "seed:2"
    now = desk.of_session(session)
    state = session.now.stack.apply(session.now.portrait.state, desk.domain)
    assert torch.equal(now.other.state(desk.domain).ws, state.ws), "with its edits"
    save_latent(tmp_path / "a.npz", latent_of(state_of("seed:5", desk.domain), desk.domain))
    found = desk.of_file(tmp_path / "a.npz")
    assert torch.equal(found.other.state(desk.domain).ws, state_of("seed:5", desk.domain).ws)
    name, data = desk.studio.export(session, "png")
    (tmp_path / name).write_bytes(data)
    again = desk.of_file(tmp_path / name)
    assert torch.allclose(again.other.state(desk.domain).ws, state.ws, atol=1e-5)
    (tmp_path / "no.png").write_text("no")
    with pytest.raises(EditingError):
        desk.of_file(tmp_path / "no.png")
    with pytest.raises(BadInput):
        desk.of_seed(-1)


def test_edits_of_the_widgets(desk: MixingDesk, handlers: MixingHandlers, session: Session) -> None:
    regions = RegionHandlers(desk, handlers.display)
    b, c = desk.of_seed(2), desk.of_seed(3)
    morph = handlers.of_morph(b, 0.5, "w")
    transfer = handlers.of_transfer(b, c, 0.5, ["smile"], ["coarse"])
    assert isinstance(transfer, Transfer) and transfer.layers == desk.studio.groups["coarse"]
    everywhere = handlers.of_transfer(b, c, 0.5, [], list(desk.studio.groups))
    assert isinstance(everywhere, Transfer) and everywhere.layers is None
    with pytest.raises(BadInput, match="at least one layer"):
        handlers.of_transfer(b, c, 0.5, [], [])
    grain = handlers.of_grain(7, *[1.0] * len(desk.studio.groups))
    assert isinstance(morph, Morph) and isinstance(transfer, Transfer)
    painted = np.zeros((64, 64, 4), np.uint8)
    painted[20:40, 20:40] = 255
    patch = regions.patch(b, {"layers": [painted]}, "copy", ["middle"], 0.1, 0.0)
    for edit in (morph, transfer, grain, patch):
        session = desk.apply(session, edit)
        assert desk.preview(session, edit).after.shape[2] == 3
    assert len(session.now.stack.entries) == 5 and session.can_undo
    shown = handlers.display.chips(session, "en")["items"]
    assert all(item["label"] for item in shown)
    for empty in (None, {"layers": []}, {"layers": [np.zeros((64, 64, 4), np.uint8)]}):
        with pytest.raises(BadInput, match="brush"):
            regions.patch(b, empty, "copy", ["middle"], 0, 0)
    with pytest.raises(BadInput, match="portrait B"):
        handlers.of_layers(None, *[0.5] * desk.rows)
    with pytest.raises(BadInput, match="portrait C"):
        handlers.of_transfer(b, None, 1.0, [])


def test_a_cell_of_the_grid_becomes_the_portrait(desk: MixingDesk, session: Session) -> None:
    rows, columns = [desk.of_session(session), desk.of_seed(4)], [desk.of_seed(2), desk.of_seed(3)]
    shares = desk.shares(["coarse"], 1.0)
    cells = list(desk.grid(rows, columns, shares))
    assert len(cells) == 9
    mine = desk.adopt(session, rows[0], columns[1], shares)
    assert mine.now.portrait is session.now.portrait, "a mix of the portrait keeps its edits"
    assert np.array_equal(mine.now.after, cells[5])
    other = desk.adopt(session, rows[1], columns[0], shares)
    assert other.now.portrait.source.name.startswith("seed:4")
    assert np.array_equal(other.now.after, cells[7])
    with pytest.raises(BadInput, match="too large"):
        list(desk.grid(rows * 20, columns, shares))


def test_both_results_of_an_exchange(
    desk: MixingDesk, handlers: MixingHandlers, session: Session
) -> None:
    import gradio as gr

    b, shares = desk.of_seed(2), desk.shares(["middle"], 0.5)
    gallery, drawn = handlers.exchange(session, "en", b, *shares)
    (mine, _), (theirs, name) = gallery["value"]
    assert "seed:2" in name and not np.array_equal(mine, theirs)
    for index, picture in enumerate((mine, theirs)):
        taken, _ = handlers.take_result(session, "en", drawn, SimpleNamespace(index=index))
        assert np.array_equal(taken.now.after, picture)
    mixed = desk.apply(session, desk.crossover(b, shares))
    again, _ = handlers.exchange(mixed, "en", b, *shares)
    for (cell, _), first in zip(again["value"], (mine, theirs), strict=True):
        assert np.array_equal(cell, first), "whether the slider has made the first of them or not"
    same, _ = handlers.exchange(session, "en", desk.of_session(session), *shares)
    assert all(np.array_equal(cell, session.now.after) for cell, _ in same["value"])
    with pytest.raises(gr.Error, match="share of B"):
        handlers.exchange(session, "en", b, *[0.0] * desk.rows)
    with pytest.raises(gr.Error, match="portrait B"):
        handlers.exchange(session, "en", None, *shares)


def test_mixed_work_is_saved_and_opened(desk: MixingDesk, session: Session, tmp_path: Path) -> None:
    mixed = desk.apply(session, desk.crossover(desk.of_session(session), [0.5] * desk.rows))
    mixed = desk.apply(mixed, Morph(desk.of_seed(9).other, 0.5))
    name, data = desk.studio.export(mixed, "png")
    (tmp_path / name).write_bytes(data)
    opened = desk.studio.open_file(session, tmp_path / name)
    assert np.array_equal(opened.now.after, mixed.now.after)


def test_texts_of_the_widgets() -> None:
    assert seeds_of("7, 12 30") == [7, 12, 30] == seeds_of("7，12、30") and seeds_of("") == []
    for wrong in ("x", "-1", "1 2 3 4 5 6 7"):
        with pytest.raises(BadInput):
            seeds_of(wrong)
    assert numbers_of("0.5, 1") == [0.5, 1.0]
    with pytest.raises(BadInput):
        numbers_of("a")
    smile, age = tracks_of([["smile", 1, 2, ""], ["age", 0, 1, "sine"], ["smile", 0, 0, ""]])
    assert [key.time for key in smile.keys] == [0, 1] and age.keys[0].ease == "sine"
    with pytest.raises(BadInput, match="time"):
        tracks_of([["smile", None, 2, ""]])
    assert [other.name for other in others_of("7 12", {})] == ["seed:7", "seed:12"]
    with pytest.raises(BadInput, match="empty"):
        others_of("b", {"b": None})
    with pytest.raises(BadInput, match="no portrait"):
        others_of("me", {"b": None})


# -- walks


@pytest.fixture
def walks(desk: MixingDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WalkHandlers:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return WalkHandlers(desk, Display(desk.studio))


KEYS = [["age", 0, 0, ""], ["age", 1, 1, ""]]
SETTING = {"attribute": "smile", "from": -1, "to": 1, "timeline": KEYS,
           "through": "7, B", "curve": "linear", "radius": 0.3, "step": 0.3, "reach": 0,
           "segments": "0.5, 1",
           "flags": "1, -1", "where": "", "low": -1, "high": 1, "space": "w", "drivers": None,
           "amount": 1, "only": [], "right": 0.1, "down": 0, "turn": 0}  # fmt: skip
TIMED = {"frames": 6, "fps": 20, "ease": ["sine"], "hold": 0, "seed": 0, "ping_pong": True,
         "loop": False, "even": False, "beside": True, "captions": True, "format": ".mp4",
         "size": 64}  # fmt: skip


def values(kind: str, **changes: object) -> list[object]:
    asked = {**SETTING, **TIMED, **changes}
    return [kind, *(asked[name] for name in (*NAMES, *TIME))]


@pytest.mark.parametrize("kind", kinds_of(["smile"], movable=False))
def test_every_kind_is_filmed(
    kind: str, walks: WalkHandlers, desk: MixingDesk, session: Session
) -> None:
    asked = values(kind, even=kind == "keyframes")
    *steps, last = walks.walk(session, "en", Asking(), desk.of_seed(2), None, *asked)
    _, note, film, still, file, recipe, made = last
    assert steps and "6 frames" in note and film["visible"] and not still["visible"]
    assert Path(file["value"]).stat().st_size > 0
    walk = recipe_from_yaml(Path(recipe["value"]).read_text()).walk
    assert walk is not None and walk.frames == 6
    assert isinstance(made, Projector)


def test_other_formats_and_measuring(walks: WalkHandlers, session: Session) -> None:
    for kind in (".gif", ".png"):
        *_, last = walks.walk(session, "zh", Asking(), None, None, *values("loop", format=kind))
        assert not last[2]["visible"] and last[3]["visible"]
    *parts, (words, plot, _) = walks.measure(session, "en", Asking(), last[-1])
    assert len(parts) == 6 and words and plot["visible"]


def test_a_sequence_of_pngs_comes_as_an_archive(walks: WalkHandlers, session: Session) -> None:
    *_, last = walks.walk(session, "en", Asking(), None, None, *values("loop", format=""))
    with ZipFile(last[4]["value"]) as archive:
        assert archive.namelist() == [f"frame_{number:05d}.png" for number in range(6)]
    assert not last[2]["visible"] and not last[3]["visible"]


def test_files_and_videos_drive_the_face(
    walks: WalkHandlers, desk: MixingDesk, session: Session, tmp_path: Path
) -> None:
    states = [state_of(f"seed:{seed}", desk.domain) for seed in (5, 6)]
    for number, state in enumerate(states):
        save_latent(tmp_path / f"{number}.npz", latent_of(state, desk.domain))
    frames = [desk.of_seed(seed).picture for seed in range(3)]
    list(feed(tmp_path / "a.mp4", frames, 10, 3))
    files = [str(tmp_path / f"{number}.npz") for number in (0, 1)]
    for drivers, count in ((files, 2), ([str(tmp_path / "a.mp4")], 3)):
        *steps, last = walks.walk(session, "en", Asking(), None, None,
                                  *values("reenact", drivers=drivers, ping_pong=False))  # fmt: skip
        way = last[-1].walk.way
        assert len(way.drivers) == count and f"{count} of {count}" in steps[count - 1][1]
    at_rest = walks.walk(session, "en", Asking(), None, None,
                         *values("reenact", drivers=files, amount=0, ping_pong=False))  # fmt: skip
    *_, last = at_rest
    assert np.array_equal(last[-1].picture(last[-1].route.at(1.0)), session.now.after)


def test_long_videos_give_evenly_spread_frames(desk: MixingDesk, tmp_path: Path) -> None:
    frames = [np.full((32, 32, 3), number, np.uint8) for number in range(130)]
    list(feed(tmp_path / "a.mp4", frames, 30, 130))
    kept = spread_frames(tmp_path / "a.mp4")
    assert 30 <= len(kept) <= MOST


def test_a_small_file_of_very_many_frames_is_refused(tmp_path, monkeypatch) -> None:
    list(feed(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 20, 10, 20))
    monkeypatch.setattr("ui.tabs.walk.drivers.MOST_PIXELS", 10 * 64 * 64)
    with pytest.raises(BadInput, match="a.mp4 shows more than .* cut it shorter"):
        spread_frames(tmp_path / "a.mp4")


def test_stopping_keeps_what_was_drawn(walks: WalkHandlers, session: Session) -> None:
    running = walks.walk(session, "en", Asking(), None, None, *values("loop", frames=500))
    next(running)
    walks.stop(Asking())
    *_, last = running
    assert "keeps its" in last[1]
    assert Path(last[4]["value"]).is_file()


@pytest.mark.parametrize(
    "kind, changes",
    [
        ("loop", {"frames": 0}),
        ("loop", {"frames": 10_000}),
        ("loop", {"fps": 0}),
        ("loop", {"radius": 0}),
        ("loop", {"fps": 1000}),
        ("loop", {"format": ".gif", "size": 4096}),
        ("piecewise", {"flags": "1, 0.5"}),
        ("reenact", {"through": "7"}),
        ("place", {}),
        ("keyframes", {"through": ""}),
        ("keyframes", {"through": "C"}),
        ("piecewise", {"segments": "0.5, 0.4"}),
        ("piecewise", {"flags": "1"}),
        ("piecewise", {"flags": "1, 2"}),
        ("timeline", {"timeline": []}),
        ("timeline", {"timeline": [["hat", 0, 1, ""]]}),
        ("metropolis", {"where": "smile", "low": 2, "high": 1}),
    ],
)
def test_walks_that_are_refused(
    kind: str, changes: dict[str, object], walks: WalkHandlers, session: Session, tmp_path: Path
) -> None:
    import gradio as gr

    with pytest.raises(gr.Error):
        list(walks.walk(session, "en", Asking(), None, None, *values(kind, **changes)))
    assert not list(tmp_path.rglob("*.mp4"))


def test_portraits_of_another_generator_are_refused(
    walks: WalkHandlers, handlers: MixingHandlers, session: Session, tmp_path: Path
) -> None:
    import gradio as gr

    ws = session.now.portrait.state.ws
    save_latent(tmp_path / "other.npz", Latent(torch.cat([ws, ws[:, :2]], dim=1), "elsewhere"))
    path = str(tmp_path / "other.npz")
    with pytest.raises(gr.Error):
        handlers.take_file(session, "en", path)
    with pytest.raises(gr.Error):
        list(walks.walk(session, "en", Asking(), None, None, *values("reenact", drivers=[path])))


def test_without_ffmpeg_the_page_says_so(
    walks: WalkHandlers, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gradio as gr
    import imageio_ffmpeg

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: "/nowhere/ffmpeg")
    with pytest.raises(gr.Error, match="ffmpeg"):
        list(walks.walk(session, "en", Asking(), None, None, *values("loop")))


def test_the_page_says_itself_what_is_too_long(walks: WalkHandlers, session: Session) -> None:
    import gradio as gr

    with gr.Blocks():
        frames = build_walk_tab(Words(), ["smile"], 32).time["frames"]
    asked = frames.preprocess(10**7)  # Gradio would name the bound alone
    with pytest.raises(gr.Error, match="python -m editing walk"):
        list(walks.walk(session, "en", Asking(), None, None, *values("loop", frames=asked)))


def test_settings_follow_the_kind(walks: WalkHandlers) -> None:
    shown = dict(zip(NAMES, walks.show_settings("sweep"), strict=True))
    assert shown["attribute"]["visible"] and not shown["flags"]["visible"]
