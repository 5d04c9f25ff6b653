"""Where a password is asked for: wrong ones wait, and nothing is open beside the door."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from ui.server.asgi import Refused
from ui.server.login import Login, Register, Tries


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def wait_of(register, address="a"):
    """The seconds that a try is told to wait; 0 where it counts."""
    try:
        register.begin(address)
    except Refused as refused:
        assert refused.status == 429
        return refused.values["seconds"]
    return 0


def test_wrong_passwords_wait_longer_and_longer():
    clock = Clock()
    register = Register(Tries(free=2, first=2.0, longest=5.0), clock)
    assert [wait_of(register) for _ in range(3)] == [0, 0, 0], "the third is the first that costs"
    assert wait_of(register) == 3 and wait_of(register, "b") == 0, "nobody else waits"
    for waited in (2.0, 4.0, 5.0, 5.0):
        clock.now += waited
        assert wait_of(register) == 0
        assert wait_of(register) > 0
    assert wait_of(register) <= 6, "not for ever"


def test_a_right_password_is_a_new_start():
    register = Register(Tries(free=1), Clock())
    wait_of(register)
    register.right("a")
    assert [wait_of(register), wait_of(register)] == [0, 0]


def test_many_addresses_take_no_more_memory():
    register = Register(Tries(addresses=50), Clock())
    for number in range(1000):
        register.begin(f"address {number}")
    assert len(register._known) == 50


def ask(path, auth=True, cookie="", status=200, register=None, times=1):
    """(status, headers, body) of the last of some posts to a server that asks for a password."""
    reached, sent = [], []
    tokens = {"good": "me"}
    app = SimpleNamespace(auth={"me": "secret"} if auth else None, tokens=tokens, cookie_id="id")

    async def inner(scope, receive, send):
        reached.append(scope["path"])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b'{"detail": "inner"}'})

    async def send(message):
        sent.append(message)

    door = Login(inner, register)
    for _ in range(times):
        sent.clear()
        headers = [(b"cookie", cookie.encode())] if cookie else []
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "app": app,
                 "client": ("10.0.0.1", 1)}  # fmt: skip
        asyncio.run(door(scope, None, send))
    body = sent[1]["body"].decode()
    sentence = json.loads(body)["detail"] if body.startswith("{") else body
    return sent[0]["status"], dict(sent[0]["headers"]), sentence


@pytest.mark.parametrize("path", ["/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/reset/",
                                  "/gradio_api/stream/x", "/gradio_api/upload"])  # fmt: skip
def test_nothing_is_open_beside_the_door(path):
    assert ask(path)[0] == 401
    for cookie in ("access-token-id=bad", "access-token-other=good", "access-token-id", "=good"):
        assert ask(path, cookie=cookie)[0] == 401
    for name in ("access-token-id", "access-token-unsecure-id"):
        assert ask(path, cookie=f"x=1; {name}=good")[0] == 200
    assert ask(path, auth=False)[0] == 200, "without a password there is no door"


def test_tries_count_even_at_the_same_time():
    status, headers, sentence = ask("/login", status=400, times=6)
    assert status == 429 and int(headers[b"retry-after"]) in (1, 2, 3)
    assert "5 wrong passwords" in sentence
    assert ask("/login", status=400, times=4)[0] == 400, "a few are free"
    assert ask("/login/", status=200, times=20)[0] == 200
