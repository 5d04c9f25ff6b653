"""Which names a server answers to, and which pages may ask it."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from ui.server.origins import Names, Origins, names_of

NONE: dict[str, str] = {}


def ask(names=None, method="POST", share=None, **headers):
    """(status, sentence) of a request with some headers."""
    reached = []

    async def inner(scope, receive, send):
        reached.append(scope)

    app = SimpleNamespace(get_blocks=lambda: SimpleNamespace(share_url=share))
    given = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/gradio_api/queue/join",
             "headers": given, "app": app}  # fmt: skip
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Origins(inner, names)(scope, None, send))
    if reached:
        return 200, ""
    return sent[0]["status"], json.loads(sent[1]["body"])["detail"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:7860",
        "LOCALHOST:1",
        "127.0.0.1:7860",
        "[::1]:7860",
        "192.168.1.5:80",
    ],
)
def test_this_machine_and_addresses_of_digits_are_answered(host):
    assert ask(host=host) == (200, "")
    assert ask(host=host, origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "a b",
        "[::1",
        "x" * 5000,
    ],
)
def test_any_other_name_is_refused(host):
    status, sentence = ask(host=host)
    assert status == 421 and "--hosts" in sentence and len(sentence) < 300
    assert ask(method="GET", host=host)[0] == 421


@pytest.mark.parametrize("origin", [
    "http://evil.example", "https://localhost:3000", "http://localhost:7861", "null", "file://",
    "http://127.0.0.1:7860", "http://localhost:7860.evil.example", "http://[",
])  # fmt: skip
def test_no_other_page_may_ask(origin):
    status, sentence = ask(host="localhost:7860", origin=origin)
    assert status == 403 and "Another website" in sentence


def test_no_other_page_may_show_what_is_here():
    about = {"host": "localhost:7860", "sec_fetch_site": "cross-site"}
    assert ask(method="GET", **about, sec_fetch_mode="no-cors")[0] == 403
    assert ask(method="GET", **about, sec_fetch_mode="navigate")[0] == 200, "a link leads here"
    assert ask(method="GET", host="localhost:7860", sec_fetch_site="same-origin")[0] == 200


def test_names_come_from_flags_and_environment():
    named = names_of(None, "Studio.example.org, other", NONE).own
    assert named == {"studio.example.org", "other"}
    assert names_of("127.0.0.1", None, NONE).own == {"127.0.0.1"}
    beyond = names_of("0.0.0.0", None, NONE).own
    assert any(name.endswith(".local") for name in beyond), "the machine's own name, in its network"
    assert "lan" in names_of(None, None, {"GRADIO_SERVER_NAME": "lan"}).own
    rooted = names_of(None, None, {"GRADIO_ROOT_PATH": "https://studio.example.org:8443/s"})
    assert rooted.own == {"studio.example.org"}
    assert names_of(None, None, {"GRADIO_ROOT_PATH": "/studio"}).own == frozenset()


def test_a_named_server_answers_to_its_name_behind_a_proxy():
    names = names_of(None, "studio.example.org", NONE)
    assert ask(names, host="studio.example.org", origin="https://studio.example.org")[0] == 200
    assert ask(names, host="studio.example.org", origin="https://studio.example.org:8443")[0] == 200
    assert ask(names, host="127.0.0.1:7860", origin="https://studio.example.org")[0] == 200
    assert ask(names, host="studio.example.org", origin="https://evil.example")[0] == 403


def test_a_public_link_works_and_others_of_its_kind_do_not():
    share = "https://0123abcd.gradio.live"
    own = {"host": "0123abcd.gradio.live", "origin": share}
    assert ask(share=share, **own)[0] == 200
    assert ask(share=share, host="127.0.0.1:7860", origin=share)[0] == 200
    assert ask(share=share, host="evil.gradio.live")[0] == 421
    assert ask(share=share, host=own["host"], origin="https://evil.gradio.live")[0] == 403
    assert ask(**own)[0] == 421, "without a link there is no such name"


def test_a_space_answers_whatever_its_proxy_calls_it_and_its_own_page_alone():
    names = names_of("0.0.0.0", None, {"SYSTEM": "spaces", "SPACE_HOST": "me-studio.hf.space"})
    assert ask(names, host="me-studio.hf.space", origin="https://me-studio.hf.space")[0] == 200
    assert ask(names, host="10.1.2.3:7860", origin="https://me-studio.hf.space")[0] == 200
    assert ask(names, method="GET", host="internal-name")[0] == 200
    for origin in ("https://evil-studio.hf.space", "https://evil.example"):
        assert ask(names, host="me-studio.hf.space", origin=origin)[0] == 403


def test_without_a_request_there_is_nothing_to_look_at():
    asked = []

    async def inner(scope, receive, send):
        asked.append(scope["type"])

    asyncio.run(Origins(inner, Names())({"type": "lifespan"}, None, None))
    assert asked == ["lifespan"]
