"""A TLS client that sees record boundaries: what a server wrote at once arrives as one record, up to 16 KiB."""
from __future__ import annotations

import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events

from .gunicorn_server import Gunicorn

_APPLICATION_DATA = 23


class RecordClient:
    """An HTTP/2 client whose `records` are the writes of the server.

    Args:
        server: The server to connect to, over TLS.
    """

    def __init__(self, server: Gunicorn) -> None:
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        context.set_alpn_protocols(["h2"])
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="127.0.0.1")
        self._raw = b""
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        #: What each write of the server held: lists of h2's events.
        self.records: list[list[object]] = []
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._send_out()
                self._in.write(self.sock.recv(65536))
        self.conn.initiate_connection()
        self.flush()

    def _send_out(self) -> None:
        if self._out.pending:
            self.sock.sendall(self._out.read())

    def flush(self) -> None:
        """Send what the engine has to send, in one record."""
        data = self.conn.data_to_send()
        if data:
            self._tls.write(data)
        self._send_out()

    def get(self, *paths: str, first: int = 1) -> None:
        """Send GET requests, all in one record."""
        for number, path in enumerate(paths):
            self.conn.send_headers(first + 2 * number, [
                (":method", "GET"), (":scheme", "https"), (":authority", "127.0.0.1"), (":path", path)], end_stream=True)
        self.flush()

    def read(self, until, wait: float = 10.0) -> None:
        """Take records in, one by one, until a condition holds."""
        deadline = time.monotonic() + wait
        while not until():
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            data = self.sock.recv(65536)
            assert data, "the server has closed"
            self._raw += data
            while len(self._raw) >= 5 and len(self._raw) >= 5 + int.from_bytes(self._raw[3:5], "big"):
                size = 5 + int.from_bytes(self._raw[3:5], "big")
                record, self._raw = self._raw[:size], self._raw[size:]
                self._in.write(record)
                try:
                    plain = self._tls.read(65536)
                except ssl.SSLWantReadError:
                    continue  # the handshake's
                assert record[0] == _APPLICATION_DATA
                self.records.append(list(self.conn.receive_data(plain)))
            self.flush()

    def ended(self, *stream_ids: int):
        """A condition for `read`: the responses have ended."""
        return lambda: set(stream_ids) <= {event.stream_id for record in self.records for event in record
                                           if isinstance(event, h2.events.StreamEnded)}

    def writes(self, *stream_ids: int) -> list[list[object]]:
        """The records that hold something of these streams."""
        return [record for record in self.records
                if any(getattr(event, "stream_id", None) in stream_ids for event in record)]

    def __enter__(self) -> RecordClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()
