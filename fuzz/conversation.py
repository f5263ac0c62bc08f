"""A connection, what its peer sends it and what its user calls; invariants after each step."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.oracle import server
from tests.support import frames

from fasth2.config import AdaptiveWindows, H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import H2Error, ProtocolError, StreamsRefusedError

from .peer import CODES, EXTRA, INCREMENTS, SETTINGS, SIZES, Peer
from .source import Source

#: What calls may raise; anything else is a find.
REFUSALS = (H2Error, ValueError)

LIMITS = (
    {}, {}, {}, {},
    {"limits": Limits(concurrent_streams=3, closed_streams=2, reset_burst=4, reset_rate=1, unsent_body=5000)},
    {"limits": Limits(suspicious_burst=5, suspicious_rate=1, ignored_octets=100, ignored_ratio=1, header_list_size=500,
                      header_fields=5, settings_per_frame=2)},
    {"limits": Limits(ack_backlog=3, control_backlog=100, continuation_frames=0, encoder_table_size=100, priority_frames=2,
                      window_updates=3, early_refusals=2, informational_responses=1, promised_streams=2, string_size=200)},
)
CONFIGURATIONS = (
    {}, {"rfc_errors": True}, {"rfc_errors": True}, {"rfc_errors": True, "header_encoding": "utf-8", "header_fallback_encoding": "latin-1"},
    {"header_encoding": "utf-8"}, {"rfc_errors": True, "adaptive_windows": AdaptiveWindows()},
    {"validate_inbound_headers": False, "normalize_inbound_headers": False}, {"validate_outbound_headers": False},
    {"rfc_errors": True, "split_outbound_cookies": True},
)
RESPONSES = (
    [(":status", "200")], [(":status", "200"), ("content-length", "5")], [(":status", "103")], [(":status", "304")],
    [(":status", "204")], [("x-trailer", "1")], [], [(":status", "20")], [(":status", "200"), ("x", "a\r\nb")],
)
REQUESTS = (server.GET, server.GET, server.GET, [(":method", "HEAD"), *server.GET[1:]],
            [(":method", "POST"), *server.GET[1:], ("content-length", "5")], *server.ODD_LISTS)


class Conversation:
    """Plays an input.

    Args:
        source: The input. Its first octets choose the configuration.
        client_side: The connection's role.
    """

    def __init__(self, source: Source, client_side: bool) -> None:
        self.source = source
        self.now = 0.0
        options: dict[str, Any] = {**source.choice(CONFIGURATIONS), **source.choice(LIMITS)}
        self.slim = not client_side and source.flag()
        self.connection = H2Connection(H2Configuration(client_side=client_side, clock=lambda: self.now, **options))
        self.limits = self.connection.config.limits
        self.peer = Peer(client_side)
        self.waiting = b""
        self.handed = 0
        self.over = False
        self.connection.initiate_connection()
        self.drain()
        if client_side:
            for stream_id in (1, 3):
                self.connection.send_headers(stream_id, server.GET, end_stream=stream_id == 1)
                self.peer.opened.append(stream_id)
        else:
            self.connection.receive_data(frames.PREFACE)
        hello = frames.settings()
        self.connection.receive_data(bytes(hello))
        self.peer.was_read(hello)
        self.peer.windows.follow(self.connection.streams)

    def play(self) -> None:
        """Carry out what the input says, to its end or the connection's."""
        while self.source and not self.over:
            if self.source.below(4) < 3:
                for frame in self.peer.draw(self.source):
                    self.receive(frame)
                    if self.over:
                        break
            else:
                self.call()
        self.end()

    # Input

    def receive(self, frame: Any) -> None:
        """Feed a frame, whole or cut."""
        if frame.type == frames.SETTINGS:
            # The model takes an acknowledgement for SETTINGS that it has seen.
            self.peer.windows.follow(self.connection.streams)
            self.drain()
        read = self.connection.ready_requests if self.slim else self.connection.receive_data
        try:
            for piece in self.source.cut(bytes(frame)):
                read(piece)
        except ProtocolError as error:
            self.over = True
            # After refusals the streams that are open are answered still.
            assert isinstance(error, StreamsRefusedError) or self.connection.receive_data(bytes(frame)) == [], "read on after an error"
            return
        if frame.declared is not None and frame.declared != len(frame.payload):
            # The model does not know where frames begin any more.
            self.over = True
            return
        self.peer.was_read(frame)
        if frame.type == frames.GOAWAY and not self.connection.config.rfc_errors:
            # As in h2, the connection is over, and output that waited is not sent.
            self.over = True
            return
        if self.source.below(8) != 7:
            self.check()
        else:
            self.peer.windows.follow(self.connection.streams)

    # Calls

    def call(self) -> None:
        """Make a call of the connection's user. A refused one leaves no trace."""
        source, connection = self.source, self.connection
        self.now += source.choice((0, 0, 0, 0.1, 5))
        drained = source.below(8) < 7
        if drained:
            self.check()
        before = connection.encoder.header_table
        try:
            self._calls()[source.below(20)]()
        except REFUSALS:
            assert connection.encoder.header_table == before, "a refused call changed the encoder's table"
            assert not drained or connection.data_to_send() == b"", "a refused call sent something"
        self.peer.windows.follow(connection.streams)

    def _calls(self) -> tuple[Callable[[], Any], ...]:
        source, connection, peer = self.source, self.connection, self.peer
        stream_id = peer.stream(source)

        def body() -> bytes:
            size = source.choice((*SIZES, 70000))
            self.handed += size
            return b"b" * size

        def fields() -> list[Any]:
            chosen = source.choice(REQUESTS if peer.client_side else RESPONSES)
            return [*chosen, *(source.choice(EXTRA) for _ in range(source.below(3)))]

        def respond() -> None:
            trailers = [("x-sum", "1")] if source.below(4) == 3 else None
            connection.respond(stream_id, source.choice((200, 200, 204, 304, 103, 99)), fields()[1:], body(), trailers,
                               source.below(4) < 3)

        def send_fields() -> None:
            chosen, ends = fields(), source.flag()
            at = stream_id
            if peer.client_side and source.below(4) < 3:
                at = connection.get_next_available_stream_id()
            connection.send_headers(at, chosen, end_stream=ends)
            if at not in peer.opened:
                peer.opened.append(at)

        def push() -> None:
            promised = connection.get_next_available_stream_id()
            connection.push_stream(stream_id, promised, server.GET)
            peer.opened.append(promised)

        def prioritize() -> None:
            connection.prioritize(stream_id, source.below(258), source.choice((None, 0, 1, 3)), source.flag())

        return (
            respond, respond, send_fields, send_fields,
            lambda: connection.write(stream_id, body(), source.flag()),
            lambda: connection.send_data(stream_id, body()[:16384], source.flag(), source.choice((None, None, 0, 255))),
            lambda: connection.end_stream(stream_id),
            lambda: connection.reset_stream(stream_id, source.choice(CODES)),
            push,
            lambda: connection.consume(stream_id, source.choice(SIZES), source.flag()),
            lambda: connection.acknowledge_received_data(source.choice(SIZES), stream_id),
            lambda: connection.increment_flow_control_window(source.choice(INCREMENTS[:-1]), source.choice((None, stream_id))),
            lambda: connection.ping(b"12345678"),
            lambda: connection.update_settings(dict(source.choice(SETTINGS) for _ in range(source.below(3)))),
            prioritize,
            lambda: connection.close_connection(0, source.choice((None, b"debug")), source.choice((None, None, 1, stream_id))),
            lambda: connection.advertise_alternative_service(b'h2=":1"', stream_id=stream_id),
            lambda: self.take(connection.data_to_send(source.below(70000))),
            lambda: self.take(connection.pull(source.below(70000))),
            lambda: None,
        )

    # Output and invariants

    def take(self, octets: bytes) -> None:
        """Keep a part of the output until the rest of it is read."""
        self.waiting += octets

    def drain(self) -> None:
        """Read all of the output as the peer does."""
        octets, self.waiting = self.waiting, b""
        while more := self.connection.data_to_send():
            octets += more
        control = 0
        for frame in self.peer.read(octets):
            if frame.type not in (frames.DATA, frames.HEADERS, frames.CONTINUATION, frames.PUSH_PROMISE):
                control += len(frame)
        # What the peer provokes is bounded; what the user asks for is as long as the input is.
        assert control <= self.limits.control_backlog + 1000 + 100 * len(self.source.data), f"{control} octets of control frames"
        assert len(octets) <= control + 2 * self.handed + 10000 + 100 * len(self.source.data), f"{len(octets)} octets wait"

    def check(self) -> None:
        """Compare the connection with the models."""
        connection, windows = self.connection, self.peer.windows
        windows.follow(connection.streams)
        self.drain()
        windows.follow(connection.streams)
        windows.compare(connection)
        self.peer.compare_tables(connection)
        if not self.peer.client_side:
            assert connection.open_inbound_streams <= self.limits.concurrent_streams, "more streams than allowed"
        for stream_id, stream in connection.streams.items():
            assert stream.stream_id == stream_id

    def end(self) -> None:
        """Whatever has happened: the output is readable, and the connection can be closed and freed."""
        self.drain()
        try:
            self.connection.close_connection()
        except REFUSALS:
            pass
        self.drain()
