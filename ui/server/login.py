"""The door where ``--auth`` asks for a password: how often one may try, and what it closes.

Gradio takes any number of tries, and leaves some of its own routes (cancel, reset, the state of a
stream) open to whoever has not logged in.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ui.server.asgi import Message, Receive, Refused, Scope, Send, header, refuse
from ui.server.visitors import address_of

LOGIN = "/login"
COOKIES = ("access-token-{}", "access-token-unsecure-{}")  # Gradio's own


@dataclass(frozen=True)
class Tries:
    """How wrong passwords are slowed, each longer than the one before it."""

    free: int = 4  # wrong ones of an address without a wait
    first: float = 2.0  # seconds of the first wait; it doubles with each further wrong one
    longest: float = 900.0
    addresses: int = 4096  # that are remembered; the one that tried longest ago is forgotten first


@dataclass
class _Past:
    wrong: int = 0
    until: float = 0.0  # time.monotonic() from which the next try counts


@dataclass
class Register:
    """Wrong passwords by address."""

    tries: Tries = field(default_factory=Tries)
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, _Past] = field(default_factory=OrderedDict)

    def begin(self, address: str) -> None:
        """Count a try as wrong until it is known to be right: many may come at once.

        Raises:
            Refused: it comes too soon after wrong ones.
        """
        past, now = self._known.setdefault(address, _Past()), self.clock()
        self._known.move_to_end(address)
        while len(self._known) > self.tries.addresses:
            self._known.popitem(last=False)
        if now < past.until:
            left = int(past.until - now) + 1
            raise Refused(429, "login.wait", count=past.wrong, seconds=left)
        past.wrong += 1
        over = past.wrong - self.tries.free
        if over > 0:
            doubled = self.tries.first * 2.0 ** min(over - 1, 30)
            past.until = now + min(doubled, self.tries.longest)

    def right(self, address: str) -> None:
        """The password was right: forget the address."""
        self._known.pop(address, None)


class Login:
    """Wraps Gradio's app; does nothing where no password is asked for."""

    def __init__(self, app: Callable[..., Any], register: Register | None = None) -> None:
        self.app, self.register = app, register or Register()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["app"].auth:
            return await self.app(scope, receive, send)
        try:
            if scope["path"].rstrip("/") == LOGIN:
                await self._log_in(scope, receive, send)
            elif _is_known(scope):
                await self.app(scope, receive, send)
            else:
                raise Refused(401, "login.needed")
        except Refused as refused:
            seconds = str(refused.values.get("seconds", "")).encode()
            await refuse(scope, send, refused, [(b"retry-after", seconds)] if seconds else ())

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = address_of(scope)
        self.register.begin(address)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self.register.right(address)
            await send(message)

        await self.app(scope, receive, sent)


def _is_known(scope: Scope) -> bool:
    """Whether a request carries the cookie of somebody who has logged in."""
    app, pairs = scope["app"], header(scope, b"cookie").split(";")
    given = dict(pair.strip().partition("=")[::2] for pair in pairs)
    return any(given.get(name.format(app.cookie_id)) in app.tokens for name in COOKIES)
