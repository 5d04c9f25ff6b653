"""The app as an ill-meaning stranger sees it: refused with a sentence, while others go on.

Nothing that happens here may reach for another machine, either.
"""

import base64
import io
import socket
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from benchmarks import abuse_api, load
from tests.helpers.studio_domain import served
from tests.helpers.text_domain import write_text_domain

ROOT = Path(__file__).parents[2]
FILE = {"_type": "gradio.FileData"}
LOCAL = ("127.0.0.1", "::1", "localhost", "0.0.0.0")


@pytest.fixture(scope="module")
def reached():
    """Addresses beyond this machine that the server in this process has asked for.

    What Gradio's client asks the hub for when it starts is not the server's doing.
    """
    found = []

    def note(host):
        stack = "".join(traceback.format_stack(limit=40))
        if "gradio_client" not in stack:
            found.append((host, stack))

    with pytest.MonkeyPatch.context() as patch:
        connect, resolve = socket.socket.connect, socket.getaddrinfo

        def connecting(self, address):
            if isinstance(address, tuple) and address[0] not in LOCAL:
                note(address)
                raise OSError("this test may not leave the machine")
            return connect(self, address)

        def resolving(host, *args, **kwargs):
            if host is not None and str(host) not in LOCAL:
                note(host)
                raise socket.gaierror("this test may not leave the machine")
            return resolve(host, *args, **kwargs)

        patch.setattr(socket.socket, "connect", connecting)
        patch.setattr(socket, "getaddrinfo", resolving)
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    return write_text_domain(tmp_path_factory.mktemp("domain") / "studio")


@pytest.fixture(scope="module")
def url(domain, folder, reached):
    with served(domain, folder) as address:
        yield address


@pytest.fixture(scope="module")
def web():
    with httpx.Client(timeout=120, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        yield client


def visitor(url):
    """A client that is patient, and that tells its makers nothing."""
    return Client(url, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": 120})


@pytest.fixture
def client(url):
    return visitor(url)


@pytest.fixture
def others_go_on(url):
    """A visitor whose session is the same, and who is answered, whatever happened meanwhile."""
    other = visitor(url)
    other.predict(seed=11, api_name="/open_seed")
    yield
    assert other.predict(smile=1, api_name="/move")["source"] == "seed:11"


def ask(web, url, name, arguments):
    """(status, what the page would say) of a call without a session."""
    at = f"{url}gradio_api/call/v2/{name}"
    response = web.post(at, json=arguments)
    if response.status_code != 200:
        return response.status_code, response.text
    return 200, web.get(f"{at}/{response.json()['event_id']}").text


def test_files_that_were_not_uploaded(web, url, others_go_on):
    paths = ["/etc/passwd", "../../../etc/passwd", str(ROOT / "README.md"), "~/.ssh/id_rsa"]
    for path in paths:
        for name, key in (("open_photo", "photo"), ("open_file", "file"), ("score", "picture")):
            status, text = ask(web, url, name, {key: {"path": path, "meta": FILE}})
            assert status == 400 and "upload the file first" in text
    for address in ("http://127.0.0.1:1/me.jpg", "https://example.org/me.jpg"):
        status, text = ask(web, url, "open_photo", {"photo": {"path": address, "meta": FILE}})
        assert status == 400 and "Addresses are not fetched" in text
    assert web.get(f"{url}gradio_api/file=/etc/passwd").status_code in (403, 404)
    assert web.get(f"{url}gradio_api/file={ROOT}/README.md").status_code in (403, 404)


def test_pictures_inside_a_request(web, url, others_go_on):
    data = "data:image/png;base64," + base64.b64encode(bytes(9 * 2**20)).decode()
    for photo in ({"url": data, "path": None, "meta": FILE}, {"path": data, "meta": FILE}, data):
        status, text = ask(web, url, "open_photo", {"photo": photo})
        assert status == 413 and "8 MB" in text
    status, text = ask(web, url, "open_photo", {"photo": {"path": data[:4000], "meta": FILE}})
    assert status == 400 and "upload the file first" in text


def test_uploads_past_the_limit(web, url, folder, others_go_on):
    big = {"files": ("me.png", bytes(33 * 2**20))}
    refused = web.post(f"{url}gradio_api/upload", files=big)
    assert refused.status_code == 413 and "32 MB" in refused.text
    many = [("files", (f"{n}.png", bytes(4 * 2**20))) for n in range(9)]
    assert web.post(f"{url}gradio_api/upload", files=many).status_code == 413
    left = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert left < 64 * 2**20


def test_image_bombs(client, tmp_path, others_go_on):
    Image.new("1", (12_000, 12_000)).save(tmp_path / "bomb.png")
    bomb = handle_file(tmp_path / "bomb.png")
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    for name, arguments in {
        "/open_photo": {"photo": bomb},
        "/crop_photo": {"photo": bomb},
        "/score": {"picture": bomb},
        "/correct": {"correction": bomb},
        "/run_recipe": {"recipe": "edits: []", "photo": bomb},
    }.items():
        with pytest.raises(AppError, match="million"):
            client.predict(**arguments, api_name=name)


def test_prompts_of_ten_thousand_characters(client, others_go_on):
    for text in ("smiling " * 1_250, "笑" * 10_000, "x" * 10_000):
        for name, arguments in {
            "/text": {"target": text},
            "/text_optimise": {"target": text},
            "/text_search": {"text": text, "count": 2},
        }.items():
            with pytest.raises(AppError) as refused:
                client.predict(**arguments, api_name=name)
            assert 10 < len(str(refused.value)) < 500 and "not your fault" not in str(refused.value)


def test_direct_calls(web, url, others_go_on):
    named = web.get(f"{url}gradio_api/info").json()["named_endpoints"]
    for name in named.keys() - {"/stop", "/share", "/delete_link"}:  # these wait for nobody
        for door in ("run", "api"):
            response = web.post(f"{url}gradio_api/{door}{name}", json={"data": []})
            assert response.status_code == 404, name


HOSTILE = {  # recipe -> what the sentence must contain
    "!!python/object/apply:os.system ['touch /tmp/latent-studio-was-here']": "YAML",
    "edits: !!python/name:os.system": "YAML",
    "&a [" + "*a, " * 3 + "]": "YAML",
    "[" * 5_000: "YAML",
    "edits: []\nsurprise: 1": "unknown key 'surprise'",
    "edits: []\nsource: {kind: seed, name: 'seed:1', photo: ../../etc/passwd}": "photo",
    "edits: []\nsource: {kind: photo, name: ../../../etc/passwd}": "send a photo",
    "edits: []\nsource: {kind: latent, name: /etc/passwd}": "send a photo",
    "edits: [{move: /etc/passwd, alpha: 1.0}]": "There is no",
    "edits: [{move: smile, alpha: .inf}]": "inf",
    "edits: [{move: smile, alpha: 1.0e+999}]": "inf",
    "edits: [{move: smile, alpha: 1" + "0" * 400 + "}]": "",
    "edits: []\nsource: {kind: seed, name: 'seed:99999999999'}": "seed",
    "edits: []\noutput: {outcome: photo, size: 1000000}": "4096",
    "edits: []\nthreads: 1000000": "1024",
    "edits: []\ninversion: {level: quick, steps: 1000000000}": "steps",
    "edits: []\nwalk: {kind: loop, frames: 1000000000}": "frames",
    "edits: [{cross: {name: ../../etc/passwd}}]": "seed:123",
    "edits: []\nthumbnail: ../../etc/passwd": "bare name",
    "x" * 100: "names and values",
    "": "names and values",
}


def test_hostile_recipes(client, others_go_on):
    for recipe, sentence in HOSTILE.items():
        with pytest.raises(AppError) as refused:
            client.predict(recipe=recipe, api_name="/run_recipe")
        said = str(refused.value)
        assert sentence in said and 10 < len(said) < 700 and "not your fault" not in said, recipe
    assert not Path("/tmp/latent-studio-was-here").exists()


def test_two_hundred_jobs_of_one_visitor(web, url, others_go_on):
    job = {"kind": "loop", "frames": 12, "size": 64}
    waiting = [web.post(f"{url}gradio_api/call/v2/walk", json=job) for _ in range(200)]
    refused = [response for response in waiting if response.status_code == 429]
    assert len(refused) > 100 and "still going on" in refused[0].json()["detail"]
    other = visitor(url)
    assert other.predict(seed=3, api_name="/open_seed")["source"] == "seed:3"
    assert other.predict(**job, api_name="/walk"), "long work of others has its turn"


def test_a_visitor_who_drags_everything_at_once(url, others_go_on):
    web = httpx.Client(timeout=120)
    joining = {"data": [None, "en", 5], "session_hash": "greedy"}
    index = next(
        each["id"]
        for each in web.get(f"{url}config").json()["dependencies"]
        if each["api_name"] == "open_seed"
    )
    with ThreadPoolExecutor(16) as crowd:
        answers = list(
            crowd.map(
                lambda _: (
                    web.post(
                        f"{url}gradio_api/queue/join", json={**joining, "fn_index": index}
                    ).status_code
                ),
                range(60),
            )
        )
    assert set(answers) <= {200, 429} and answers.count(200) >= 12


def test_slow_uploads_hold_nobody_up(url, others_go_on):
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b"
    sockets = [socket.create_connection((host, int(port))) for _ in range(12)]
    try:
        for each in sockets:
            each.sendall(head.encode())
        answers = [answer(each) for each in sockets[6:]]
        assert all("429" in text for text in answers), "the seventh is one too many"
        picture = io.BytesIO()
        Image.new("RGB", (64, 64)).save(picture, "png")
        other = visitor(url)
        assert other.predict(seed=3, api_name="/open_seed")["source"] == "seed:3"
    finally:
        for each in sockets:
            each.close()


def answer(each: socket.socket) -> str:
    each.settimeout(30)
    return each.recv(200).decode()


def test_visitors_at_once_see_only_their_own(url, domain, tmp_path):
    """The load benchmark, small."""
    crowd = [(load.drag, 1), (load.drag, 2), (load.drag, 3), (load.invert, 4), (load.text, 5),
             (load.walk, 6)]  # fmt: skip
    pictures = load.truths(str(domain.folder), [seed for _, seed in crowd])
    seen = load.Seen()
    play = load.Play(url, time.monotonic() + 6, seen, pictures, tmp_path)
    with ThreadPoolExecutor(len(crowd)) as threads:
        for done in [threads.submit(part, play, seed) for part, seed in crowd]:
            done.result()
    assert seen.problems == []
    assert seen.compared >= 4 and seen.begun == seen.ended >= 3
    load.compare(play, 1, 0.75, load.shrunk(pictures[2][0.75]))
    assert len(seen.problems) == 1, "somebody else's picture is noticed"


def test_bad_values_are_refused_with_sentences(url, folder, others_go_on):
    """The fuzz of the benchmark, small: endpoints of every kind, every bad value."""
    names = ["move", "open_seed", "generate", "invert", "set_details", "open_photo", "download"]
    outcomes = abuse_api.fuzz(url, names, abuse_api.secrets_of(folder))
    wrong = [o for o in outcomes if o.end not in ("answered", "refused")]
    assert len(outcomes) > 200 and wrong == []
    kinds = ("NaN", "infinite", "5000 digits", "deep list", "object", "unknown argument")
    for outcome in outcomes:
        if outcome.end == "refused" and outcome.call.value in kinds:
            assert outcome.call.parameter in outcome.said, outcome
    answered = {o.call.value for o in outcomes if o.end == "answered"}
    assert not answered & {"NaN", "infinite", "5000 digits", "list", "object", "foreign file"}


def test_the_fuzz_finds_what_is_wrong():
    judge = partial(abuse_api._judge, abuse_api.Call("x", "y", "z", "call/v2/x", "{}"))
    assert judge(422, '{"detail": "y is 3; it needs a text."}', []).end == "refused"
    for status, text in (
        (500, '{"detail": "Something is wrong here."}'),
        (200, '{"error": null}'),
        (200, "null"),
        (200, '{"error": "This is not your fault; go on."}'),
    ):
        assert judge(status, text, []).end == "crashed", text
    for text in ('{"error": "No file /srv/x/a here."}', "Traceback (most recent call last)"):
        assert judge(200, text, ["/srv/x"]).end == "leaked"


def test_events_that_say_nothing(web, url, others_go_on):
    outcomes = [abuse_api.ask(web, url, call, [str(ROOT)])
                for call in abuse_api.events_of(web.get(f"{url}config").json())]  # fmt: skip
    wrong = [o for o in outcomes if o.end not in ("answered", "refused")]
    assert wrong == []
    assert sum("event_data.index is missing" in o.said for o in outcomes) >= 3


def test_other_names_and_other_pages(web, url, others_go_on):
    at = f"{url}gradio_api/call/v2/open_seed"
    assert web.get(url, headers={"host": "evil.example"}).status_code == 421
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        foreign = {"origin": origin}
        assert web.post(at, json={"seed": 1}, headers=foreign).status_code == 403
        upload = {"files": ("a.png", b"x")}
        assert web.post(f"{url}gradio_api/upload", files=upload, headers=foreign).status_code == 403
        assert web.get(f"{url}config", headers=foreign).status_code == 403
    own = {"origin": url.rstrip("/")}
    assert web.post(at, json={"seed": 1}, headers=own).status_code == 200


def test_files_of_visitors_are_not_pages_of_this_server(web, url):
    for name, text in (("x.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
                       ("x.html", "<script>1</script>")):  # fmt: skip
        (path,) = web.post(f"{url}gradio_api/upload", files={"files": (name, text)}).json()
        served_file = web.get(f"{url}gradio_api/file={path}")
        assert served_file.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in served_file.headers["content-security-policy"]
        assert "default-src 'none'" in served_file.headers["content-security-policy"]
        assert served_file.headers["x-content-type-options"] == "nosniff"


def test_nothing_reached_for_another_machine(client, reached):
    client.predict(seed=3, api_name="/open_seed")
    assert not reached, "\n".join(f"{where}\n{how}" for where, how in reached)
