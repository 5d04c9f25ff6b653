"""What one request may cost: honest work passes, and what would take others' time is refused."""

import pytest
import torch

from editing.edits.mix_edits import Morph, Other
from editing.edits.stack import EditStack, Entry
from editing.errors import EditingError
from editing.figures.figure import Column, Figure, Move
from editing.inversion.options import METHODS, InversionOptions, NoiseOptions, TuneOptions
from editing.models.latents import Latent
from editing.recipes.presets import PRESETS, open_preset, preset_names
from tests.editing.recipes.test_costs import PATCH, stack
from tests.helpers.studio_domain import write_studio_domain
from tests.ui.studio.test_session_files import saved
from ui.locales import LANGUAGES, refusal
from ui.studio.budget import MOST_FLOATS, Budget, TooCostly
from ui.studio.session import Label, Moment
from ui.studio.session_files import session_bytes
from ui.studio.studio import Studio

SIZES = (32, 256, 1024)
WHOLE = InversionOptions(steps=5000, noise=NoiseOptions(5000), tune=TuneOptions(5000))


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Studio:
    return Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio"))


@pytest.mark.parametrize("size", SIZES)
def test_what_the_page_itself_offers_is_within_it(size):
    budget = Budget(size)
    budget.check_steps([stack()] * 50)
    budget.check_stack(stack(*[PATCH] * 10))
    for options in METHODS.values():
        budget.check_search(options)
    budget.check_figure(Figure((Column(Move("smile", 1.0)),) * 6, ("quick", "standard", "best")))
    for name in preset_names(PRESETS):
        budget.check_recipe(open_preset(name).recipe)


@pytest.mark.parametrize("size", SIZES)
def test_what_would_keep_others_waiting_is_refused_in_both_languages(size):
    budget = Budget(size)
    for check, value in (
        (budget.check_stack, stack(*[PATCH] * 200)),
        (budget.check_steps, [stack(*[PATCH] * 15)] * 100),
        (budget.check_search, WHOLE),
        (budget.check_figure, Figure((Column(Move("smile", 1.0)),), ("best", "pti", "w") * 5)),
    ):
        with pytest.raises(TooCostly, match=rf"\d pictures of {size} px .* here one request gets"):
            check(value)
        try:
            check(value)
        except TooCostly as error:
            said = [refusal(error, lang) for lang in LANGUAGES]
            assert "command line" in said[0] and "命令行" in said[1] and str(size) in said[1]


def test_portraits_inside_edits_are_weighed():
    heavy = Other("me", Latent(torch.zeros(1, 1, 1).expand(1, 1, MOST_FLOATS // 2)))
    Budget(256).check_stack(stack(Morph(heavy)))
    with pytest.raises(TooCostly, match="MB"):
        Budget(256).check_stack(EditStack((Entry(Morph(heavy), False),) * 3))


def drawn_by(studio, monkeypatch):
    """The pictures that are drawn from now on."""
    drawn = []
    usual = studio.draw
    monkeypatch.setattr(studio, "draw", lambda state: drawn.append(state) or usual(state))
    return drawn


def test_nothing_is_drawn_of_what_is_refused(studio, tmp_path, monkeypatch):
    session = studio.start(studio.open_seed(7))
    portrait, many = session.now.portrait, stack(*[PATCH] * 200)
    moment = Moment(portrait, many, Label("history.shared"), portrait.before, "")
    costly = session.add(moment)
    link = studio.link(costly, None)
    drawn = drawn_by(studio, monkeypatch)
    for open_it in (
        lambda: studio.open_link(session, link, None),
        lambda: studio.open_session(session, saved(costly, studio, tmp_path)),
        lambda: studio.step(session, many, Label("history.shared")),
        lambda: studio.preview_stack(session, many),
    ):
        with pytest.raises(EditingError, match="201 pictures|take"):
            open_it()
    assert not drawn


def test_a_session_is_weighed_as_a_whole(studio, tmp_path):
    session = studio.start(studio.open_seed(7))
    portrait = session.now.portrait
    each = Moment(portrait, stack(*[PATCH] * 8), Label("history.shared"), portrait.before, "")
    for _ in range(45):
        session = session.add(each)
    path = tmp_path / "many.studio"
    path.write_bytes(session_bytes(session, studio.domain))
    with pytest.raises(TooCostly, match="46 steps of this session take 406 pictures"):
        studio.open_session(session, path)
