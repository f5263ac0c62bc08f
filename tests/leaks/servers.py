"""Servers of the kinds that there are: h2's calls, the engine's own ones, and the façades on a socket in memory."""
from __future__ import annotations

import functools
import types
from typing import Any

from fasth2 import HTTP2ServerConnection
from fasth2._engine.ready import DATA, REQUEST, RESET, TRAILERS
from fasth2.config import AdaptiveWindows, H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from fasth2.gunicorn import HTTP2ServerConnection as GunicornConnection
from fasth2.server._options import Options

BODY = b"Hello, world!"

#: Nothing that a flood of resets would end.
UNLIMITED = Limits(reset_burst=None, suspicious_burst=None, control_backlog=None, window_updates=None,
                   unreleased_requests=False)

_ENGINE = H2Configuration(client_side=False, limits=UNLIMITED)
_RFC = H2Configuration(client_side=False, limits=UNLIMITED, rfc_errors=True, header_encoding="utf-8")


class Server:
    """A connection and its application, which answers each whole request with 13 octets.

    ``requests``, ``octets`` and ``resets`` count what the application saw.
    """

    def __init__(self) -> None:
        self.requests = self.octets = self.resets = 0

    def serve(self, data: bytes) -> bytes:
        """Take octets, do what is to be done, return the answer."""
        raise NotImplementedError


class H2Calls(Server):
    """A loop over h2's events."""

    config = _ENGINE

    def __init__(self) -> None:
        super().__init__()
        self.connection = H2Connection(self.config)
        self.connection.initiate_connection()

    def serve(self, data: bytes) -> bytes:
        connection = self.connection
        for event in connection.receive_data(data):
            kind = type(event)
            if kind is RequestReceived:
                self.requests += 1
            elif kind is DataReceived:
                self.octets += len(event.data)
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif kind is StreamEnded:
                stream_id = event.stream_id
                connection.send_headers(stream_id, [(":status", "200"), ("content-type", "text/plain"),
                                                    ("x-id", str(stream_id))])
                connection.send_data(stream_id, BODY, end_stream=True)
            elif kind is StreamReset:
                self.resets += 1
        return connection.data_to_send()


class OneCall(Server):
    """A loop over what a server acts on."""

    config = _RFC

    def __init__(self) -> None:
        super().__init__()
        self.connection = H2Connection(self.config)
        self.connection.initiate_connection()

    def serve(self, data: bytes) -> bytes:
        connection = self.connection
        for item in connection.ready_requests(data):
            kind = item.kind
            if kind == REQUEST:
                self.requests += 1
            elif kind == DATA:
                self.octets += len(item.data)
                connection.consume(item.stream_id, item.flow_controlled_length)
            elif kind == RESET:
                self.resets += 1
            if kind == TRAILERS or (kind in (REQUEST, DATA) and item.end_stream):
                connection.respond(item.stream_id, 200, [("content-type", "text/plain"), ("x-id", str(item.stream_id))],
                                   BODY)
        return connection.pull()


class Adaptive(OneCall):
    """The same with windows that adapt to the link."""

    config = H2Configuration(client_side=False, limits=UNLIMITED, rfc_errors=True, header_encoding="utf-8",
                             adaptive_windows=AdaptiveWindows())


class Output:
    """A socket that nothing comes from."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def recv(self, size: int) -> bytes:
        return b""

    def sendall(self, octets: bytes) -> None:
        self.written.append(octets)


@functools.cache
def unlimited(options: Options) -> Options:
    """Return options without limits; the same for the same ones, as `options_of` does."""
    return options._replace(limits=UNLIMITED)


class Unlimited(HTTP2ServerConnection):
    """The façade without the limits."""

    def _make_options(self, cfg: Any) -> Options:
        return unlimited(super()._make_options(cfg))


class UnlimitedGunicorn(GunicornConnection):
    """gunicorn's connection class without the limits."""

    def _make_options(self, cfg: Any) -> Options:
        return unlimited(super()._make_options(cfg))


class Facade(Server):
    """The façade, as its documentation shows it."""

    connection_class: Any = Unlimited
    cfg: Any = types.SimpleNamespace(http2_initial_window_size=65535, http2_max_concurrent_streams=100,
                                     http2_max_frame_size=16384, http2_max_header_list_size=65536)

    def __init__(self) -> None:
        super().__init__()
        self.sock = Output()
        self.connection = self.connection_class(self.cfg, self.sock, ("192.0.2.1", 50000))
        self.connection.initiate_connection()

    def serve(self, data: bytes) -> bytes:
        connection = self.connection
        for request in self.complete(connection.receive_data(data)):
            stream_id = request.stream.stream_id
            self.requests += 1
            try:
                self.octets += len(request.body.read() or b"") if request.body else 0
            except connection.errors.HTTP2StreamError:
                # Cut off by the peer.
                connection.cleanup_stream(stream_id)
                continue
            connection.send_response(stream_id, 200, [("content-type", "text/plain"), ("x-id", str(stream_id))], BODY)
            connection.cleanup_stream(stream_id)
        written = self.sock.written
        self.sock.written = []
        return b"".join(written)

    def complete(self, requests: list[Any]) -> list[Any]:
        """The requests whose last frame is in."""
        return requests


class Gunicorn(Facade):
    """gunicorn's connection class on fasth2."""

    connection_class = UnlimitedGunicorn

    def __init__(self) -> None:
        if type(self).cfg is Facade.cfg:
            from gunicorn.config import Config
            Gunicorn.cfg = Config()
        super().__init__()
        self.waiting: list[Any] = []

    def complete(self, requests: list[Any]) -> list[Any]:
        # It hands requests out when their headers are in.
        waiting = self.waiting + requests
        self.waiting = [request for request in waiting if not request.stream.request_complete]
        return [request for request in waiting if request.stream.request_complete]


SERVERS = {server.__name__: server for server in (H2Calls, OneCall, Facade, Gunicorn)}
