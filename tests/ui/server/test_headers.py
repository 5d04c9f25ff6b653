"""What a browser may do with what is served."""

import asyncio
import re

import pytest

from ui.server.headers import Headers, script_hash
from ui.server.origins import Names
from ui.theme import launch_options, script

PAGE = b"<!doctype html><head><script>a</script><script type=module src=x></script></head>"


def served(path="/", kind="text/html; charset=utf-8", body=PAGE, framed=False, chunks=1):
    """(headers, body) of an answer."""
    sent = []

    async def inner(scope, receive, send):
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)),
                   (b"X-Content-Type-Options", b"other")]  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        size = -(-len(body) // chunks)
        for n in range(chunks):
            part = body[n * size : (n + 1) * size]
            more = n < chunks - 1
            await send({"type": "http.response.body", "body": part, "more_body": more})

    async def send(message):
        sent.append(message)

    wall = Headers(inner, ["ours"], framed)
    asyncio.run(wall({"type": "http", "path": path, "headers": []}, None, send))
    return dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:])


def policy(headers):
    rules = headers[b"content-security-policy"].decode().split("; ")
    return {rule.partition(" ")[0]: rule.partition(" ")[2] for rule in rules}


@pytest.mark.parametrize("chunks", [1, 7])
def test_the_page_carries_its_number_in_each_of_its_scripts(chunks):
    headers, body = served(chunks=chunks)
    (number,) = re.findall(r"'nonce-([\w-]+)'", policy(headers)["script-src"])
    assert body.count(f'<script nonce="{number}"'.encode()) == 2 == body.count(b"<script")
    assert int(headers[b"content-length"]) == len(body)
    assert served()[0] != headers, "another page, another number"


def test_scripts_are_the_pages_own_and_nothing_leaves():
    rules = policy(served()[0])
    assert "'unsafe-inline'" not in rules["script-src"]
    assert f"'sha256-{script_hash('ours')}'" in rules["script-src"]
    assert rules["default-src"] == "'self'" and rules["object-src"] == "'none'"
    assert rules["connect-src"] == "'self' data: blob:" and rules["form-action"] == "'self'"
    assert rules["frame-ancestors"] == "'self'" and rules["base-uri"] == "'self'"


def test_the_hub_alone_may_frame_a_space():
    for path, kind in (("/", "text/html"), ("/gradio_api/file=x.png", "image/png")):
        frames = policy(served(path, kind, framed=True)[0])["frame-ancestors"]
        assert "https://huggingface.co" in frames and "https://*.hf.space" in frames
        assert "*" not in frames.replace("https://*.", "")


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml"]
)
def test_a_visitors_file_never_runs_here(kind):
    headers, body = served("/gradio_api/file=/tmp/x.svg", kind)
    assert headers[b"content-disposition"] == b"attachment" and body == PAGE
    rules = policy(headers)
    assert rules["default-src"] == "'none'" and "sandbox" in rules and "script-src" not in rules
    assert b"content-disposition" not in served("/gradio_api/file=/tmp/x.png", "image/png")[0]


def test_every_answer_has_the_usual_headers_once():
    for path, kind in (("/", "text/html"), ("/x", "application/json"), ("/assets/a.js", "text/js")):
        headers, _ = served(path, kind)
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"referrer-policy"] == b"same-origin"
        assert b"camera=(self)" in headers[b"permissions-policy"]
        assert b"frame-ancestors" in headers[b"content-security-policy"]


def test_the_script_in_the_head_is_the_one_that_the_policy_knows():
    options = launch_options(Names(any=True))
    wall = options["app_kwargs"]["middleware"][0]
    assert options["head"] == f"<script>{script()}</script>"
    assert wall.kwargs["scripts"] == [script()] and wall.kwargs["framed"]
    assert not launch_options()["app_kwargs"]["middleware"][0].kwargs["framed"]
