"""Host and Origin: which names this server answers to, and which pages may ask it for anything.

A browser sends its visitor's cookie along whoever asks, and a page elsewhere can let its own name
lead to this machine (DNS rebinding). So a request must be for a name of this server's, and one
that says which page it comes from must come from this one.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ui.server.asgi import Receive, Refused, Scope, Send, header, refuse

LOCAL = frozenset({"localhost", "localhost.localdomain"})


@dataclass(frozen=True)
class Names:
    """What this server may be called beside "localhost" and addresses of digits.

    Nobody can let an address of digits lead elsewhere, so these are always answered.
    """

    own: frozenset[str] = frozenset()  # in lower case
    any: bool = False  # a proxy in front has looked at the name already


def names_of(host: str | None, more: str | None, environment: Mapping[str, str]) -> Names:
    """The names that flags and environment give a server.

    Args:
        host: where it listens; beyond this machine, the machine's own name is one, too.
        more: further names, separated by commas.
        environment: of the process: a Space says its name there, and Gradio reads the address
            that a proxy shows there.
    """
    listens = (host or environment.get("GRADIO_SERVER_NAME") or "").lower()
    names = {listens, *(name.strip().lower() for name in (more or "").split(","))}
    if listens and not _is_loopback(listens):
        machine = socket.gethostname().lower()
        names |= {machine, f"{machine.partition('.')[0]}.local"}
    names.add(environment.get("SPACE_HOST", "").lower())
    names.add(_name(_place(environment.get("GRADIO_ROOT_PATH", ""))))
    return Names(frozenset(names - {""}), any=environment.get("SYSTEM") == "spaces")


class Origins:
    """Wraps Gradio's app: refuses what is for another host, and what another page asks for."""

    def __init__(self, app: Callable[..., Any], names: Names | None = None) -> None:
        self.app, self.names = app, names or Names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            try:
                self._check(scope)
            except Refused as refused:
                return await refuse(scope, send, refused)
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host, origin = header(scope, b"host").lower(), header(scope, b"origin").lower()
        own = self.names.own | _shared(scope)
        name = _name(host)
        if not (self.names.any or name in own or name in LOCAL or _is_address(name)):
            raise Refused(421, "origin.host", host=name[:80] or "–")
        asking = _place(origin)
        if origin and asking != host and _name(asking) not in own - LOCAL:
            raise Refused(403, "origin.page", page=origin[:80])
        # No page says its origin for a picture or a script of another site, but a browser does.
        if header(scope, b"sec-fetch-site") == "cross-site":
            if header(scope, b"sec-fetch-mode") != "navigate" and not origin:
                raise Refused(403, "origin.page", page="–")


def _shared(scope: Scope) -> frozenset[str]:
    """The name of the public link, where there is one."""
    blocks = scope["app"].get_blocks() if "app" in scope else None
    link = getattr(blocks, "share_url", None)
    return frozenset({_name(_place(link))} if link else ())


def _place(address: str) -> str:
    """Host and port of a whole address; "" where it has none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def _name(host: str) -> str:
    """A host without its port, an IPv6 address without its brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def _is_loopback(name: str) -> bool:
    return name in LOCAL or (_is_address(name) and ip_address(name).is_loopback)
