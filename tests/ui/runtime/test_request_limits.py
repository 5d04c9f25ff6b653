"""What one visitor may ask of the server, held before anything is read, decoded or queued."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from ui.locales import say
from ui.runtime import request_limits as guard_module
from ui.runtime.gradio_queue import LONG_LANE
from ui.runtime.request_limits import Guard, Limits
from ui.server import uploads
from ui.server.presence import presence_of

JOIN = "/gradio_api/queue/join"


class Inner:
    """Stands for Gradio's app: reads the body and says so."""

    def __init__(self, blocks=None):
        self.read = b""
        self.blocks = blocks

    def get_blocks(self):
        return self.blocks

    async def __call__(self, scope, receive, send):
        more = True
        while more:
            message = await receive()
            self.read += message.get("body", b"")
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"served"})


def blocks_with(*events, lanes=None):
    """What the guard looks at: events as (session, lane), all waiting."""
    made = [
        SimpleNamespace(
            session_hash=session or f"event {number}",
            _id=f"event {number}",
            concurrency_id=lane,
            request=SimpleNamespace(scope={"client": ("10.0.0.1", 1)}),
        )
        for number, (session, lane) in enumerate(events)
    ]
    queue = SimpleNamespace(
        event_queue_per_concurrency_id={"all": SimpleNamespace(queue=made[1:])},
        active_jobs=[None, made[:1]],
    )
    fns = {
        0: SimpleNamespace(concurrency_id="interactive", api_name="move"),
        1: SimpleNamespace(concurrency_id=LONG_LANE, api_name="walk"),
    }
    return SimpleNamespace(_queue=queue, fns=fns)


def ask(guard, path, chunks, pause=0.0, method="POST", headers=(), client="10.0.0.1"):
    """(status, text) of a request whose body comes in ``chunks``."""
    scope = {"type": "http", "method": method, "path": path, "headers": list(headers),
             "client": (client, 1), "app": guard.app}  # fmt: skip
    sent, left = [], list(chunks)

    async def receive():
        await asyncio.sleep(pause)
        if not left:
            await asyncio.sleep(60)  # a client that has fallen silent
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left) or pause > 0}

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    body = b"".join(m.get("body", b"") for m in sent)
    return sent[0]["status"], body.decode()


def joining(session="me", fn=0):
    return [json.dumps({"session_hash": session, "fn_index": fn, "data": []}).encode()]


@pytest.mark.parametrize("path", ["/gradio_api/upload", JOIN, "/gradio_api/call/v2/open_photo"])
def test_what_is_too_large_is_refused_announced_or_not(path):
    inner = Inner()
    guard = Guard(inner, Limits(upload_mb=1, body_mb=1))
    chunks = [b"x" * 700_000, b"x" * 700_000, b"x"]
    for headers in ((), ((b"content-length", b"1400001"),)):
        status, text = ask(guard, path, chunks, headers=headers)
        assert status == 413 and "1 MB" in text
    assert len(inner.read) <= 1_400_000 and b"served" not in inner.read


def test_what_fits_arrives_unchanged():
    for path in ("/gradio_api/upload", "/login"):
        inner = Inner()
        status, text = ask(Guard(inner), path, [b"ab", b"", b"c"])
        assert (status, text, inner.read) == (200, "served", b"abc")


@pytest.mark.parametrize("path", ["/gradio_api/upload", JOIN])
def test_slow_requests_are_given_up(path):
    guard = Guard(Inner(), Limits(grace=0.05))
    status, text = ask(guard, path, [b"a", b"b"], pause=0.04)
    assert status == 408 and "slowly" in text


def test_a_refusal_speaks_the_visitors_language():
    headers = ((b"accept-language", b"zh-CN,zh;q=0.9"), (b"content-length", b"999999999"))
    status, text = ask(Guard(Inner()), JOIN, [b"x"], headers=headers)
    assert status == 413 and json.loads(text)["detail"] == say("guard.size", "zh", limit=8)


def test_a_visitor_has_a_share_of_the_queue_and_others_the_rest():
    guard = Guard(Inner(blocks_with(*[("me", "interactive")] * 3)), Limits(visitor=3))
    status, text = ask(guard, JOIN, joining("me"))
    assert status == 429 and "3 of your actions" in json.loads(text)["detail"]
    assert ask(guard, JOIN, joining("you"))[0] == 200


def test_long_work_has_a_share_of_its_own():
    guard = Guard(Inner(blocks_with(("me", LONG_LANE), ("me", LONG_LANE))), Limits(long=2))
    assert ask(guard, JOIN, joining("me", 1))[0] == 429
    assert ask(guard, JOIN, joining("me", 0))[0] == 200, "a slider still answers"
    assert ask(guard, JOIN, joining("you", 1))[0] == 200


def test_without_a_session_the_address_is_the_visitor():
    guard = Guard(Inner(blocks_with((None, LONG_LANE), (None, LONG_LANE))), Limits(long=2))
    for path in ("/gradio_api/call/walk", "/gradio_api/call/v2/walk"):
        assert ask(guard, path, [b'{"data": []}'])[0] == 429
        assert ask(guard, path, [b'{"data": []}'], client="10.0.0.2")[0] == 200
    assert ask(guard, "/gradio_api/call/move", [b"{}"])[0] == 200


def test_many_sessions_at_one_address_share_its_part():
    events = [(f"visitor {number}", "interactive") for number in range(5)]
    guard = Guard(Inner(blocks_with(*events)), Limits(address=5))
    assert ask(guard, JOIN, joining("one more"))[0] == 429
    assert ask(guard, JOIN, joining("one more"), client="10.0.0.2")[0] == 200


def test_what_cannot_be_read_is_left_to_gradio():
    guard = Guard(Inner(blocks_with()))
    for body in (b"", b"{", b"[1]", b"\xff", b'{"session_hash": 3, "fn_index": [], "data": 0}'):
        assert ask(guard, JOIN, [body])[0] == 200


def test_one_address_sends_so_many_files_at_a_time():
    guard = Guard(Inner(), Limits(uploads=0))
    assert ask(guard, "/gradio_api/upload", [b"a"])[0] == 429
    guard = Guard(Inner(), Limits(uploads=1))
    for _ in range(3):
        assert ask(guard, "/gradio_api/upload", [b"a"])[0] == 200


def test_a_look_whether_anyone_is_there_builds_no_page():
    inner = Inner()
    assert ask(Guard(inner), "/", [], method="HEAD") == (200, "")
    assert ask(Guard(inner), "/", [b""], method="GET") == (200, "served")


def test_long_work_of_an_address_has_a_share_whoever_asks():
    events = [(f"visitor {number}", LONG_LANE) for number in range(3)]
    guard = Guard(Inner(blocks_with(*events)), Limits(address_long=3))
    status, text = ask(guard, JOIN, joining("one more", 1))
    assert status == 429 and "3 searches or films from your network" in json.loads(text)["detail"]
    assert ask(guard, JOIN, joining("one more", 0))[0] == 200
    assert ask(guard, JOIN, joining("one more", 1), client="10.0.0.2")[0] == 200


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("/gradio_api/queue/data", b"session_hash=me", "me"),
        ("/gradio_api/call/walk/event7", b"", "event7"),
        ("/gradio_api/call/v2/walk/event7/", b"", "event7"),
    ],
)
def test_it_is_known_whose_answers_are_listened_for(path, query, name):
    class Page:
        pass

    page, heard = Page(), []

    async def app(scope, receive, send):
        heard.append(presence_of(page)._listening[name])

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query,
             "app": SimpleNamespace(get_blocks=lambda: page)}  # fmt: skip
    asyncio.run(Guard(app)(scope, None, None))
    assert heard == [1] and presence_of(page)._listening[name] == 0


def test_old_files_are_swept_while_the_server_runs_but_not_the_page_s_own(monkeypatch):
    swept = []
    monkeypatch.setattr(guard_module, "sweep_own", swept.append)
    monkeypatch.setattr(guard_module, "SWEEP_EVERY", 0.0)
    blocks = SimpleNamespace(blocks={1: SimpleNamespace(keep_in_cache={"/a/page.png"})})

    async def app(scope, receive, send):
        while len(swept) < 3:
            await asyncio.sleep(0.001)

    scope = {"type": "lifespan", "app": SimpleNamespace(get_blocks=lambda: blocks)}
    asyncio.run(Guard(app)(scope, None, None))
    assert swept[:3] == [{"/a/page.png"}] * 3


def test_an_upload_of_nothing_is_none():
    class Nothing(Inner):
        async def __call__(self, scope, receive, send):
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"[]"})

    status, text = ask(Guard(Nothing()), "/gradio_api/upload", [b""])
    assert status == 400 and text == say("guard.form", "en")


@pytest.mark.parametrize(("share", "key"), [("SHARE", "guard.sent"), ("MOST", "guard.sent_all")])
def test_an_address_and_all_may_send_so_much_lately(monkeypatch, share, key):
    guard = Guard(Inner())
    sizes = ((b"content-length", b"1000000"),)
    monkeypatch.setattr(uploads, share, 2_500_000)
    answers = [ask(guard, "/gradio_api/upload", [b"a"], headers=sizes) for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 429]
    values = {"limit": guard_module.SHARE // 2**20, "minutes": 30}
    assert answers[2][1] == say(key, "en", **values)
