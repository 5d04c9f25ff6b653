"""A full disk, wherever it is met while an action runs: one sentence instead of nothing."""

import errno
from collections.abc import Callable
from typing import Any

import gradio as gr

from ui.locales import preferred_language, say

FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: BaseException) -> bool:
    """Whether a disk or somebody's share of it has no room."""
    return isinstance(error, OSError) and error.errno in FULL


def tell_full_disk(blocks: Any) -> None:
    """Answer an action whose files Gradio cannot store; it would say nothing at all."""
    usual: Callable[..., Any] = blocks.process_api

    async def process_api(*given: Any, **options: Any) -> Any:
        try:
            return await usual(*given, **options)
        except OSError as error:
            if not is_full(error):
                raise
            headers = getattr(options.get("request"), "headers", None) or {}
            lang = preferred_language(headers.get("accept-language", ""))
            raise gr.Error(say("guard.full", lang), print_exception=False) from None

    blocks.process_api = process_api
