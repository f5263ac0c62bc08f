"""The engine's server of bench.long_links: a thread for each connection, HTTP/1.1 or HTTP/2 as the client prefers.

usage: python -m bench.link_server PORT CERTIFICATE KEY

HTTP/2 is the loop over h2's calls of contestants/h2_calls.py, with windows that adapt to the link. HTTP/1.1 reads as much
at a time.
"""
from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import fasth2.events
from fasth2.config import AdaptiveWindows, H2Configuration
from fasth2.connection import H2Connection

from .contestants.h2_calls import loop_over

_BODY = b"Hello, World!"
_ANSWER = (b"%d" % len(_BODY), b"Mon, 30 Nov 2026 00:00:00 GMT", None, [], _BODY)
_READ = 65536
_WINDOWS = AdaptiveWindows()

_serve_http2 = loop_over(fasth2.events)


def _reads(sock: ssl.SSLSocket) -> Iterator[bytes]:
    while data := sock.recv(_READ):
        yield data


def _serve_http1(sock: ssl.SSLSocket) -> None:
    """Read requests with a Content-Length, and answer each."""
    received = b""
    while True:
        while b"\r\n\r\n" not in received:
            data = sock.recv(_READ)
            if not data:
                return
            received += data
        head, _, rest = received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        left = int(fields.get(b"content-length", 0)) - len(rest)
        while left > 0:
            data = sock.recv(min(_READ, left))
            if not data:
                return
            left -= len(data)
        received = rest[len(rest) + left :] if left < 0 else b""
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    context: ssl.SSLContext


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        plain: socket.socket = self.request
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), self.server.context.wrap_socket(plain, server_side=True) as sock:
            if sock.selected_alpn_protocol() != "h2":
                _serve_http1(sock)
                return
            connection: Any = H2Connection(
                H2Configuration(client_side=False, rfc_errors=True, adaptive_windows=_WINDOWS)
            )
            connection.initiate_connection()
            sock.sendall(connection.data_to_send())
            _serve_http2(connection, _reads(sock), lambda: _ANSWER, sock.sendall)


def main(arguments: list[str]) -> None:
    """Serve until the process is ended."""
    port, certificate, key = arguments
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with _Server(("127.0.0.1", int(port)), _Handler) as server:
        server.context = context
        server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
