"""Calls as requests: an endpoint that is not there, or other arguments than it has, by name.

The innermost middleware: Gradio answers such a request with a bare 500, and has then already taken
a place in the queue for some of them.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from ui.runtime.validation import parameters, shortly
from ui.server.asgi import Receive, Refused, Scope, Send, again, refuse, whole_body

JOIN = "/queue/join"
CALLS = (JOIN, "/call/")  # how work gets into the queue
MOST_DIGITS = 400  # of a whole number; Python itself stops at 4300


class Calls:
    """Wraps Gradio's app."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["method"] == "POST"
        if not (is_call and any(part in scope["path"] for part in CALLS)):
            return await self.app(scope, receive, send)
        body = await whole_body(receive)
        if body is None:
            return
        try:
            check_call(scope["app"].get_blocks(), scope["path"], read_json(body))
        except Refused as refused:
            return await refuse(scope, send, refused)
        await self.app(scope, again(body, receive), send)


def read_json(body: bytes) -> Any:
    """A request's body; a number of very many digits is read as infinite.

    Raises:
        Refused: it is not JSON.
    """

    def whole(digits: str) -> float:
        return int(digits) if len(digits) <= MOST_DIGITS else math.inf

    try:
        return json.loads(body, parse_int=whole)
    except (ValueError, RecursionError):
        raise Refused(400, "manners.json") from None


def check_call(blocks: Any, path: str, asked: Any) -> None:
    """Look at a call before it is queued.

    Args:
        path: of the request, one of /call/NAME, /call/v2/NAME and /queue/join.
        asked: the request's body.

    Raises:
        Refused: the endpoint is not there, or has other arguments.
    """
    if not isinstance(asked, dict):
        raise Refused(400, "manners.json")
    path = path.rstrip("/")
    name, joins = path.rpartition("/")[2], path.endswith(JOIN)
    fn = _by_number(blocks, asked.get("fn_index")) if joins else _by_name(blocks, name)
    if fn is None:
        what = shortly(asked.get("fn_index")) if joins else shortly(name)
        raise Refused(404, "manners.endpoint", name=what)
    if "/call/v2/" in path:
        given = _by_argument(blocks, fn, asked)
    else:
        given = _by_place(fn, asked, joins)
    for argument, value in given.items():
        if not _is_finite(value):
            raise Refused(422, "manners.finite", name=argument, value="∞")


def _by_number(blocks: Any, number: Any) -> Any:
    is_number = isinstance(number, int) and not isinstance(number, bool)
    return blocks.fns.get(number) if is_number else None


def _by_name(blocks: Any, name: str) -> Any:
    return next((fn for fn in blocks.fns.values() if fn.api_name == name), None)


def _by_argument(blocks: Any, fn: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call by name: known ones only, and all that have no value of their own."""
    known = blocks.get_api_info(all_endpoints=True)["named_endpoints"].get(f"/{fn.api_name}")
    if known is None:  # an action of the page itself
        raise Refused(404, "manners.endpoint", name=shortly(fn.api_name))
    wanted = {each.get("parameter_name") or each["label"]: each for each in known["parameters"]}
    for name in asked:
        if name not in wanted:
            listed = ", ".join(wanted) or "–"
            raise Refused(422, "manners.unknown", name=shortly(name), names=listed)
    for name, each in wanted.items():
        if name not in asked and not each["parameter_has_default"]:
            raise Refused(422, "manners.missing", name=name)
    return asked


def _by_place(fn: Any, asked: Mapping[str, Any], joins: bool) -> Mapping[str, Any]:
    """The arguments of a call by their order: as many as it has, or as it has public ones."""
    data, known = asked.get("data"), [name for name, _ in parameters(fn)]
    names = [known[i] if i < len(known) else f"param_{i}" for i in range(len(fn.inputs))]
    public = [name for name, b in zip(names, fn.inputs, strict=True) if not b.skip_api]
    if not isinstance(data, list):
        raise Refused(422, "manners.data", value=shortly(data))
    if not joins and len(data) == len(public):
        names = public
    elif len(data) < len(names):
        few = {"count": len(data), "wanted": len(public), "names": ", ".join(public) or "–"}
        raise Refused(422, "manners.count", **few)
    return dict(zip(names, data, strict=False))


def _is_finite(value: Any) -> bool:
    """Whether every number in ``value`` has an end."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, float) and not math.isfinite(each):
            return False
        left += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return True
