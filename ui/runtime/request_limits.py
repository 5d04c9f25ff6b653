"""What one visitor may ask of the server: how large, how slowly, how much at once.

An ASGI middleware, so that it stands before anything is read, decoded or queued. Gradio's own
limits leave gaps: its size limit does not see files that travel as data: URLs inside a request, it
waits for an upload as long as that takes, keeps what is left of one that broke off, and its queue
is one for all, so that one visitor can fill it. While the server runs, old files go from here, too.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from gradio.utils import get_upload_folder, is_in_or_equal
from starlette.requests import ClientDisconnect

from ui.runtime.gradio_queue import LONG_LANE, pending
from ui.server.asgi import (
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
from ui.server.folders import KEEP, MB, has_space, own_folder, sweep_own
from ui.server.full_disk import is_full
from ui.server.presence import presence_of
from ui.server.uploads import SHARE, NoShare, Uploads
from ui.server.visitors import address_of

SWEEP_EVERY = 30.0  # seconds
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
    long: int = 3  # of them long ones
    address: int = 64  # actions of all visitors at one address
    address_long: int = 8  # of them long ones


class Guard:
    """Wraps Gradio's app; knows visitors by session, and by address where they name none."""

    def __init__(self, app: Callable[..., Any], limits: Limits | None = None) -> None:
        self.app, self.limits = app, limits or Limits()
        self.uploads = Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            sweeping = asyncio.create_task(_sweep_often(scope["app"]))
            try:
                await self.app(scope, receive, send)
            finally:
                sweeping.cancel()
            return
        method = scope.get("method") if scope["type"] == "http" else None
        if method == "HEAD" and scope["path"] == "/":  # is anyone there? no page is built for that
            await answer(send, 200, b"", "text/html")
        elif method == "POST":
            await self._post(scope, receive, send)
        elif method == "GET" and (name := _stream(scope)):
            with presence_of(scope["app"].get_blocks()).listening(name):
                await self.app(scope, receive, send)
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
        if self.uploads.of(address) >= taken:
            raise Refused(429, "guard.uploads", count=taken)
        arriving = self._measured(scope, receive, self.limits.upload_mb)
        promised = _promised(scope) or self.limits.upload_mb * MB
        folder = own_folder()
        if not has_space(folder or Path(get_upload_folder()), promised):
            raise Refused(507, "guard.full")
        try:
            with self.uploads.one(address, promised, folder) as upload:
                await self.app(scope, arriving, _something(send))
                upload.whole = True
        except NoShare as error:
            key = "guard.sent" if str(error) == "address" else "guard.sent_all"
            minutes = round(KEEP / 60)
            raise Refused(429, key, limit=SHARE // MB, minutes=minutes) from None
        except ClientDisconnect:  # nobody is there to be told
            return
        except OSError as error:
            if not is_full(error):
                raise
            raise Refused(507, "guard.full") from error
        except (ValueError, TypeError, KeyError) as error:  # Gradio meets a form that is none
            raise Refused(400, "guard.form") from error

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
        here = [event for event in ahead if address_of(event.request.scope) == address]
        if len(own) >= self.limits.visitor:
            raise Refused(429, "guard.share", count=len(own))
        if _lane(blocks, scope["path"], asked) == LONG_LANE:
            if (long := _long(own)) >= self.limits.long:
                raise Refused(429, "guard.long", count=long)
            if (long := _long(here)) >= self.limits.address_long:
                raise Refused(429, "guard.address_long", count=long)
        if len(here) >= self.limits.address:
            raise Refused(429, "guard.address", count=len(here))


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


def _something(send: Send) -> Send:
    """``send`` for the answer of an upload, which may not be that nothing has come."""
    begun: list[Message] = []

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun.append(message)
            return
        if message.get("body", b"").strip() == b"[]":
            raise Refused(400, "guard.form")
        while begun:
            await send(begun.pop())
        await send(message)

    return sent


def _visitor(event: Any) -> str:
    """Whose event it is; one that came without a session is named after itself."""
    named: str = event.session_hash
    return named if named != event._id else address_of(event.request.scope)


def _long(events: Sequence[Any]) -> int:
    return sum(event.concurrency_id == LONG_LANE for event in events)


def _stream(scope: Scope) -> str:
    """The session, or the event, whose answers a request listens for; "" where it does not."""
    path = scope["path"].rstrip("/")
    if path.endswith("/queue/data"):
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=None)
        return query.get("session_hash", [""])[0]
    return path.rpartition("/")[2] if "/call/" in path else ""


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


async def _sweep_often(app: Any) -> None:
    """Delete old files while the server runs."""
    while True:
        components = app.get_blocks().blocks.values()
        kept = {path for component in components for path in component.keep_in_cache}
        await asyncio.to_thread(sweep_own, kept)
        await asyncio.sleep(SWEEP_EVERY)


async def _drain(receive: Receive, seconds: float = 10.0) -> None:
    """Let a client send on for a while: most read no answer before they have."""
    ends = time.monotonic() + seconds
    with suppress(asyncio.TimeoutError):
        while (left := ends - time.monotonic()) > 0:
            message = await asyncio.wait_for(receive(), left)
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return
