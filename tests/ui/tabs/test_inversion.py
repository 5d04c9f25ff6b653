"""Inversion in the studio: stopped anywhere, gone on with, measured, filmed; on the tiny domain."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from editing.errors import BadInput, EditingError, UnknownName
from editing.inversion.eta import known_pace, pace_file
from editing.inversion.options import InversionOptions, NoiseOptions, TuneOptions, options_for
from editing.models.latents import Latent, save_latent
from editing.models.states import latent_of, state_of
from tests.helpers.studio_domain import write_studio_domain
from ui.components.choices import LEVELS
from ui.components.html import caveats_html, progress_html, result_html
from ui.page import build_app
from ui.panels.refresh import Display
from ui.studio.searches import KEPT, MAX_FRAMES, RESUMED, Run, Runs
from ui.studio.studio import Studio
from ui.studio.views import heat_map, reach
from ui.tabs.inversion.events import InversionHandlers
from ui.tabs.inversion.film import film
from ui.tabs.inversion.options import (
    LOSSES,
    SEARCH,
    choices_of,
    given_from,
    mask_from,
    options_from,
    written_options,
)

SHORT = InversionOptions(steps=8, noise=NoiseOptions(4), tune=TuneOptions(4))


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Studio:
    return Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio"))


@pytest.fixture(scope="module")
def portrait(studio, tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    rng = np.random.RandomState(0)
    small = Image.fromarray(rng.randint(0, 255, (6, 6, 3), np.uint8))
    small.resize((96, 96), Image.Resampling.BICUBIC).save(path)
    return studio.open_photo(path, crop=True)


def lock_is_free(studio: Studio) -> bool:
    taken = threading.Event()

    def take() -> None:
        with studio.lanes.interactive():
            taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(5)
    return taken.is_set()


def test_cancelling_at_a_hundred_random_steps_leaves_a_latent_and_a_free_lock(studio, portrait):
    rng = random.Random(0)
    for _ in range(100):
        run, last = Run(portrait, SHORT), rng.randrange(17)
        for step, shown in studio.invert(run):
            picture = shown
            if step.index == last:
                run.stop.set()
        assert picture is not None and last <= step.index <= last + 1
        found = studio.inverted(run, step, picture)
        assert np.array_equal(studio.draw(found.state), found.before)
        assert torch.isfinite(found.state.ws).all()
    assert lock_is_free(studio)


def test_a_search_dropped_in_the_middle_of_a_step_frees_the_lock(studio, portrait):
    steps = studio.invert(Run(portrait, SHORT))
    next(steps)
    steps.close()
    assert lock_is_free(studio)


def test_what_was_stopped_goes_on_to_the_same_portrait(studio, portrait):
    whole = Run(portrait, SHORT)
    *_, (end, picture) = studio.invert(whole)
    run = Run(portrait, SHORT)
    for step, _ in studio.invert(run):
        if step.index == 6:
            run.stop.set()
    assert run.memory is not None
    later = run.resumed()
    *_, (again, other) = studio.invert(later)
    assert again.done and np.array_equal(picture, other)
    assert torch.equal(again.ws, end.ws)
    assert [x["total"] for x in later.losses] == [x["total"] for x in whole.losses]
    assert later.memory is None


def test_adopting_measures_and_untuning_takes_the_weights_away(studio, portrait):
    session = studio.start(portrait)
    run = Run(portrait, SHORT)
    *_, (step, picture) = studio.invert(run)
    session = studio.adopt(session, studio.inverted(run, step, picture))
    now = session.now.portrait
    assert now.fit is not None and now.fit["psnr"] > 0 and now.state.weight_delta
    plain = studio.untune(session)
    assert plain.now.portrait.state.weight_delta == {}
    assert torch.equal(plain.now.portrait.state.ws, now.state.ws)
    assert plain.now.label.key == "history.untuned" and studio.untune(plain) is plain
    assert not np.array_equal(plain.now.after, session.now.after)


def test_a_stopped_search_does_not_replace_a_nearer_portrait(studio, portrait):
    def stopped_at(nearer: float):
        run = Run(portrait, SHORT)
        steps = studio.invert(run)
        next(steps)
        run.stop.set()
        *_, (step, picture) = steps
        found = studio.inverted(run, step, picture)
        had = studio._measured(portrait)
        before = replace(had, fit={**had.fit, "perceptual": nearer})
        session = studio.start(before)
        return session, studio.adopt(session, found)

    session, kept = stopped_at(nearer=0.0)
    assert kept is session
    session, adopted = stopped_at(nearer=1e9)
    assert adopted.now.label.key == "history.inverted"
    assert adopted.now.portrait.fit["perceptual"] < 1e9


def test_a_search_that_ended_is_taken_over_whatever_it_found(studio, portrait):
    run = Run(portrait, SHORT)
    *_, (step, picture) = studio.invert(run)
    had = studio._measured(portrait)
    session = studio.start(replace(had, fit={**had.fit, "perceptual": 0.0}))
    assert studio.adopt(session, studio.inverted(run, step, picture)) is not session


def test_a_region_leaves_no_recipe_that_cannot_be_replayed(studio, portrait):
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16, :] = 1
    run = Run(portrait, InversionOptions(steps=2), mask)
    *_, (step, picture) = studio.invert(run)
    assert studio.inverted(run, step, picture).inversion is None


def test_a_search_begins_at_a_latent_file(studio, portrait, tmp_path):
    state = state_of("seed:5", studio.domain)
    save_latent(tmp_path / "a.npz", latent_of(state, studio.domain))
    given = given_from(tmp_path / "a.npz", studio.domain)
    assert given_from(None, studio.domain) is None and torch.equal(given, state.ws)
    run = Run(portrait, InversionOptions(steps=2), given=given)
    first, picture = next(studio.invert(run))
    assert torch.equal(first.ws, state.ws), "not where the encoder would begin"
    assert studio.inverted(run, first, picture).inversion is None
    assert run.resumed().given is given
    Image.new("RGB", (32, 32)).save(tmp_path / "plain.png")
    with pytest.raises(BadInput, match="no latent"):
        given_from(tmp_path / "plain.png", studio.domain)
    strange = Latent(torch.cat([state.ws, state.ws[:, :2]], dim=1), "elsewhere")
    save_latent(tmp_path / "b.npz", strange)
    with pytest.raises(EditingError):
        given_from(tmp_path / "b.npz", studio.domain)


def test_the_levels_have_times_once_a_search_was_seen_on_this_machine(studio, portrait):
    fresh = Studio(studio.domain)
    pace_file(studio.domain).unlink(missing_ok=True)
    fresh.pace = known_pace(pace_file(studio.domain))
    labels = InversionHandlers(fresh, Display(fresh)).level_labels("zh")
    assert list(labels.values()) == ["快速", "标准", "最佳"], "nothing is searched to find out"
    for _ in fresh.invert(Run(portrait, SHORT)):
        pass
    assert pace_file(studio.domain).is_file()
    studio = Studio(studio.domain)  # another process
    seconds = [studio.seconds(options_for(level)) for level in LEVELS]
    assert 0 < seconds[0] < seconds[1] < seconds[2]
    labels = InversionHandlers(studio, Display(studio)).level_labels("zh")
    assert all("约" in label for label in labels.values())


def test_nothing_but_a_photo_can_be_inverted(studio):
    with pytest.raises(BadInput, match="needs a photo"):
        next(studio.invert(Run(studio.open_seed(3), SHORT)))


def test_a_new_search_gives_up_the_visitors_old_one_and_few_are_kept(portrait):
    runs = Runs()
    first, second = Run(portrait, SHORT), Run(portrait, SHORT)
    runs.begin("a", first)
    runs.begin("a", second)
    assert first.abandoned and first.stop.is_set() and runs.of("a") is second
    for number in range(KEPT):
        runs.begin(str(number), Run(portrait, SHORT, over=True))
    assert runs.of("a") is second, "it goes on, and somebody may want to stop it"
    second.over = True
    runs.begin("late", Run(portrait, SHORT))
    assert runs.of("a") is None and runs.of(str(KEPT - 1)) is not None


def test_only_the_latest_stopped_searches_can_be_gone_on_with(portrait):
    runs = Runs()
    for number in range(RESUMED + 2):
        runs.begin(str(number), Run(portrait, SHORT, memory={}, over=True))
    assert [runs.of(str(n)).memory is None for n in range(RESUMED + 2)] == [
        *[True] * 2,
        *[False] * RESUMED,
    ]


def test_going_on_without_a_stopped_search_is_refused(studio, portrait):
    import gradio as gr

    handlers = InversionHandlers(studio, Display(studio))
    request = SimpleNamespace(session_hash="nobody")
    with pytest.raises(gr.Error, match="no stopped search"):
        list(handlers.resume(studio.start(portrait), "en", request))


def test_the_advanced_panel_says_what_a_method_says():
    for method in ("standard", "projector", "pti", "image2stylegan++"):
        made = options_from(method, *choices_of(method))
        assert made == options_for(method)
    changed = choices_of("standard")
    changed[0], changed[2] = "w", 7
    changed[5 + LOSSES.index("l1")] = 2.5
    searched = dict(zip(SEARCH, range(len(changed) - len(SEARCH), len(changed)), strict=True))
    changed[searched["stop_at"]], changed[searched["patience"]] = 30, 12
    made = options_from("standard", *changed)
    assert (made.space, made.steps, made.weights.l1) == ("w", 7, 2.5)
    assert (made.stop_at, made.patience, made.lr) == (30.0, 12, options_for("standard").lr)
    changed[searched["patience"]] = 1.5
    with pytest.raises(BadInput, match="patience is 1.5; it must be a whole number"):
        options_from("standard", *changed)
    changed[searched["patience"]] = 0
    assert options_from("standard", "w+", "", 10**9, None, None, *changed[5:]).steps == 5_000


def test_the_advanced_panel_gives_its_search_every_setting(studio):
    """The widgets arrive in the order that ``options_from`` takes them in."""
    app = build_app(studio.domain)
    wired = next(fn for fn in app.fns.values() if fn.name == "invert_with")
    values = [widget.value for widget in wired.inputs[4:]]  # after session, language, region, file
    assert options_from(*values) == options_for("standard")


def test_written_options_are_read_strictly():
    made = written_options('{"level": "quick", "steps": 5, "weights": {"l1": 1}}')
    assert (made.steps, made.weights.l1, made.lr) == (5, 1.0, options_for("quick").lr)
    with pytest.raises(UnknownName, match="no level 'fast'"):
        written_options("level: fast")
    for text, words in (("stepps: 5", "unknown key"), ("steps: 99999", "at most"), ("[", "YAML")):
        with pytest.raises(BadInput, match=words):
            written_options(text)


def test_a_brushed_region_becomes_a_mask():
    assert mask_from(None, 32) is None and mask_from({"layers": []}, 32) is None
    layer = np.zeros((384, 384, 4), np.uint8)
    layer[:192] = 255
    mask = mask_from({"layers": [layer]}, 32)
    assert mask is not None and mask[0, 0, 2, 2] > 0.99 and mask[0, 0, 30, 2] < 0.01


def test_pictures_on_the_way_are_thinned_and_filmed(portrait):
    run = Run(portrait, SHORT)
    for number in range(3 * MAX_FRAMES):
        run.film(np.full((32, 32, 3), number % 256, np.uint8))
    assert len(run.frames) <= MAX_FRAMES and run.frames[0][0, 0, 0] == 0
    data = film(portrait.photo, run.frames[:5])
    assert data[4:8] == b"ftyp"
    with pytest.raises(BadInput, match="nothing to film"):
        film(portrait.photo, [])


def test_a_heat_map_is_dark_where_pictures_agree():
    a = np.zeros((32, 32, 3), np.uint8)
    b = a.copy()
    b[:16] = 255
    heat = heat_map(a, b).astype(int).sum(2)
    assert heat[20:].max() < 60 and heat[:16].min() > 600
    shown = np.full((32, 32, 3), 200, np.uint8)
    mask = torch.zeros(1, 1, 32, 32)
    mask[:, :, :16] = 1
    seen = reach(shown, mask)
    assert seen[4].min() == 200 and seen[31].max() == 50


def test_the_page_says_when_a_picture_is_far_from_the_world():
    fit = {"psnr": 15.0, "ssim": 0.4, "perceptual": 0.5, "identity": None}
    text = caveats_html(fit, 0.1, ("The edit changes nothing.",), "en")
    assert "5 times farther" in text and "painted on" in text and "changes nothing" in text
    assert caveats_html(fit, 0.4, (), "en") == caveats_html(fit, None, (), "en") == ""
    assert caveats_html(None, 0.1, (), "en") == "" and "5 倍" in caveats_html(fit, 0.1, (), "zh")


def test_the_result_of_a_search_says_what_it_found():
    fit = {"psnr": 15.0, "ssim": 0.4, "perceptual": 0.5, "identity": None}
    text = result_html(fit, ("Stopped early.",), "en")
    assert "Stopped early." in text and "15.0 dB" in text and "blotchy" not in text
    assert "blotchy" in result_html(fit, (), "en", edited=True)
    assert result_html(None, (), "en") == ""


def test_curves_of_a_long_search_stay_small_and_skip_what_is_absent():
    losses = [{"pixel": 1 / (i + 1), "perceptual": 2 / (i + 1)} for i in range(5000)]
    losses += [{"pixel": 1e-4} for _ in range(50)] + [{"pixel": float("nan")}]
    html = progress_html("text", 0.5, losses, "en")
    assert html.count("<polyline") == 2 and len(html) < 40_000 and "nan" not in html
    assert replace(SHORT, steps=0).total == 8
