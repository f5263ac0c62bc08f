"""A link with a delay and a rate, in the time of a clock that is handed in: an upload to an engine over it."""
from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any

from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader

MB = 1_000_000


def upload_long(link: Link, streams: int) -> tuple[float, float]:
    """Send 50 MB on so many new streams.

    Returns:
        The seconds that it took, and those that it may take over a link of ten megabytes a second: growth from the
        base window, and nine tenths of the rate afterwards.
    """
    size = 50 * MB
    took = link.upload(range(1, 2 * streams, 2), size // streams)
    return took, size / (9 * MB) + 40 * link.delay


class Link:
    """Uploads to a server's connection through a link that delays each direction.

    Args:
        connection: The engine, whose clock is `clock`.
        delay: Seconds, one way.
        rate: Octets a second, towards the server; ``None`` for any.
        read: Called with the connection, a stream and octets for each DATA that arrives; by default credit is returned at once.
    """

    def __init__(self, connection: Any, clock: Any, delay: float, rate: float | None = None,
                 read: Callable[[Any, int, int], None] | None = None) -> None:
        self.connection = connection
        self.clock = clock
        self.delay = delay
        self.rate = rate
        self.read = read or self.acknowledge
        self.windows = {0: 65535}
        self.left: dict[int, int] = {}
        #: PING frames that the server has sent, as times.
        self.pings: list[float] = []
        #: The most octets that a stream, and the connection, have had to send.
        self.highest: dict[int, int] = {}
        self._free_at = 0.0
        self._events: list[tuple[float, int, str, bytes]] = []
        self._number = 0
        self._reader = FrameReader()
        connection.initiate_connection()
        connection.data_to_send()
        connection.receive_data(PREFACE + bytes(frames.settings()) + bytes(frames.settings_ack()))
        connection.data_to_send()

    @staticmethod
    def acknowledge(connection: Any, stream_id: int, octets: int) -> None:
        """Return the credit at once, as an application that keeps up."""
        connection.acknowledge_received_data(octets, stream_id)

    def upload(self, streams: Iterable[int], octets: int, until: float | None = None) -> float:
        """Send a body on each of some new streams; return the seconds until all has arrived, or until some time.

        Args:
            streams: Their numbers.
            octets: The size of each body.
            until: When to give up, as the clock counts.
        """
        began = self.clock.now
        streams = list(streams)
        for stream_id in streams:
            self._send(bytes(request(stream_id, method="POST", end_stream=False)))
            self.windows[stream_id] = 65535
            self.left[stream_id] = octets
        self._fill()
        while self._events:
            at, _, way, octets_ = heapq.heappop(self._events)
            if until is not None and at > until:
                self.clock.now = until
                break
            self.clock.now = max(self.clock.now, at)
            if way == "up":
                self._arrive(octets_)
            else:
                self._answer(octets_)
        return float(self.clock.now - began)

    def _later(self, at: float, way: str, octets: bytes) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, way, octets))

    def _send(self, octets: bytes) -> None:
        at = max(self.clock.now, self._free_at)
        if self.rate is not None:
            at += len(octets) / self.rate
        self._free_at = at
        self._later(at + self.delay, "up", octets)

    def _fill(self) -> None:
        """Send what the windows allow, the streams in turns."""
        going = True
        while going:
            going = False
            for stream_id, left in list(self.left.items()):
                size = min(left, 16384, self.windows[0], self.windows[stream_id])
                if size <= 0:
                    continue
                going = True
                self.windows[0] -= size
                self.windows[stream_id] -= size
                self.left[stream_id] = left = left - size
                if not left:
                    del self.left[stream_id]
                self._send(bytes(frames.data(stream_id, bytes(size), end_stream=not left)))

    def _arrive(self, octets: bytes) -> None:
        for event in self.connection.receive_data(octets):
            if type(event).__name__ == "DataReceived":
                self.read(self.connection, event.stream_id, event.flow_controlled_length)
            else:
                assert type(event).__name__ != "PingAckReceived"
        self._take_output()

    def _take_output(self) -> None:
        output = self.connection.data_to_send()
        if output:
            self._later(self.clock.now + self.delay, "down", output)

    def returned(self) -> None:
        """The application has returned credit outside of `read`."""
        self._take_output()

    def _answer(self, octets: bytes) -> None:
        before = len(self._reader.sent)
        self._reader.read(octets)
        for frame in self._reader.sent[before:]:
            if frame.kind == "WINDOW_UPDATE":
                if frame.stream_id in self.windows:
                    self.windows[frame.stream_id] += frame.increment
                    highest = max(self.highest.get(frame.stream_id, 0), self.windows[frame.stream_id])
                    self.highest[frame.stream_id] = highest
            elif frame.kind == "PING" and not frame.ack:
                self.pings.append(self.clock.now)
                self._send(bytes(frames.ping(frame.opaque, ack=True)))
            elif frame.kind == "GOAWAY":
                raise AssertionError(frame)
        self._fill()
