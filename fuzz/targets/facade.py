"""`HTTP2ServerConnection` over a scripted socket: whatever the peer and the application do, only its own exceptions.

Requests are handed out once and with the body that was sent; no window is overrun; what is written can be read; after the
end nothing is written, and nothing waits for ever.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.support import frames
from tests.support.facade_peer import config
from tests.support.frames import Frame

import fasth2.server._blocking
import fasth2.server._whole_requests
import fasth2.server.connection
from fasth2.server.connection import HTTP2ServerConnection
from fasth2.server.errors import HTTP2Error
from fuzz.peer import SIZES, Peer
from fuzz.source import Source

CLOCKED = (fasth2.server._blocking, fasth2.server._whole_requests, fasth2.server.connection)
TIMEOUT = 5.0


class Time:
    """Stands for the module `time` in the connection's modules."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time, which only the socket's time-outs and the application move."""
        return self.now


@contextlib.contextmanager
def clocked(time: Time) -> Iterator[None]:
    """Give the modules this clock."""
    before = [vars(module)["time"] for module in CLOCKED]
    try:
        for module in CLOCKED:
            vars(module)["time"] = time
        yield
    finally:
        for module, one in zip(CLOCKED, before):
            vars(module)["time"] = one


class Socket:
    """Gives what the input says, and reads what is written.

    Args:
        source: The input.
        time: Turned by a read that takes as long as its time-out.
    """

    def __init__(self, source: Source, time: Time) -> None:
        self.source = source
        self.time = time
        self.peer = Peer(client_side=False)
        self.timeout: float | None = None
        self.reads = bytearray(frames.PREFACE + bytes(frames.settings()))
        #: The frames in `reads`, each with the octets to its end.
        self.coming: list[tuple[int, Frame]] = []
        self.bodies: dict[int, bytes] = {}
        self.ended = self.broken = self.failed = False
        #: Reads since the application was last asked.
        self.turns = 0

    def gettimeout(self) -> float | None:
        """Return the time-out in seconds."""
        return self.timeout

    def settimeout(self, timeout: float | None) -> None:
        """Set the time-out in seconds."""
        assert timeout is None or timeout > 0, f"a time-out of {timeout} seconds"
        self.timeout = timeout

    def recv(self, size: int) -> bytes:
        """Give some octets, or fail."""
        self.turns += 1
        assert self.turns < 10000, "reads for ever"
        if self.broken:
            raise ConnectionResetError("reset")
        if not self.reads:
            how = self.source.below(32)
            if self.ended or not self.source or how == 31:
                self.ended = True
                return b""
            if how == 30:
                self.broken = True
                raise ConnectionResetError("reset")
            if how >= 27 and self.timeout is not None:
                self.time.now += self.timeout
                raise TimeoutError("timed out")
            for frame in self.peer.draw(self.source):
                self.reads += bytes(frame)
                self.coming.append((len(self.reads), frame))
        length = min(size, len(self.reads), self.source.below(300) + 1 if self.source.below(4) == 3 else size)
        piece = bytes(self.reads[:length])
        del self.reads[:length]
        self.coming = [(end - length, frame) for end, frame in self.coming]
        while self.coming and self.coming[0][0] <= 0:
            self.arrived(self.coming.pop(0)[1])
        return piece

    def arrived(self, frame: Frame) -> None:
        """The server has read a frame; one that is malformed ends the connection."""
        windows = self.peer.windows
        sizes = {frames.WINDOW_UPDATE: 4, frames.SETTINGS: len(frame.payload) // 6 * 6}
        if len(frame.payload) != sizes.get(frame.type, len(frame.payload)):
            return
        if frame.type == frames.HEADERS and frame.stream_id not in windows.streams:
            windows.streams[frame.stream_id] = [windows.of_peer, windows.of_self]
        if frame.type == frames.DATA:
            self.bodies[frame.stream_id] = self.bodies.get(frame.stream_id, b"") + content(frame)
        self.peer.was_read(frame)

    def sendall(self, data: bytes) -> None:
        """Read what the server writes, or fail."""
        assert data
        assert not self.failed, "writes on after an error"
        if self.broken or self.source.below(64) == 63:
            self.broken = self.failed = True
            raise BrokenPipeError("gone")
        self.peer.read(bytes(data))


def content(frame: Frame) -> bytes:
    """The payload of a DATA frame without padding."""
    if not frame.flags & frames.PADDED:
        return frame.payload
    return frame.payload[1:len(frame.payload) - frame.payload[0]] if frame.payload else b""



class Serving:
    """Plays an input.

    Args:
        source: The input.
        time: The connection's clock.
    """

    def __init__(self, source: Source, time: Time) -> None:
        self.source = source
        self.time = time
        cfg = config(timeout=source.choice((TIMEOUT, 0)), keepalive=source.choice((TIMEOUT, 0)),
                     http2_max_concurrent_streams=source.choice((100, 2)), max_body=source.choice((None, 1000)))
        self.sock = Socket(source, time)
        self.connection = HTTP2ServerConnection(cfg, self.sock, ("192.0.2.1", 5000))
        self.open: list[int] = []
        self.seen: set[int] = set()

    def play(self) -> None:
        """Serve until the connection or the input ends, and clean up."""
        connection = self.connection
        self.attempt(connection.initiate_connection)
        for _ in range(len(self.source.data) + 50):
            self.sock.turns = 0
            if connection.is_closed:
                break
            if self.source.below(3) == 2 and self.open:
                self.attempt(self.answer)
            else:
                for request in self.attempt(connection.receive_data) or []:
                    self.take(request)
        else:
            raise AssertionError("the connection never ends")
        after = len(self.seen)
        for _ in range(3):
            assert not self.attempt(connection.receive_data) or len(self.seen) >= after
        for stream_id in self.open:
            self.attempt(lambda stream_id=stream_id: connection.send_response(stream_id, 200, [], b"late"))
            self.attempt(lambda stream_id=stream_id: connection.cleanup_stream(stream_id))
        connection.close()
        assert connection.is_closed

    def attempt(self, call: Any) -> Any:
        """Make a call, which may only raise the façade's exceptions."""
        try:
            return call()
        except HTTP2Error:
            return None

    def take(self, request: Any) -> None:
        """A request is complete: it is a new one, with its body."""
        stream_id = request.stream.stream_id
        assert stream_id not in self.seen, f"request {stream_id} is handed out twice"
        self.seen.add(stream_id)
        self.open.append(stream_id)
        body = request.body.read()
        sent = self.sock.bodies.get(stream_id, b"")
        assert sent.startswith(body), f"request {stream_id} has another body than was sent"
        assert request.method and request.version == (2, 0)

    def answer(self) -> None:
        """One call of the application."""
        source, connection = self.source, self.connection
        stream_id = self.open[source.below(len(self.open))]
        kind = source.below(10)
        self.time.now += source.choice((0, 0, 0.05, 1))
        if kind < 3:
            connection.send_response(stream_id, source.choice((200, 204, 404, 99)), [("X-N", 1)], b"b" * source.choice((*SIZES, 70000)))
        elif kind == 3:
            connection.send_response(stream_id, 200, [("x", "a\r\nb")] if source.flag() else [], b"")
        elif kind < 6:
            connection.send_data(stream_id, b"d" * source.choice((*SIZES, 70000)), source.flag())
        elif kind == 6:
            connection.send_informational(stream_id, source.choice((103, 100, 200)), [("link", "a")])
        elif kind == 7:
            connection.send_trailers(stream_id, [(source.choice(("x-sum", ":status", "")), "1")])
        elif kind == 8:
            connection.reset_stream(stream_id, 8)
        else:
            self.open.remove(stream_id)
            connection.cleanup_stream(stream_id)
            assert stream_id not in connection.streams


def one_input(data: bytes) -> None:
    """Play one input."""
    time = Time()
    with clocked(time):
        Serving(Source(data), time).play()
