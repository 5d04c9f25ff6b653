"""MCP tools of the page: named as its endpoints are, and answering with what they did.

Gradio names a tool after the function behind it, and takes the first value from the answer of a
tool that changes a session, as if that were the session: nothing is left of it.
"""

from collections.abc import Sequence
from typing import Any


def serve_tools(blocks: Any) -> None:
    """Mend the tools of a page that was launched with an MCP server."""
    server = blocks.mcp_server_obj
    server.tool_to_endpoint = {name.lstrip("/"): name for name in server.tool_to_endpoint.values()}
    server.pop_returned_state = public_values


def public_values(components: Sequence[Any], data: Sequence[Any]) -> list[Any]:
    """What a caller sees of an answer.

    Args:
        components: the outputs, some of them sessions and the like.
        data: a value for each of them; or one value, where several are public a tuple of them.
    """
    if len(data) == len(components):
        return [v for c, v in zip(components, data, strict=True) if not c.stateful]
    if len(data) == 1 and isinstance(data[0], list | tuple):
        return list(data[0])
    return list(data)
