"""A web server on 127.0.0.1 that publishes bytes and misbehaves on demand."""

from __future__ import annotations

import io
import re
import tarfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


def targz(files: dict[str, bytes]) -> bytes:
    """An archive to be published, of names and contents."""
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return bundle.getvalue()


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer.

    Attributes:
        status: answered instead of the file.
        cut_at: the connection is closed after this share of the answer's body.
        hang_at: the server falls silent after this share of the body, until it is closed.
        hold: silence before the answer's first byte, until this is set.
        headers: sent in place of the file's own.
    """

    status: int | None = None
    cut_at: float | None = None
    hang_at: float | None = None
    hold: threading.Event | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Published:
    """A file on the server; `faults` hit the next answers, one each."""

    content: bytes
    faults: list[Fault]
    ranges: bool
    etag: str | None
    length: bool


@dataclass(frozen=True)
class Answer:
    """One answer: asked for what, status, bytes of body given to the connection."""

    path: str
    range: str | None
    if_range: str | None
    status: int
    sent: int


class Server:
    """`with Server() as server: server.publish("/a.zip", content); server.url("/a.zip")`.

    `server.arrivals` is the list of paths asked for, `server.answers` of what was answered.
    """

    def __init__(self) -> None:
        self.files: dict[str, Published] = {}
        self.arrivals: list[str] = []
        self.answers: list[Answer] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host}:{port}{path}"

    def publish(
        self,
        path: str,
        content: bytes,
        faults: Iterable[Fault] = (),
        ranges: bool = True,
        etag: str | None = '"one"',
        length: bool = True,
    ) -> str:
        """Put a file on the server, or another in its place; returns its address."""
        self.files[path] = Published(content, list(faults), ranges, etag, length)
        return self.url(path)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the tests read `server.answers`."""

        def do_GET(self) -> None:
            self.close_connection = True
            file = server.files.get(self.path)
            fault = file.faults.pop(0) if file is not None and file.faults else Fault()
            server.arrivals.append(self.path)
            if fault.hold is not None:
                fault.hold.wait(30)
            if file is None or fault.status is not None:
                self._answer(fault.status or 404, b"no", {"Content-Length": "2"}, Fault())
                return
            headers = {"ETag": file.etag} if file.etag else {}
            body, status, start = file.content, 200, 0
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            same = self.headers.get("If-Range") in (None, file.etag)
            if asked and file.ranges and same:
                start, total = int(asked[1]), len(file.content)
                if start >= total:
                    self._answer(416, b"", {"Content-Range": f"bytes */{total}"}, Fault())
                    return
                body, status = file.content[start:], 206
                headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            if file.length:
                headers["Content-Length"] = str(len(body))
            else:
                headers["Transfer-Encoding"] = "chunked"
            self._answer(status, body, headers | fault.headers, fault)

        def _answer(self, status: int, body: bytes, headers: dict[str, str], fault: Fault) -> None:
            share = next((s for s in (fault.cut_at, fault.hang_at) if s is not None), 1.0)
            body, whole = body[: int(share * len(body))], share == 1.0
            asked, if_range = self.headers.get("Range"), self.headers.get("If-Range")
            # Before it is sent: the client may look at the list as soon as it has the last byte.
            server.answers.append(Answer(self.path, asked, if_range, status, len(body)))
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                chunked = "Transfer-Encoding" in headers
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) if chunked else body)
                if chunked and whole:
                    self.wfile.write(b"0\r\n\r\n")
                self.wfile.flush()
            except OSError:
                pass  # the client went away, as some tests have it
            if fault.hang_at is not None:
                server.closing.wait(30)

    return Handler
