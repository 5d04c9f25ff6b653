"""A web server on 127.0.0.1 that misbehaves in the ways of real ones."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Served:
    """One file and how it is served; what was asked is noted."""

    data: bytes = b""
    ranges: bool = True  # whether parts are given
    cuts: list[int] = field(default_factory=list)  # bytes after which the next answers break off
    busy: int = 0  # so many answers are 503 first
    status: int = 200
    kind: str = "application/octet-stream"
    drip: float = 0.0  # seconds between bytes
    hang: float = 0.0  # seconds before the answer
    etag: str | None = None  # None = of the data, "" = none
    to: str = ""  # a redirect
    length: bool = True  # whether the length is told
    asked: list[str] = field(default_factory=list)  # the Range of each request


@dataclass
class FileServer:
    address: str
    files: dict[str, Served]

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: Mapping[str, Served]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        served = self.files.get(self.path.lstrip("/"))
        if served is None:
            return self.send_error(404)
        served.asked.append(self.headers.get("Range", ""))
        time.sleep(served.hang)
        if served.busy:
            served.busy -= 1
            self.send_response(503)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if served.to:
            self.send_response(302)
            self.send_header("Location", served.to)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.answer(served)

    def answer(self, served: Served) -> None:
        tag = served.etag
        if tag is None:
            tag = f'"{hashlib.md5(served.data).hexdigest()}"'
        start, total = 0, len(served.data)
        asked = self.headers.get("Range", "")
        same = self.headers.get("If-Range", tag) == tag
        if asked and served.ranges and same:
            start = int(asked.removeprefix("bytes=").split("-")[0])
        if start >= total and start:
            self.send_response(416)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else served.status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Type", served.kind)
        if served.length:
            self.send_header("Content-Length", str(total - start))
        else:
            self.close_connection = True
        self.end_headers()
        body = served.data[start:]
        if served.cuts:
            body = body[: served.cuts.pop(0)]
            self.close_connection = True
        try:
            if served.drip:
                for i in range(len(body)):
                    self.wfile.write(body[i : i + 1])
                    self.wfile.flush()
                    time.sleep(served.drip)
            else:
                self.wfile.write(body)
        except OSError:  # the asker has gone
            self.close_connection = True


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server whose ``files`` may change while it runs."""
    files: dict[str, Served] = {}
    handler = type("Bound", (Handler,), {"files": files})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield FileServer(f"http://127.0.0.1:{server.server_port}", files)
    finally:
        server.shutdown()
        server.server_close()
