"""`fasth2.HTTP2ServerConnection` over TLS on a free port of 127.0.0.1, in threads of the test's process."""
from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from fasth2 import HTTP2ServerConnection
from fasth2.server.errors import HTTP2Error

from .certificate import Certificate
from .facade_peer import config


class FacadeServer:
    """A server whose connections are handed to `serve`; a context manager that stops it.

    Args:
        certificate: Its certificate.
        serve: Called with the connection and each request.
        **settings: What the connections' configuration has beside the four settings of HTTP/2.
    """

    def __init__(self, certificate: Certificate, serve: Callable[[Any, Any], None], **settings: Any) -> None:
        self.certificate = certificate
        self.serve = serve
        self.cfg = config(**{"timeout": 20, "keepalive": 20, **settings})
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.cert, certificate.key)
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        #: What ended a connection otherwise than its client.
        self.faults: list[BaseException] = []
        #: The connections that there have been.
        self.connections: list[HTTP2ServerConnection] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self.listener.accept()
            except OSError:
                return  # it is stopped
            threading.Thread(target=self._connected, args=(sock, address), daemon=True).start()

    def _connected(self, sock: socket.socket, address: Any) -> None:
        try:
            with self.context.wrap_socket(sock, server_side=True) as tls:
                connection = HTTP2ServerConnection(self.cfg, tls, address)
                self.connections.append(connection)
                connection.initiate_connection()
                while not connection.is_closed:
                    for request in connection.receive_data():
                        self.serve(connection, request)
                        connection.cleanup_stream(request.stream.stream_id)
        except (OSError, HTTP2Error) as exc:
            # A client that has its answer may close while something is written to it.
            if not isinstance(exc.__cause__ or exc, (ConnectionError, ssl.SSLEOFError)):
                self.faults.append(exc)

    def __enter__(self) -> FacadeServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
