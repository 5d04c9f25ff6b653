"""ASGI in a few words: what the middlewares share of reading headers, refusing and answering."""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from ui.locales import preferred_language, say

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

UPLOAD = "/upload"


class Refused(Exception):
    """A request that is not served; the message is a key of the table of messages."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status, self.key, self.values = status, key, values


def header(scope: Scope, name: bytes) -> str:
    """A header's value; "" where there is none."""
    found = (value for key, value in scope["headers"] if key == name)
    return bytes(next(found, b"")).decode("latin-1")


def language(scope: Scope) -> str:
    """The visitor's, as their browser asks for it."""
    return preferred_language(header(scope, b"accept-language"))


async def whole_body(receive: Receive) -> bytes | None:
    """A request's body; None where its client went away."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """``receive`` of a request whose body was read already."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return whole.pop() if whole else await receive()

    return received


async def refuse(scope: Scope, send: Send, refused: Refused, more: Headers = ()) -> None:
    """The sentence, as the page and the clients look for it, with ``more`` headers."""
    sentence = say(refused.key, language(scope), **refused.values)
    uploading = scope["path"].rstrip("/").endswith(UPLOAD)
    kind, body = "text/plain; charset=utf-8", sentence.encode()
    if not uploading:
        kind = "application/json"
        body = json.dumps({"detail": sentence, "error": sentence}).encode()
    if uploading or refused.status in (408, 413):  # what is left of the request is not read
        more = [*more, (b"connection", b"close")]
    await answer(send, refused.status, body, kind, more)


async def answer(send: Send, status: int, body: bytes, kind: str, more: Headers = ()) -> None:
    size = str(len(body)).encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", size), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
