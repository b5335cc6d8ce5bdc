"""Somebody who listens for webhooks, on this machine."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Listener:
    """What came, and how the next are answered: 200 where nothing is said."""

    url: str = ""
    port: int = 0
    # Path, headers and body of each request.
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    # Between one byte of the answer's body and the next.
    pause: float = 0
    names: list[str | None] = field(default_factory=list)


@contextmanager
def listening(certificates: Path | None = None) -> Iterator[Listener]:
    """On a port of its own, over TLS if there are certificates."""
    listener = Listener()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(listener))
    server.daemon_threads = True
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            certificates / "server-cert.pem", certificates / "server-key.pem"
        )

        def note_name(sock: Any, name: str | None, context: ssl.SSLContext) -> None:
            listener.names.append(name)

        context.sni_callback = note_name
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.handle_error = lambda *unused: None  # type: ignore[method-assign] # whoever breaks off has a reason
    listener.port = server.server_address[1]
    listener.url = f"http://127.0.0.1:{listener.port}/hooks/?shop=1"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.heard.append((self.path, dict(self.headers), body))
            self.send_response(listener.statuses.pop(0) if listener.statuses else 200)
            self.send_header("Content-Length", str(len(listener.body)))
            for name, value in listener.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self._answer()

        def _answer(self) -> None:
            try:
                for byte in listener.body if listener.pause else ():
                    self.wfile.write(bytes([byte]))
                    time.sleep(listener.pause)
                if not listener.pause:
                    self.wfile.write(listener.body)
            except OSError:
                # Nobody waits any more.
                self.close_connection = True

        def log_message(self, *unused: Any) -> None:
            """Nothing."""

    return Handler
