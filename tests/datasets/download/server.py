"""A server on this machine that has one file, and faults that tests choose."""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Faults:
    """What is wrong with the server; each may be changed between two requests.

    ``breaks_after``: bytes that each of the next answers sends before it breaks off, then none
    breaks. ``announces``: a Content-Length that isn't the file's. ``statuses``: answers before the
    first good one.
    """

    breaks_after: list[int] = field(default_factory=list)
    announces: int | None = None
    statuses: list[int] = field(default_factory=list)
    ignores_range: bool = False
    wrong_range: bool = False
    chunked: bool = False
    hangs: float = 0.0
    etag: str | None = '"one"'


@dataclass
class Server:
    content: bytes
    faults: Faults = field(default_factory=Faults)
    url: str = ""
    ranges: list[str | None] = field(default_factory=list)
    """The Range of each request."""


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    told: Server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.close_connection = True
        told = self.server.told
        told.ranges.append(self.headers.get("Range"))
        if told.faults.statuses:
            self.send_error(told.faults.statuses.pop(0))
            return
        with contextlib.suppress(OSError):  # the client went away
            self._answer(told.content, told.faults)

    def _answer(self, content: bytes, faults: Faults) -> None:
        start = self._start(faults)
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            said = start + faults.wrong_range
            self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
        if faults.etag:
            self.send_header("ETag", faults.etag)
        if not faults.chunked:
            self.send_header("Content-Length", str(faults.announces or len(content) - start))
        self.send_header("Connection", "close")
        self.end_headers()
        until = faults.breaks_after.pop(0) if faults.breaks_after else len(content)
        self.wfile.write(content[start:][:until])
        self.wfile.flush()
        time.sleep(faults.hangs)

    def _start(self, faults: Faults) -> int:
        asked = self.headers.get("Range", "bytes=0-")
        same = self.headers.get("If-Range", faults.etag) == faults.etag
        if faults.ignores_range or not same:
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    """The server while it runs."""
    http = _Http(("127.0.0.1", 0), _Handler)
    http.told = Server(content, url=f"http://127.0.0.1:{http.server_port}/file")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield http.told
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
