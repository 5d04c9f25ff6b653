"""The app as a program sees it: named endpoints, one session per client, refusals as sentences."""

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from editing.io.images import load_picture
from editing.recipes.recipe import read_export
from editing.recipes.replay import replay
from tests.helpers.studio_domain import served, write_studio_domain
from ui.studio.examples import photograph

ROOT = Path(__file__).parents[2]
ENDPOINTS = {
    "/open_photo", "/crop_photo", "/open_seed", "/open_file", "/move", "/set_details",
    "/undo", "/redo", "/reset", "/invert", "/invert_with", "/stop", "/untune", "/film", "/download",
    "/keep", "/correct", "/pin", "/share", "/open_link", "/delete_link",
    # the workshop of the Boundaries tab
    "/move_own", "/set_rows", "/set_absolute", "/zero_rows", "/flip_direction",
    "/combine_directions",
    "/remove_direction", "/import_direction", "/export_direction", "/train_direction",
    "/find_variants", "/smile_without_teeth", "/explore", "/layer_by_layer", "/sweep", "/rescore",
    "/truth",
    "/mix", "/walk", "/walk_motion",
    "/generate", "/edit", "/score", "/run_recipe",
    "/list_presets", "/run_preset", "/figure", "/local_edit",
}  # fmt: skip


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    return write_studio_domain(tmp_path_factory.mktemp("domain") / "studio")


@pytest.fixture(scope="module")
def url(domain, tmp_path_factory):
    with served(domain, tmp_path_factory.mktemp("files")) as address:
        yield address


@pytest.fixture
def client(url, tmp_path):
    return Client(url, verbose=False, download_files=str(tmp_path / "downloads"))


@pytest.fixture(scope="module")
def photo():
    path = photograph()
    assert path is not None, "scikit-image's example photo is missing"
    return handle_file(path)


def test_the_named_endpoints(client):
    info = client.view_api(return_format="dict", print_info=False)
    assert set(info["named_endpoints"]) == ENDPOINTS
    move = info["named_endpoints"]["/move"]["parameters"]
    assert [p["parameter_name"] for p in move] == ["lang", "smile", "age", "gender"]
    assert [p["parameter_default"] for p in move] == ["en", 0, 0, 0]


def test_start_edit_undo_redo(client):
    opened = client.predict(seed=5, api_name="/open_seed")
    assert opened["source"] == "seed:5" and opened["edits"] == []
    moved = client.predict(smile=2, age=-1, api_name="/move")
    assert moved["strengths"] == {"smile": 2, "age": -1, "gender": 0}
    assert client.predict(api_name="/undo")["edits"] == []
    assert client.predict(api_name="/redo")["strengths"]["smile"] == 2
    assert client.predict(api_name="/reset")["edits"] == []


def test_visitors_share_nothing(url, client):
    before, after = Client(url, verbose=False), Client(url, verbose=False)
    first = before.predict(smile=1, api_name="/move")
    assert client.predict(seed=5, api_name="/open_seed")["source"] == "seed:5"
    shown = after.predict(smile=1, api_name="/move")
    assert shown["source"] == first["source"] != "seed:5" and shown["edits"] == first["edits"]


def test_a_photo_is_opened_inverted_and_edited(client, domain, photo):
    assert client.predict(photo=photo, api_name="/open_photo")["kind"] == "photo"
    inverted = client.predict(level="quick", api_name="/invert")
    assert inverted["history"][-2:] == ["guess", "inverted"]
    client.predict(smile=1, api_name="/move")
    exported = read_export(client.predict(kind="png", api_name="/download"))
    assert exported is not None and exported[0].inversion.options.level == "quick"
    carried = load_picture(client.predict(kind="photo", api_name="/download"))
    assert carried.width > domain.resolution, "the photo keeps its own sharpness"


def test_a_download_replays_to_the_same_pixels(client, domain):
    client.predict(seed=9, api_name="/open_seed")
    client.predict(smile=1.5, gender=-1, api_name="/move")
    path = client.predict(kind="png", api_name="/download")
    recipe, latent = read_export(path)
    again = replay(recipe, domain, latent)
    from editing.io.images import to_uint8

    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), to_uint8(again.img)[0])


def test_a_download_opens_again_with_its_edits(client):
    client.predict(seed=9, api_name="/open_seed")
    client.predict(smile=1.5, api_name="/move")
    path = client.predict(kind="png", api_name="/download")
    latent = client.predict(kind="latent", api_name="/download")
    client.predict(seed=1, api_name="/open_seed")
    for name in ("/open_file", "/open_photo"):
        argument = {"file" if name == "/open_file" else "photo": handle_file(path)}
        back = client.predict(**argument, api_name=name)
        assert (back["source"], back["strengths"]["smile"]) == ("seed:9", 1.5)
    assert client.predict(file=handle_file(latent), api_name="/open_file")["edits"] == []


def test_a_plain_download_tells_nothing(client):
    path = client.predict(kind="plain", api_name="/download")
    assert read_export(path) is None
    with Image.open(path) as picture:
        assert picture.info == {}
    with pytest.raises(AppError, match="carries no recipe"):
        client.predict(file=handle_file(path), api_name="/open_file")


def bad_files(folder):
    """(file name, what the sentence must contain) of what people drop by mistake, and worse."""
    (folder / "text.png").write_bytes(b"hello")
    (folder / "nothing.png").write_bytes(b"")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    Image.new("RGB", (200, 200), "green").save(folder / "meadow.png")
    whole = folder / "whole.jpg"
    noise = np.random.RandomState(0).randint(0, 255, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(whole)
    (folder / "cut.jpg").write_bytes(whole.read_bytes()[:2000])
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    return {
        "text.png": "not a picture",
        "nothing.png": "empty",
        "dot.png": "1×1",
        "bomb.png": "pixels",
        "meadow.png": "No face was found",
        "cut.jpg": "cut.jpg",
        "moving.gif": "moving.gif",
    }


def test_bad_pictures_are_refused_and_the_session_goes_on(client, tmp_path):
    client.predict(seed=4, api_name="/open_seed")
    for name, sentence in bad_files(tmp_path).items():
        with pytest.raises(AppError, match=sentence):
            client.predict(photo=handle_file(tmp_path / name), api_name="/open_photo")
    assert client.predict(api_name="/reset")["source"] == "seed:4"


def test_a_picture_without_a_face_can_be_cropped(client, tmp_path):
    Image.new("RGB", (300, 200), "green").save(tmp_path / "meadow.png")
    opened = client.predict(photo=handle_file(tmp_path / "meadow.png"), api_name="/crop_photo")
    assert opened["kind"] == "photo"


def test_bad_latents_are_refused(client, tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as archive:
        archive.writestr("ws.npy", "no array")
    np.savez(tmp_path / "foreign.npz", w=np.zeros((1, 512)))
    for name in ("odd.npz", "foreign.npz"):
        with pytest.raises(AppError, match=f"{name} is"):
            client.predict(file=handle_file(tmp_path / name), api_name="/open_file")


def test_refusals_come_in_the_visitors_language(client, tmp_path):
    (tmp_path / "text.png").write_bytes(b"hello")
    with pytest.raises(AppError, match="无法读取这张图片"):
        client.predict(lang="zh", photo=handle_file(tmp_path / "text.png"), api_name="/open_photo")


def test_a_seed_has_nothing_to_invert(client):
    client.predict(seed=4, api_name="/open_seed")
    with pytest.raises(AppError, match="needs a photo"):
        client.predict(level="quick", api_name="/invert")


def test_a_domain_of_a_generator_alone_still_has_a_page(tmp_path):
    import yaml

    from editing.models.domain import open_domain
    from ui.page import build_app

    bare = write_studio_domain(tmp_path / "studio").folder
    facts = yaml.safe_load((bare / "domain.yaml").read_text())
    kept = {key: facts[key] for key in ("name", "resolution", "family", "generator")}
    (bare / "domain.yaml").write_text(yaml.safe_dump(kept))
    names = build_app(open_domain(bare)).get_api_info()["named_endpoints"]
    assert "/open_seed" in names and "/move" not in names


def test_mix_and_walk(client):
    client.predict(seed=5, api_name="/open_seed")
    mixed = client.predict(seed=7, layers=["coarse"], weight=0.5, api_name="/mix")
    assert [edit["label"] for edit in mixed["edits"]] == ["seed:7 @ 0-2*0.5"]
    answer = client.predict(kind="loop", frames=4, ping_pong=False, size=64, api_name="/walk")
    found = re.findall(r"[^'\"]+\.mp4", repr(answer))
    assert found and Path(found[0]).stat().st_size > 0, answer
    with pytest.raises(AppError, match="one for each"):
        client.predict(kind="piecewise", flags="1", api_name="/walk")


# -- endpoints that no widget has


def test_pictures_of_seeds(client):
    files = client.predict(seeds="3,5-6", psi=0.5, api_name="/generate")
    assert [read_export(file)[0].source.name for file in files] == [
        "seed:3@0.5",
        "seed:5@0.5",
        "seed:6@0.5",
    ]
    with pytest.raises(AppError, match="up to 16"):
        client.predict(seeds="0-16", api_name="/generate")


def test_edits_in_the_words_of_the_command_line(client):
    client.predict(seed=5, api_name="/open_seed")
    edited = client.predict(moves="smile=1.5 age=-1@0-2", given="gender", api_name="/edit")
    assert [e["label"] for e in edited["edits"]] == [
        "Smile +1.5 | Gender",
        "Age -1 @ coarse | Gender",
    ]
    assert len(client.predict(moves="smile=1", api_name="/edit")["edits"]) == 3
    for moves, sentence in {
        "wings=1": "There is no attribute 'wings'",
        "smile": "no attribute ''",
        "smile=much": "much",
        "": "no move",
        "README.md=1": "There is no attribute",
        "/etc/passwd=1": "There is no attribute",
    }.items():
        with pytest.raises(AppError, match=sentence):
            client.predict(moves=moves, api_name="/edit")


def test_readings_of_a_portrait_and_of_a_file(client):
    client.predict(seed=5, api_name="/open_seed")
    still = client.predict(api_name="/score")
    assert set(still["attributes"]) == {"smile", "age", "gender"}
    assert still["perceptual"] == pytest.approx(0, abs=1e-5)
    (file,) = client.predict(seeds="5", api_name="/generate")
    read = client.predict(picture=handle_file(file), api_name="/score")
    assert read["attributes"] == pytest.approx(still["attributes"], abs=1e-4)
    assert "identity" not in read


def test_a_recipe_runs_on_its_seed_or_a_photo(client, photo):
    client.predict(seed=9, api_name="/open_seed")
    client.predict(smile=1.5, api_name="/move")
    wanted = Path(client.predict(kind="png", api_name="/download"))
    recipe = Path(client.predict(kind="recipe", api_name="/download")).read_text("utf-8")
    client.predict(seed=1, api_name="/open_seed")
    state, made = client.predict(recipe=recipe, api_name="/run_recipe")
    assert state["source"] == "seed:9" and state["strengths"]["smile"] == 1.5
    with Image.open(wanted) as a, Image.open(made) as b:
        assert np.array_equal(np.asarray(a), np.asarray(b))
    few = recipe + "inversion: {level: quick, steps: 2}\n"
    state, made = client.predict(recipe=few, photo=photo, api_name="/run_recipe")
    assert state["kind"] == "photo" and state["inversion"] == "quick"
    assert read_export(made)[0].inversion.options.steps == 2
    assert client.predict(api_name="/undo")["edits"] == []


def readme_blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.S)
    return [block for block in blocks if "127.0.0.1:7860" in block]


def test_the_client_of_the_readme_runs(url, tmp_path, monkeypatch, capsys):
    (code,) = readme_blocks("python")
    Image.open(photograph()).convert("RGB").save(tmp_path / "me.jpg")
    monkeypatch.chdir(tmp_path)
    exec(code.replace("http://127.0.0.1:7860", url.rstrip("/")), {})
    recipe, _ = read_export(capsys.readouterr().out.strip())
    assert recipe.source.kind == "photo" and len(recipe.stack.entries) == 2


def test_the_curl_of_the_readme_runs(url):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on the PATH")
    (code,) = readme_blocks("sh")
    code = code.replace("http://127.0.0.1:7860", url.rstrip("/"))
    result = subprocess.run(["sh", "-ec", code], capture_output=True, text=True, timeout=120)
    assert "event: complete" in result.stdout and "seed-7" in result.stdout, result.stderr


def test_every_endpoint_is_described_and_documented(client):
    info = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    table = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    for name, endpoint in info.items():
        assert endpoint.get("description"), f"{name} has no docstring"
        assert f"`{name}`" in table, f"docs/api.md does not mention {name}"


def test_a_session_file_and_a_link_lead_back(client):
    client.predict(seed=9, api_name="/open_seed")
    client.predict(smile=1.5, api_name="/move")
    path = client.predict(kind="session", api_name="/download")
    link = client.predict(api_name="/share")
    assert link.startswith("recipe=") and Path(path).suffix == ".studio"
    for api_name, argument in (("/open_file", {"file": handle_file(path)}),
                               ("/open_link", {"link": f"http://x.org/?{link}"})):  # fmt: skip
        client.predict(seed=1, api_name="/open_seed")
        back = client.predict(**argument, api_name=api_name)
        assert (back["source"], back["strengths"]["smile"]) == ("seed:9", 1.5)
    with pytest.raises(AppError, match="no work under this link"):
        client.predict(link="?work=../../../etc/passwd", api_name="/open_link")
    with pytest.raises(AppError, match="holds no work"):
        client.predict(link="nonsense", api_name="/open_link")


def test_the_whole_photo_comes_back_through_the_api(client, photo):
    client.predict(photo=photo, api_name="/open_photo")
    client.predict(smile=2, api_name="/move")
    pasted = load_picture(client.predict(kind="pasted", api_name="/download"))
    assert pasted.size == load_picture(photograph()).size
    with pytest.raises(AppError, match="keeps no photos"):
        client.predict(api_name="/share")


def tool_answer(url, name, **arguments):
    """What an MCP tool returns: the text of its parts."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
             "params": {"name": name, "arguments": arguments}}  # fmt: skip
    kinds = {"accept": "application/json, text/event-stream"}
    answer = httpx.post(f"{url}gradio_api/mcp/", json=asked, headers=kinds, timeout=60)
    assert answer.status_code == 200
    data = next(line[5:] for line in answer.text.splitlines() if line.startswith("data:"))
    return " ".join(part.get("text", "") for part in json.loads(data)["result"]["content"])


def test_the_endpoints_are_mcp_tools(domain, tmp_path, monkeypatch):
    pytest.importorskip("mcp", reason="the extra gradio[mcp] is not installed")
    from ui.page import build_app
    from ui.runtime.mcp_tools import serve_tools
    from ui.theme import launch_options

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    app = build_app(domain)
    _, url, _ = app.launch(prevent_thread_lock=True, mcp_server=True, **launch_options())
    serve_tools(app)
    try:
        tools = httpx.get(f"{url}gradio_api/mcp/schema", timeout=60).json()
        assert {tool["name"] for tool in tools} == {name.lstrip("/") for name in ENDPOINTS}
        assert all(tool["description"] for tool in tools)
        assert "seed-7" in tool_answer(url, "generate", seeds="7")
        assert "seed:5" in tool_answer(url, "open_seed", seed=5), "it says what it did"
        assert "Smile +1" in tool_answer(url, "edit", moves="smile=1")
        ran = tool_answer(
            url, "run_recipe", recipe="edits: []\nsource: {kind: seed, name: 'seed:9'}"
        )
        assert "seed:9" in ran and ".png" in ran, "the session, and the file"
        assert "no attribute" in tool_answer(url, "edit", moves="wings=1")
        assert "fault" not in tool_answer(url, "stop")
    finally:
        app.close(verbose=False)


def test_what_a_tool_returns_has_no_session_in_it():
    from types import SimpleNamespace

    from ui.runtime.mcp_tools import public_values

    session, shown = (SimpleNamespace(stateful=stateful) for stateful in (True, False))
    assert public_values([session, shown], [{"source": "seed:1"}]) == [{"source": "seed:1"}]
    assert public_values([session, shown], [None, {"a": 1}]) == [{"a": 1}]
    assert public_values([session, shown, shown], [({"a": 1}, "file")]) == [{"a": 1}, "file"]
    assert public_values([shown], [["a.png", "b.png"]]) == [["a.png", "b.png"]]
