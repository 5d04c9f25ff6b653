"""Content-Security-Policy and its companions: what a browser may do with what is served here.

The second wall behind ``ui.runtime.markup``: should a text ever become HTML, no script in it runs,
and nothing is sent elsewhere. Gradio's page needs styles within elements, and it builds the
functions of events and templates from text (``unsafe-eval``); its own scripts carry a number that
changes with every page, and ours is known by its hash.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from ui.server.asgi import Message, Receive, Scope, Send

SPACES = "https://huggingface.co https://*.huggingface.co https://*.hf.space"  # they frame a Space
OWN = ("/assets/", "/static/", "/svelte/", "/theme.css")  # Gradio's: some of them are workers
FILES = ("/file=", "/file/", "/proxy=", "/stream/")  # what visitors have sent, or were given
PLAIN = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # the address may be a link to somebody's work
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), clipboard-read=(self), clipboard-write=(self), "
    b"fullscreen=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ACTIVE = re.compile(r"(?:text/html|application/xhtml|image/svg|[a-z]+/(?:[a-z.+-]*\+)?xml)\b")


def page_policy(nonce: str, hashes: Sequence[str], frames: str, more: str = "") -> str:
    """The policy of the page itself; ``more`` are addresses beyond the server it may talk to."""
    scripts = " ".join(f"'sha256-{each}'" for each in hashes)
    more = f" {more}" if more else ""
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce}' {scripts} 'unsafe-eval'".replace("  ", " "),
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob:{more}",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' data: blob:{more}",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors {frames}",
        ]
    )


def other_policy(frames: str) -> str:
    """The policy of all that is no page: nothing in it runs, and it loads nothing."""
    rest = "style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; sandbox"
    return f"default-src 'none'; {rest}; frame-ancestors {frames}"


def script_hash(script: str) -> str:
    """How a policy names a script that stands in the page."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


class Headers:
    """Wraps Gradio's app: puts the headers on every answer, and the page's number into the page."""

    def __init__(
        self, app: Callable[..., Any], scripts: Sequence[str] = (), framed: bool = False
    ) -> None:
        """``scripts`` are those in the page's head; ``framed``: a Space's page frames this one."""
        self.app, self.hashes = app, [script_hash(script) for script in scripts]
        self.more = SPACES if framed else ""
        self.frames = f"'self' {self.more}".strip()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        await self.app(scope, receive, _Answer(self, scope, send))


class _Answer:
    """``send`` of one request; a page is held back until it is whole."""

    def __init__(self, headers: Headers, scope: Scope, send: Send) -> None:
        self.headers, self.send = headers, send
        self.is_file = any(part in scope["path"] for part in FILES)
        self.is_own = any(part in scope["path"] for part in OWN)
        self.start: Message = {}
        self.body = bytearray()
        self.nonce = ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message)
            if not self.nonce:
                await self.send(message)
        elif not self.nonce:
            await self.send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._page()

    def _begin(self, message: Message) -> None:
        given = [(key.lower(), value) for key, value in message.get("headers", ())]
        kind = next((value for key, value in given if key == b"content-type"), b"").decode()
        if kind.startswith("text/html") and not self.is_file:
            self.nonce, self.start = secrets.token_urlsafe(16), message
            wall = self.headers
            policy = page_policy(self.nonce, wall.hashes, wall.frames, wall.more)
        elif self.is_own and not self.is_file:
            policy = f"frame-ancestors {self.headers.frames}"
        else:
            policy = other_policy(self.headers.frames)
        own = {**PLAIN, b"content-security-policy": policy.encode()}
        if self.is_file and ACTIVE.match(kind.lower()):
            own[b"content-disposition"] = b"attachment"
        kept = [(key, value) for key, value in given if key not in own]
        message["headers"] = [*kept, *own.items()]

    async def _page(self) -> None:
        """The whole page, with its number in each of its scripts."""
        marked = f'<script nonce="{self.nonce}"'.encode()
        body = re.sub(rb"<script(?=[\s>])", marked, bytes(self.body))
        size = (b"content-length", str(len(body)).encode())
        headers = [pair for pair in self.start["headers"] if pair[0] != size[0]]
        await self.send({**self.start, "headers": [*headers, size]})
        await self.send({"type": "http.response.body", "body": body})
