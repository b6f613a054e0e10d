"""Pages of the web on loopback, as the real client fetches them: it refuses loopback, and takes a proxy.

The proxy ends the client's TLS itself, with a certificate of an authority made for the test: no request leaves the
machine.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

HOST = "docs.example.org"
_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Page(NamedTuple):
    body: str | bytes = ""
    status: int = 200
    kind: str = "text/html"
    headers: tuple[str, ...] = ()


class Pages:
    """Serves `pages`, by path, of HOST and its subdomains while it is entered; `requests`: what was asked for.

    `environment` is what the client needs to come here; in its settings `skipWebFetchPreflight` must be true.
    """

    def __init__(self, folder: Path, pages: dict[str, Page]) -> None:
        self.pages = pages
        self.requests: list[str] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority = _certify(folder, self._context)
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.environment = {
            "HTTPS_PROXY": f"http://127.0.0.1:{self._server.server_address[1]}",
            "NO_PROXY": "127.0.0.1",
            "NODE_EXTRA_CA_CERTS": str(authority),
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, connection: socket.socket) -> None:
        """Serve one connection of the client."""
        with connection.makefile("rb") as plain:
            method, place, *_ = [*plain.readline().decode("ascii", "replace").split(), "", ""]
            while plain.readline().strip():
                pass
        if method != "CONNECT":
            return
        connection.sendall(b"HTTP/1.1 200 go on\r\n\r\n")
        try:
            with self._context.wrap_socket(connection, server_side=True) as secure, secure.makefile("rb") as read:
                path = read.readline().decode("ascii", "replace").split()[1]
                while read.readline().strip():
                    pass
                self.requests.append(f"{place} {path}")
                secure.sendall(_response(self.pages.get(path, Page("no such page", 404))))
        except OSError:  # the client does not trust the certificate of another host
            return


def _handler(pages: Pages) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            pages.answer(self.request)

    return Handler


def _response(page: Page) -> bytes:
    body = page.body.encode() if isinstance(page.body, str) else page.body
    lines = [f"HTTP/1.1 {page.status} said", f"content-type: {page.kind}", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "connection: close", *page.headers, "", ""]).encode() + body


def _certify(folder: Path, context: ssl.SSLContext) -> Path:
    """Give the server a certificate; the file of the authority that vouches for it."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, key = folder / "authority.pem", folder / "authority.key"
    request, certificate, own = folder / "request.pem", folder / "server.pem", folder / "server.key"
    names = folder / "names"
    names.write_text(f"subjectAltName=DNS:{HOST},DNS:*.{HOST}\n")
    for command in (
        ["req", "-x509", *_EC, "-keyout", key, "-out", authority, "-subj", "/CN=tests", "-days", "2"],
        ["req", *_EC, "-keyout", own, "-out", request, "-subj", f"/CN={HOST}"],
        [
            *("x509", "-req", "-in", request, "-CA", authority, "-CAkey", key, "-CAcreateserial"),
            *("-out", certificate, "-days", "2", "-extfile", names),
        ],
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True, timeout=60)
    context.load_cert_chain(certificate, own)
    return authority
