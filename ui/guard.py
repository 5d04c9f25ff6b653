"""What one visitor may ask of the server: how large, how slowly, how much at once.

An ASGI middleware, so that it stands before anything is read, decoded or queued. Gradio's own
limits leave gaps: its size limit does not see files that travel as data: URLs inside a request, it
waits for an upload as long as that takes, and its queue is one for all, so that one visitor can
fill it.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gradio.utils import get_upload_folder, is_in_or_equal

from ui.asgi import (
    UPLOAD,
    Message,
    Receive,
    Refused,
    Scope,
    Send,
    again,
    answer,
    header,
    refuse,
    whole_body,
)
from ui.queue import LONG_LANE, pending
from ui.visitors import address_of

MB = 2**20
JOINS = ("/queue/join", "/call/")  # how work gets into the queue


@dataclass(frozen=True)
class Limits:
    """Fit for strangers, and for the page itself: a chain of events waits one at a time."""

    upload_mb: int = 32  # of one request that uploads
    body_mb: int = 8  # of any other: a recipe is text of some megabytes at most
    grace: float = 30.0  # seconds in which any request may arrive
    rate: int = 16_000  # bytes a second at which larger ones must
    uploads: int = 6  # that one address sends at the same time
    visitor: int = 12  # actions of one visitor that wait or run
    long: int = 3  # of them long ones; fewer than run at once, so that nobody holds them all
    address: int = 64  # actions of all visitors at one address


class Guard:
    """Wraps Gradio's app; knows visitors by session, and by address where they name none."""

    def __init__(self, app: Callable[..., Any], limits: Limits | None = None) -> None:
        self.app, self.limits = app, limits or Limits()
        self._uploading: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method") if scope["type"] == "http" else None
        if method == "HEAD" and scope["path"] == "/":  # is anyone there? no page is built for that
            await answer(send, 200, b"", "text/html")
        elif method == "POST":
            await self._post(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if scope["path"].rstrip("/").endswith(UPLOAD):
                await self._upload(scope, receive, sent)
            else:
                await self._ask(scope, receive, sent)
        except Refused as refused:
            if refused.status == 413:
                await _drain(receive)
            if not begun:
                await refuse(scope, send, refused)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a file on as it comes."""
        address, taken = address_of(scope), self.limits.uploads
        if self._uploading[address] >= taken:
            raise Refused(429, "guard.uploads", count=taken)
        self._uploading[address] += 1
        try:
            await self.app(scope, self._measured(scope, receive, self.limits.upload_mb), send)
        finally:
            self._uploading[address] -= 1
            self._uploading += Counter()  # forgets those at 0

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a request whole; let it into the queue where its visitor has room there."""
        body = await whole_body(self._measured(scope, receive, self.limits.body_mb))
        if body is None:
            return
        try:
            asked = json.loads(body)
            _check_files(asked)
        except (ValueError, RecursionError):  # Gradio answers that
            asked = None
        if isinstance(asked, dict) and any(part in scope["path"] for part in JOINS):
            self._check_share(scope, asked)
        await self.app(scope, again(body, receive), send)

    def _measured(self, scope: Scope, receive: Receive, most_mb: int) -> Receive:
        """``receive``, ended by whatever is too large or too slow."""
        limits, began, count = self.limits, time.monotonic(), 0
        too_large = Refused(413, "guard.size", limit=most_mb)
        if _promised(scope) > most_mb * MB:
            raise too_large
        done = False

        async def measured() -> Message:
            nonlocal count, done
            if done:  # what follows the body is only the news that the client has gone
                return await receive()
            left = began + limits.grace + count / limits.rate - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.01))
            except asyncio.TimeoutError:
                raise Refused(408, "guard.slow") from None
            count += len(message.get("body", b""))
            if count > most_mb * MB:
                raise too_large
            done = not message.get("more_body", False)
            return message

        return measured

    def _check_share(self, scope: Scope, asked: dict[str, Any]) -> None:
        """Refuse what would be more than a visitor's share of the queue."""
        blocks, address = scope["app"].get_blocks(), address_of(scope)
        session = asked.get("session_hash")
        visitor = session if isinstance(session, str) and session else address
        ahead = pending(blocks)
        own = [event for event in ahead if _visitor(event) == visitor]
        if len(own) >= self.limits.visitor:
            raise Refused(429, "guard.share", count=len(own))
        if _lane(blocks, scope["path"], asked) == LONG_LANE:
            long = sum(event.concurrency_id == LONG_LANE for event in own)
            if long >= self.limits.long:
                raise Refused(429, "guard.long", count=long)
        here = sum(address_of(event.request.scope) == address for event in ahead)
        if here >= self.limits.address:
            raise Refused(429, "guard.address", count=here)


def _check_files(asked: Any) -> None:
    """Refuse, with a sentence, files that were not uploaded; Gradio does so without one."""
    if isinstance(asked, list):
        for each in asked:
            _check_files(each)
    elif isinstance(asked, dict):
        path, meta = asked.get("path"), asked.get("meta")
        if isinstance(path, str) and isinstance(meta, dict) and "_type" in meta:
            if path.lower().startswith(("http:", "https:")):
                raise Refused(400, "error.address")
            if "\0" in path or not is_in_or_equal(path, get_upload_folder()):
                raise Refused(400, "guard.file")
        for each in asked.values():
            _check_files(each)


def _visitor(event: Any) -> str:
    """Whose event it is; one that came without a session is named after itself."""
    named: str = event.session_hash
    return named if named != event._id else address_of(event.request.scope)


def _lane(blocks: Any, path: str, asked: dict[str, Any]) -> str:
    """The concurrency id of what is asked for; "" where there is no such thing."""
    name = path.rstrip("/").rpartition("/")[2]
    index = asked.get("fn_index")
    for number, fn in blocks.fns.items():
        if number == index if name == "join" else fn.api_name == name:
            return str(fn.concurrency_id)
    return ""


def _promised(scope: Scope) -> int:
    """The size that a request announces; 0 where it announces none."""
    size = header(scope, b"content-length")
    return int(size) if size.isascii() and size.isdigit() else 0


async def _drain(receive: Receive, seconds: float = 10.0) -> None:
    """Let a client send on for a while: most read no answer before they have."""
    ends = time.monotonic() + seconds
    with suppress(asyncio.TimeoutError):
        while (left := ends - time.monotonic()) > 0:
            message = await asyncio.wait_for(receive(), left)
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return
