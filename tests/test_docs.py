"""The documentation holds together: pages, links, pictures, every flag and every preset."""

import re
from pathlib import Path

import pytest
from PIL import Image

import editing
from benchmarks.command_page import PAGE, flags, leaves, page
from benchmarks.pictures import COMMANDS, FOLDER, MAKERS
from editing.cli.main import build_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "presets" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TABS = ("inversion", "directions", "text", "mixing", "walk", "out_of_domain")
MOST, ALL = 120_000, 1_000_000  # bytes of a picture, and of all


def test_the_page_of_the_command_line_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m benchmarks.command_page"


def test_every_flag_and_every_preset_is_on_it() -> None:
    text = PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"\n## ([^\n]+)\n(.*?)(?=\n## |\Z)", text, re.DOTALL))
    for name, parser in leaves(build_parser()):
        for action in flags(parser):
            for option in action.option_strings:
                assert f"`{option}" in sections[name], f"{name} {option}"
    for path in (ROOT / "presets").glob("*.yaml"):
        assert f"`{path.stem}`" in sections["Presets"], path.stem


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://")):
            continue
        file, _, heading = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{path.name} links to {link}"
        if heading:
            assert heading in headings(target), f"{path.name} links to {link}"


def headings(path: Path) -> set[str]:
    """The anchors of a page, as its readers make them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", TABS)
def test_the_page_of_a_tab_is_whole(name: str) -> None:
    """What it does, the formula, the paper, and a picture with its command."""
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert f"](pictures/{name}.jpg)" in text and f"benchmarks.pictures {name}`" in text
    assert "paper" in text.lower() or "arXiv" in text
    assert re.search(r"^    .*=.*|M ⊙ T", text, re.MULTILINE), "no formula"


def test_pictures_are_small_and_drawn_by_a_command() -> None:
    files = sorted(FOLDER.iterdir())
    assert {file.name for file in files} == {f"{name}.jpg" for name in (*COMMANDS, *MAKERS)}
    assert all(file.stat().st_size < MOST for file in files)
    assert sum(file.stat().st_size for file in files) < ALL
    assert all(Image.open(file).format == "JPEG" for file in files)
    shown = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert not [file.name for file in files if f"pictures/{file.name}" not in shown]


def test_a_command_on_a_page_is_the_one_that_draws() -> None:
    for name, words in COMMANDS.items():
        text = " ".join((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8").split())
        said = [re.escape(Path(word).name if "/" in word else word) for word in words]
        pattern = r"[\"\s]+".join(rf"(?:presets/)?{word}" for word in said)
        assert re.search(pattern, text), f"docs/{name}.md does not say: {' '.join(words)}"


def test_both_languages_have_the_same_parts() -> None:
    english, chinese = (
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("studio.md", "studio.zh.md")
    )
    bold = [len(re.findall(r"^\*\*", text, re.MULTILINE)) for text in (english, chinese)]
    assert bold[0] == bold[1], "a part of the page is told in one language only"


def test_the_python_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(from editing import.*?)```", text, re.DOTALL)
    assert example
    monkeypatch.chdir(tmp_path)
    exec(example[1], {})
    assert Image.open("smile.png").size == (256, 256)


def test_every_public_name_is_where_it_is_said_to_be() -> None:
    assert set(editing.__all__) == set(editing._HOMES)
    for name in editing.__all__:
        assert getattr(editing, name).__name__ == name
