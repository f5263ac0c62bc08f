"""An HTTP/2 client over TLS that a test drives frame by frame: h2 over a socket."""
from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events

if TYPE_CHECKING:
    from .gunicorn_server import Gunicorn


class Patience(h2.connection.H2Connection):
    """h2 going on after GOAWAY, as RFC 9113 section 6.8 has it."""

    def _receive_goaway_frame(self, frame):
        before = self.state_machine.state
        result = super()._receive_goaway_frame(frame)
        self.state_machine.state = before
        return result


class Client:
    """One connection; a context manager that closes it.

    Args:
        server: The server to connect to, over TLS where it has a certificate.
        credit: Whether window is returned for what is received.
        patient: Whether frames may be sent and received after the server's GOAWAY.
        context: For TLS, where it is not one that trusts the server and offers h2.
        before: Sent before everything else, in so many pieces as it has parts.
    """

    def __init__(self, server: Gunicorn, credit: bool = True, patient: bool = False,
                 context: ssl.SSLContext | None = None, before: tuple[bytes, ...] = ()) -> None:
        self.credit = credit
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scheme = "http" if server.certificate is None else "https"
        self.conn = (Patience if patient else h2.connection.H2Connection)(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.events: list[object] = []
        #: Whether `read` has met the end of the connection.
        self.closed = False
        try:
            for part in before:
                self.sock.sendall(part)
                time.sleep(0.002)
            if server.certificate is not None:
                if context is None:
                    context = ssl.create_default_context(cafile=str(server.certificate.authority))
                    context.set_alpn_protocols(["h2"])
                self.sock = context.wrap_socket(self.sock, server_hostname="127.0.0.1")
                assert self.sock.selected_alpn_protocol() == "h2"
            self.conn.initiate_connection()
            self.flush()
        except BaseException:
            self.sock.close()
            raise

    def flush(self) -> None:
        """Send what the engine has to send."""
        data = self.conn.data_to_send()
        if data:
            self.sock.sendall(data)

    def request(self, stream_id, path, method="GET", headers=(), end_stream=True):
        """Send a request's headers."""
        self.conn.send_headers(stream_id, [
            (":method", method), (":scheme", self.scheme), (":authority", "127.0.0.1"), (":path", path), *headers,
        ], end_stream=end_stream)
        self.flush()

    def data(self, stream_id, data, end_stream=False):
        """Send a part of a body; window must be there."""
        self.conn.send_data(stream_id, data, end_stream=end_stream)
        self.flush()

    def upload(self, stream_id, part):
        """Send a part of a body as the server gives credit for it."""
        view = memoryview(part)
        while view:
            size = min(self.conn.max_outbound_frame_size, len(view))
            if self.conn.local_flow_control_window(stream_id) >= size:
                self.data(stream_id, bytes(view[:size]))
                view = view[size:]
            else:
                self.events.clear()
                assert self.read(lambda: self.events)

    def read(self, until, wait=10.0):
        """Read until a condition on the client holds, or the server has closed; return whether it holds."""
        deadline = time.monotonic() + wait
        while not until():
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                return until()
            except (ConnectionResetError, BrokenPipeError):
                # The second where what this side wrote last met a socket that was closed already.
                data = b""
            if not data:
                self.closed = True
                return until()
            for event in self.conn.receive_data(data):
                self.events.append(event)
                if self.credit and isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                    self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.flush()
        return True

    def ping(self, wait=10.0):
        """Have the server read all that was sent before; return the seconds until it says so.

        Raises:
            AssertionError: It did not say so in time.
        """
        count, began = len(self.found(h2.events.PingAckReceived)), time.monotonic()
        self.conn.ping(b"12345678")
        self.flush()
        assert self.read(lambda: len(self.found(h2.events.PingAckReceived)) > count, wait)
        return time.monotonic() - began

    def found(self, kind, stream_id=None):
        """The events of one kind, of one stream or of all."""
        return [event for event in self.events
                if isinstance(event, kind) and stream_id in (None, getattr(event, "stream_id", None))]

    def body(self, stream_id=1):
        """What has come of a response's body."""
        return b"".join(event.data for event in self.found(h2.events.DataReceived, stream_id))

    def status(self, stream_id=1):
        """The status of a response, or ``None``."""
        found = self.found(h2.events.ResponseReceived, stream_id)
        return dict(found[0].headers)[":status"] if found else None

    def ended(self, stream_id=1):
        """A condition for `read`: the response has ended or was reset."""
        return lambda: bool(self.found((h2.events.StreamEnded, h2.events.StreamReset), stream_id))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()
