"""`ServerProtocol` with a clock, an application and any peer: refusals, GOAWAY, time-outs and windows keep their rules."""
from __future__ import annotations

import struct
import types
from typing import Any

from tests.support import frames
from tests.support.clock import Clock
from tests.support.protocol_holder import config

from fasth2.config import AdaptiveWindows, Limits
from fasth2.exceptions import H2Error
from fasth2.server import errors
from fasth2.server._options import options_of
from fasth2.server._protocol import ServerProtocol
from fasth2.server.errors import HTTP2Error
from fasth2.server.stream import HTTP2Stream, StreamState
from fuzz.peer import CODES, SIZES, Peer
from fuzz.source import Source

STREAMS = 3
OVERDUE = 10.0


class Holder:
    """A connection without a socket that holds a `ServerProtocol` (`fasth2.server._handler.Handler`).

    Args:
        source: The input.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.clock = Clock()
        limits = source.choice((None, Limits(concurrent_streams=STREAMS, reset_burst=3, reset_rate=1, unreleased_requests=True)))
        windows = source.choice((None, AdaptiveWindows()))
        cfg = config(http2_max_concurrent_streams=STREAMS, timeout=source.choice((0, 30)), keepalive=source.choice((0, 10)))
        self.protocol = ServerProtocol(options_of(
            cfg, errors, StreamState.CLOSED, limits, clock=self.clock, adaptive_windows=windows,
            credits_on_arrival=source.flag()))
        self.peer = Peer(client_side=False)
        self.last_goaway = 2**31 - 1
        self.handed_out: set[int] = set()
        self.answered: set[int] = set()
        self.shutting_down = False
        self.protocol.advertise()
        self.drain()
        hello = frames.settings()
        self.feed(frames.PREFACE + bytes(hello))
        self.peer.was_read(hello)

    # Called by the protocol

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        stream_id = item.stream_id
        assert stream_id not in self.handed_out, "a request was handed out twice"
        assert self.protocol.refused_above is None or stream_id <= self.protocol.refused_above, "a request after the final GOAWAY"
        self.handed_out.add(stream_id)
        stream = self.protocol.streams[stream_id] = HTTP2Stream(stream_id, self)
        stream.receive_headers(item.headers, item.end_stream)
        requests.append(types.SimpleNamespace(stream=stream))

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        assert item.stream_id in self.handed_out
        stream = self.protocol.streams.get(item.stream_id)
        if stream is not None and stream.can_receive:
            stream.receive_data(item.data, item.end_stream)
        if item.flow_controlled_length and self.source.flag():
            self.protocol.credit_arrived(item.flow_controlled_length)

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        assert item.stream_id in self.handed_out
        stream = self.protocol.streams.get(item.stream_id)
        if stream is not None and stream.can_receive:
            stream.receive_trailers(item.headers)

    def _handed_out(self, stream: Any) -> bool:
        return True

    def _cut_off(self, stream: Any) -> bool:
        return self.protocol.cut_off(stream)

    def _goaway_read(self, last_stream_id: int) -> None:
        assert self.protocol.draining

    def _connection_lost(self) -> None:
        self.protocol.closed = True
        self.protocol.give_back_growth()

    def _close_quietly(self) -> None:
        assert not self.protocol.streams, "closed while streams are there"
        self.protocol.end()

    def _send_quietly(self) -> None:
        self.drain()

    # What happens

    def feed(self, octets: bytes) -> None:
        """Hand over what the peer sends."""
        before = set(self.protocol.streams)
        requests = self.protocol.receive(octets, self)
        for request in requests:
            assert request.stream.stream_id not in before
        unreleased = self.protocol.unreleased or set()
        working = [one for one, stream in self.protocol.streams.items()
                   if one in unreleased or not (stream.state is StreamState.CLOSED or stream.response_complete)]
        assert len(working) <= STREAMS or not self.protocol.options.limits.unreleased_requests, f"{working} at once"

    def act(self) -> None:
        """One call of the connection or the application."""
        source, protocol, now = self.source, self.protocol, self.clock()
        streams = sorted(protocol.streams)
        stream_id = streams[source.below(len(streams))] if streams else 1
        kind = source.below(16)
        if kind < 3 and streams and stream_id not in self.answered:
            size, whole = source.choice(SIZES), source.flag()
            try:
                if protocol.engine.respond(stream_id, 200, [("x-n", "1")], b"b" * size, None, whole) and whole:
                    stream = protocol.streams[stream_id]
                    stream.response_complete = True
                    stream.state = (StreamState.CLOSED if stream.state is StreamState.HALF_CLOSED_REMOTE
                                    else StreamState.HALF_CLOSED_LOCAL)
                self.answered.add(stream_id)
            except H2Error:
                pass
        elif kind < 5:
            was_there = stream_id in protocol.streams
            assert (protocol.release(stream_id, self) is not None) == was_there
            assert stream_id not in protocol.streams
        elif kind == 5:
            if streams:
                protocol.streams[stream_id].reset(8)
            protocol.reset(stream_id, source.choice(CODES))
        elif kind == 6:
            protocol.credit(source.choice(SIZES), source.choice((None, stream_id)))
        elif kind == 7:
            protocol.credit_read(source.choice(SIZES), stream_id, source.flag())
        elif kind == 8 and streams and protocol.streams[stream_id].response_complete:
            protocol.leave_unread(stream_id)
        elif kind == 9:
            deadline = protocol.unread_deadline()
            protocol.end_unread(self)
            after = protocol.unread_deadline()
            assert protocol.closed or deadline is None or deadline > now or after is None or after > now, "an upload stays overdue"
        elif kind == 10 and not self.shutting_down:
            self.shutting_down = True
            protocol.begin_shutdown(now + OVERDUE)
        elif kind == 11 and self.shutting_down:
            wait = protocol.advance_shutdown(now, not protocol.streams)
            assert wait is None or 0 <= wait <= OVERDUE
        elif kind == 12:
            for limit in (protocol.idle_limit(), protocol.own_idle_limit(), protocol.or_unread(5.0)):
                assert limit is None or limit >= 0
        elif kind == 13:
            protocol.take_pending()
        elif kind == 14 and source.below(4) == 3:
            protocol.end(source.choice(CODES), source.choice((None, 1)), b"limit")
        self.clock.now += source.choice((0, 0, 0.01, 1, 11))

    def drain(self) -> None:
        """Read the output as the peer does."""
        output = b""
        while more := self.protocol.engine.pull(100):
            output += more
        for frame in self.peer.read(output):
            if frame.type == frames.GOAWAY:
                last = struct.unpack_from(">L", frame.payload)[0] & 0x7FFFFFFF
                assert last <= self.last_goaway, f"GOAWAY {last} after {self.last_goaway}"
                self.last_goaway = last

    def check(self) -> None:
        """Compare with the models."""
        engine, windows = self.protocol.engine, self.peer.windows
        windows.follow(engine.streams)
        self.drain()
        windows.follow(engine.streams)
        if not self.protocol.closed and self.protocol.error is None:
            windows.compare(engine)
            self.peer.compare_tables(engine)
        assert engine.open_inbound_streams <= STREAMS

    def play(self) -> None:
        """Carry out the input; then shut down, which must come to an end."""
        while self.source and not self.protocol.closed and self.protocol.error is None:
            if self.source.below(3) < 2:
                for frame in self.peer.draw(self.source):
                    if frame.declared is not None:
                        break
                    self.feed(bytes(frame))
                    if self.protocol.closed or self.protocol.error is not None:
                        break
                    self.peer.was_read(frame)
                    self.peer.windows.follow(self.protocol.engine.streams)
            else:
                self.act()
            self.check()
        if self.protocol.closed:
            assert self.protocol.receive(bytes(frames.ping()), self) == []
            self.drain()
            try:
                self.protocol.raise_error()
            except HTTP2Error:
                self.protocol.raise_error()
            return
        self.protocol.begin_shutdown(self.clock() + OVERDUE)
        for _ in range(10):
            wait = self.protocol.advance_shutdown(self.clock(), not self.protocol.streams)
            self.drain()
            if wait is None:
                break
            self.clock.now += wait
        else:
            raise AssertionError("the shutdown never ends")
        assert self.last_goaway == self.protocol.refused_above or self.protocol.closed


def one_input(data: bytes) -> None:
    """Play one input."""
    Holder(Source(data)).play()
