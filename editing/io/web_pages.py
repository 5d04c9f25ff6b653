"""Web pages where a file was wanted: recognised, explained, and sometimes passed.

Links to weights rot into sign-in pages, and Google Drive answers with a page of its own where a
file is large ("cannot be scanned for viruses") or popular ("too many users have downloaded").
"""

import re
import urllib.parse
from html.parser import HTMLParser

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
