"""Hostile texts wherever the page shows one: nothing of them runs, and they are read literally."""

# ruff: noqa: F811  (fixtures come from elsewhere and are arguments by name)

import base64
import zlib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import yaml

from editing.directions.direction import Direction, save_direction
from editing.models.domain import open_domain
from editing.models.latents import save_latent
from editing.models.states import latent_of, state_of
from tests.browser.test_page import PATIENCE, browser, chips, history  # noqa: F401
from tests.browser.test_saving import drop_bytes
from tests.helpers.studio_domain import served
from tests.helpers.text_domain import write_text_domain
from ui.runtime.markup import visible
from ui.studio.session import Label
from ui.studio.session_files import session_bytes
from ui.studio.studio import Studio

pytestmark = pytest.mark.browser

TEXTS = [  # short: chips have room for 32 characters
    "${ran()}",
    "${ran`1`}",
    "{{ran}} {{{x}}}",
    "a \\ b \\u{41} \\`",
    "` ' \" &amp; %s",
    "<img src=x onerror=ran()>",
    "</p><script>ran()</script>",
    "\u202eevil\u2066 x",
]
ATTRIBUTE = "${ran()} }</style><img src=x onerror=ran()>"
WHOLE = " ".join(TEXTS)
LISTEN = "window.count = 0; window.ran = () => { window.count += 1; return ''; };"


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    """One of whose attributes has a hostile name."""
    folder = write_text_domain(tmp_path_factory.mktemp("domain") / "studio").folder
    facts = yaml.safe_load((folder / "domain.yaml").read_text())
    facts["boundaries"][ATTRIBUTE] = {**facts["boundaries"]["age"]}
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts))
    return open_domain(folder)


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """A folder with one preset, every word of which is hostile."""
    folder = tmp_path_factory.mktemp("presets")
    facts = {"title": WHOLE, "title_zh": WHOLE, "description": WHOLE, "description_zh": WHOLE,
             "tags": ["mixing"], "citation": WHOLE, "edits": [{"move": "smile", "alpha": 1.0}],
             "source": {"kind": "seed", "name": "seed:3"}}  # fmt: skip
    (folder / "hostile.yaml").write_text(yaml.safe_dump(facts, allow_unicode=True))
    return folder


@pytest.fixture(scope="module")
def url(browser, domain, presets, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        from ui import wiring

        patch.setattr(wiring, "PresetDesk", partial(wiring.PresetDesk, root=presets))
        with served(domain, tmp_path_factory.mktemp("files")) as address:
            yield address


@pytest.fixture
def visit(browser, url):
    """Opens an address below the page's; afterwards nothing may have run or gone wrong in it."""
    contexts, problems = [], []

    def visit(query: str = "", locale: str = "en-US"):
        context = browser.new_context(locale=locale, viewport={"width": 1366, "height": 900})
        contexts.append(context)
        context.add_init_script(LISTEN)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("console", lambda m: m.type == "error" and problems.append(f"console: {m.text}"))
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.goto(f"{url}{query}")
        page.wait_for_selector("#canvas img")
        page.wait_for_function("!document.querySelector('#undo').disabled")
        page.wait_for_timeout(500)
        return page

    yield visit
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.count") == 0, "a text has run"
            assert page.locator("img[src='x'], img[onerror]").count() == 0
        context.close()
    assert problems == []


def link(recipe) -> str:
    """The query of a link to a recipe."""
    packed = zlib.compress(yaml.safe_dump(recipe, allow_unicode=True).encode(), 9)
    return "?recipe=" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def toast(page) -> str:
    """The sentence of the toast, which then goes."""
    page.wait_for_selector(".toast-body")
    said = page.inner_text(".toast-body >> nth=0")
    page.click(".toast-close >> nth=0")
    page.wait_for_selector(".toast-body", state="detached")
    return said


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_link_shows_its_texts_literally(visit, locale):
    edits = [{"text": text, "alpha": 1.0, "channels": {"b4.conv1": "0*0.5"}} for text in TEXTS]
    source = {"kind": "seed", "name": "seed:5"}
    page = visit(link({"source": source, "edits": edits}), locale)
    page.wait_for_function("n => document.querySelectorAll('#stack .chip').length === n",
                           arg=len(TEXTS))  # fmt: skip
    assert chips(page) == [f"“{visible(text)}” +1" for text in TEXTS]
    for number in range(len(TEXTS)):
        page.click(f"#stack .chip-name >> nth={number}")
        page.wait_for_selector(f"#stack .chip.current[data-index='{number}']")
    page.click("#stack .chip-toggle >> nth=0")
    page.wait_for_selector("#stack .chip.off[data-index='0']")


def test_a_session_file_and_its_name_are_shown_literally(visit, domain):
    studio = Studio(domain)
    session = studio.start(studio.open_seed(5), {"smile": 1.0})
    for text in TEXTS:
        session = studio.move(session, {"smile": session.position + 0.5})
        named = replace(session.now, label=Label(attribute=text, alpha=1.0))
        session = replace(session, moments=(*session.moments[:-1], named))
    page = visit()
    drop_bytes(page, session_bytes(session, domain), "work.studio")
    page.wait_for_function(
        "n => document.querySelectorAll('#history .strip-item').length === n",
        arg=len(session.moments),
    )
    shown = [visible(text.replace("_", " ").capitalize()) for text in TEXTS]
    assert history(page)[-len(TEXTS) :] == [f"{text} +1" for text in shown]
    for name in ("${ran()}.studio", "<img src=x onerror=ran()>.studio", "\u202e`{{x}}.studio"):
        drop_bytes(page, b"PK\x03\x04 no session", name)
        assert "not a readable session file" in toast(page)


def test_what_a_latent_says_of_itself_is_shown_literally(visit, domain, tmp_path):
    latent = latent_of(state_of("seed:5", domain), domain)
    page = visit()
    for text in TEXTS:
        path = tmp_path / "face.npz"
        save_latent(path, replace(latent, domain=text, fingerprint="0" * 64))
        drop_bytes(page, path.read_bytes(), "face.npz")
        assert f"of {visible(text)}," in toast(page)


def test_prompts_and_what_is_said_of_them_are_shown_literally(visit):
    page = visit()
    page.click("button[role=tab]:has-text('Text')")
    for text in TEXTS[:-1]:
        page.fill("#text-target :is(textarea, input)", f"smiling {text}")
        page.click("#text-run")
        wanted = f"“smiling {text}”"
        page.wait_for_function(
            "([wanted, length]) => [...document.querySelectorAll('#stack .chip-name')]"
            ".some((chip) => chip.innerText.startsWith(wanted.slice(0, length)))",
            arg=[wanted, 30],
        )
    page.wait_for_selector("#text-report .text-report")
    page.fill("#text-target :is(textarea, input)", WHOLE)
    page.click("#text-run")
    page.wait_for_selector(".toast-body, #text-report .text-unknown")


def test_a_direction_s_name_is_shown_literally(visit, domain, tmp_path):
    page = visit()
    page.click("#explore > button.label-wrap")
    generator = domain.generator
    for number, text in enumerate(("${ran()}{{x}}", "<img src=x onerror=ran()>", "`\\ ' \"")):
        path = tmp_path / f"direction-{number}.safetensors"
        vector = torch.nn.functional.normalize(torch.randn(generator.w_dim), dim=0)
        save_direction(path, Direction(text, vector, step=0.5))
        page.set_input_files("#explore input[type=file]", path)
        page.wait_for_function(
            "wanted => document.querySelector('#own input')?.value === wanted", arg=text
        )
        page.fill("#slider-own input[type=number]", "1")
        page.keyboard.press("Enter")
        page.wait_for_function(
            "wanted => [...document.querySelectorAll('#stack .chip-name')]"
            ".some((chip) => chip.innerText.toLowerCase().startsWith(wanted))",
            arg=text.lower(),
        )


def test_an_attribute_s_name_is_shown_literally(visit):
    page = visit()
    slider = page.locator(f"[id='slider-{ATTRIBUTE}']")
    assert ATTRIBUTE.capitalize() in slider.inner_text()
    slider.locator("input[type=number]").fill("1")
    page.keyboard.press("Enter")
    wanted = f"{ATTRIBUTE.capitalize()} +1"
    page.wait_for_function(
        "wanted => [...document.querySelectorAll('#stack .chip-name, #history .current span')]"
        ".filter((each) => each.textContent === wanted).length === 2",
        arg=wanted,
    )


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_preset_s_words_are_shown_literally(visit, locale):
    page = visit(locale=locale)
    page.click("button[role=tab] >> nth=5")
    page.wait_for_selector("#preset-cards .preset")
    assert page.inner_text("#preset-cards h3") == visible(WHOLE)
    assert visible(WHOLE) in page.inner_text("#preset-cards .preset-words p >> nth=1")
    assert page.get_attribute("#preset-cards .preset-paper", "title") == visible(WHOLE)
    page.click("#preset-cards [data-act=apply]")
    page.wait_for_function(
        "wanted => document.querySelector('#preset-progress').innerText.includes(wanted)",
        arg=visible(WHOLE),
    )


@pytest.mark.parametrize("query", [
    "?recipe=${ran()}", "?work=${ran()}", "?work=%3Cimg%20src=x%20onerror=ran()%3E",
    "?view=${ran()}&__theme=${ran()}&lang=%22%3E%3Cscript%3Eran()%3C/script%3E",
    "?deep_link=${ran()}", "?recipe=eJwLAAAAAAE",
])  # fmt: skip
def test_an_address_runs_nothing(visit, query):
    page = visit(query)
    if "recipe" in query or "work" in query:
        assert "link" in toast(page)
    assert chips(page) == ["Smile +1"]


def test_a_picture_s_name_and_a_figure_s_texts_run_nothing(visit, tmp_path):
    from PIL import Image

    noise = np.random.RandomState(0).randint(0, 255, (64, 64, 3), np.uint8)
    path = tmp_path / "${ran()}{{x}} <img src=x onerror=ran()>.png"
    path = tmp_path / path.name.replace("/", "")
    Image.fromarray(noise).save(path)
    page = visit()
    page.set_input_files("#photo input[type=file]", str(path))
    assert toast(page)
    page.click("#figure > button.label-wrap")
    page.fill("#figure :is(textarea)", "\n".join(TEXTS[:3]))
    page.click("#figure-draw")
    page.wait_for_selector("#figure-picture img, .toast-body")


def test_even_html_that_got_in_would_run_nothing(browser, url):
    """The second wall: markup put straight into the page, past everything that escapes."""
    page = browser.new_context().new_page()
    page.add_init_script(LISTEN)
    page.goto(url)
    page.wait_for_selector("#canvas img")
    blocked = page.evaluate("""async () => {
        const seen = new Set();
        document.addEventListener('securitypolicyviolation', (event) => {
            seen.add(event.effectiveDirective);
        });
        const box = document.createElement('div');
        document.body.append(box);
        box.innerHTML = '<img src=data:, onerror=ran()><a id=go href="javascript:ran()">x</a>';
        box.querySelector('#go').click();
        const script = document.createElement('script');
        script.textContent = 'ran()';
        box.append(script);
        await fetch('http://127.0.0.1:9/leak').catch(() => {});
        while (seen.size < 3) await new Promise((done) => setTimeout(done, 50));
        return [...seen];
    }""")
    assert {"connect-src", "script-src-attr", "script-src-elem"} <= set(blocked)
    assert page.evaluate("window.count") == 0
    page.context.close()
