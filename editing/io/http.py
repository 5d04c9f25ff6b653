"""Servers: an answer in time, or the reason why there is none.

The environment variables of the Hugging Face hub are honoured: HF_ENDPOINT replaces its address,
files that lie in its cache (HF_HOME) are found there, and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE
forbid the network. Proxies are taken from the environment too.

Web pages where a file was wanted: recognised, explained, and sometimes passed.

Links to weights rot into sign-in pages, and Google Drive answers with a page of its own where a
file is large ("cannot be scanned for viruses") or popular ("too many users have downloaded").
"""

from __future__ import annotations

import email.utils
import os
import queue
import re
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from editing.errors import BadInput

HUB = "https://huggingface.co"
OFFLINE_FLAGS = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
BUSY = (408, 425, 429, 500, 502, 503, 504)  # answers that may be better in a while
ALWAYS = {"User-Agent": "latent-studio", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds."""

    first: float = 9.0  # any server's first answer
    answer: float = 20.0  # an answer, once one has come
    stall: float = 20.0  # no byte at all
    tries: int = 5  # in a row that bring no new byte, per server
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)  # between those
    longest_pause: float = 30.0  # that a busy server may ask for
    slow: float = 1_000.0  # bytes per second below which another mirror is tried
    slow_for: float = 60.0


class Useless(Exception):
    """This source will not give the file; the text goes on a sentence that begins with its name."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code  # of HTTP


class Interrupted(Exception):
    """Worth another try: the transfer broke off, or the server is busy."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause  # seconds that the server asks for


def offline() -> str | None:
    """The environment variable that forbids the network, if one does."""
    for flag in OFFLINE_FLAGS:
        if os.environ.get(flag, "").strip().lower() in ("1", "true", "yes", "on"):
            return flag
    return None


def check_url(url: str) -> str:
    """An http(s) address as it is.

    Raises:
        BadInput: it is something else, such as a file of this machine.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits or re.search(r"\s", url):
        raise BadInput(f"{url[:200]!r} is no address to download from; write https://...")
    return url


def host_of(url: str) -> str:
    """The server's name, for people."""
    return urllib.parse.urlsplit(url).hostname or url


def direct(url: str) -> str:
    """The address that gives the file itself: Drive's share links, the hub behind HF_ENDPOINT."""
    if found := re.match(r"https://drive\.google\.com/(?:file/d/|.*[?&]id=)([\w-]{10,})", url):
        query = f"id={found[1]}&export=download&confirm=t"
        return f"https://drive.usercontent.google.com/download?{query}"
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    if endpoint and url.startswith(f"{HUB}/"):
        return endpoint + url.removeprefix(HUB)
    return url


def hub_cached(url: str) -> Path | None:
    """The file behind a hub address in the hub's cache on this machine, if it is there."""
    found = re.fullmatch(rf"{HUB}/([^/]+/[^/]+)/resolve/([^/]+)/([^?]+)(\?.*)?", url)
    if not found:
        return None
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(found[1], found[3], cache_dir=hub_cache(), revision=found[2])
    return Path(path) if isinstance(path, str) else None


def hub_cache() -> Path:
    """Where the hub's own client keeps files on this machine."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


class Servers:
    """Asks the sources of one file."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._opener = _opener()
        self._deadline = time.monotonic() + patience.first
        self._answered: set[str] = set()  # hosts

    def ask(self, address: str, headers: Mapping[str, str], others: int = 0) -> Any:
        """The answer to a GET, in a ``with``; ``others`` sources may still have to be asked.

        Asking happens in a thread that can be left behind: looking up a name on a dead network
        blocks for longer than any timeout allows.

        Raises:
            Useless: it refuses, or cannot be reached.
            Interrupted: it is busy, or does not answer any more.
        """
        limit = self.patience.answer
        if not self._answered:
            limit = max((self._deadline - time.monotonic()) / (others + 1), 0.1)
        request = urllib.request.Request(address, headers={**ALWAYS, **headers})
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def ask() -> None:
            try:
                box.put(self._opener.open(request, timeout=self.patience.stall))
            except Exception as error:  # every one is judged below
                box.put(error)

        threading.Thread(target=ask, daemon=True).start()
        try:
            found = box.get(timeout=limit)
        except queue.Empty:
            found = TimeoutError(f"no answer within {limit:.0f} s")
        if not isinstance(found, Exception) or isinstance(found, urllib.error.HTTPError):
            self._answered.add(host_of(address))
        if isinstance(found, Exception):
            raise self._refusal(found, address) from found
        return found

    def _refusal(self, error: Exception, address: str) -> Exception:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            if error.code in BUSY:
                return Interrupted(f"is busy (HTTP {error.code})", _pause(error.headers))
            return Useless(f"refuses with HTTP {error.code} ({error.reason})", error.code)
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return Useless("has no certificate that can be trusted")
        if host_of(address) in self._answered:
            return Interrupted(f"does not answer any more ({in_words(reason)})")
        return Useless(f"cannot be reached ({in_words(reason)})")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https back to plain http."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.HTTPError(newurl, 403, "it leads to plain http", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """http and https alone; urllib's own also opens files of this machine and ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _pause(headers: Any) -> float | None:
    """Seconds of a Retry-After header: a number, or a date."""
    value = headers.get("Retry-After", "") if headers else ""
    if value.isdigit():
        return float(value)
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def in_words(error: object) -> str:
    """An exception, short enough for a sentence."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)[:120]


STARTS = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")
POINTER = b"version https://git-lfs.github.com"


def page_reason(head: bytes, content_type: str) -> str | None:
    """Why these first bytes are not a file of weights; None if they may be one.

    Args:
        head: the beginning of the file, or a whole page.
        content_type: as the server names it, such as "text/html".
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(POINTER):
        return "gave a Git LFS pointer instead of the file behind it"
    if content_type not in ("text/html", "application/xhtml+xml") and not text.startswith(STARTS):
        return None
    if b"quota exceeded" in text or b"too many users have viewed or downloaded" in text:
        return "has reached the day's quota of Google Drive for this file (usually for 24 hours)"
    if b"servicelogin" in text or b"accounts.google.com" in text:
        return "asks to sign in instead of giving the file"
    title = re.search(rb"<title[^>]*>([^<]{1,80})", text)
    named = f" ({title[1].decode('utf-8', 'replace').strip()})" if title else ""
    return f"gave a web page instead of the file{named}"


def way_past(page: str, address: str) -> str | None:
    """Where the download button of Drive's virus warning leads, if this page is that warning.

    Only a form that stays with the same site is followed.
    """
    form = _Form()
    form.feed(page)
    if form.action is None or not form.fields:
        return None
    target = urllib.parse.urljoin(address, form.action)
    here, there = (urllib.parse.urlsplit(url) for url in (address, target))
    site = ".google.com" if (here.hostname or "").endswith(".google.com") else here.hostname
    if there.scheme != here.scheme or not (there.hostname or "").endswith(site or "-"):
        return None
    return f"{target.split('?')[0]}?{urllib.parse.urlencode(form.fields)}"


class _Form(HTMLParser):
    """The form with the id that Drive gives its download button."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = values.get("id") in ("download-form", "downloadForm")
            if self._inside:
                self.action = values.get("action", "")
        elif tag == "input" and self._inside and values.get("type") == "hidden":
            self.fields[values.get("name", "")] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
