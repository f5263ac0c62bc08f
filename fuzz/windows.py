"""A plain model of flow-control windows (RFC 9113 section 5.2): what crossed the wire, added and subtracted."""
from __future__ import annotations

import collections
import struct
from typing import Any

from tests.support import frames
from tests.support.frames import Frame

INITIAL = 65535


class Windows:
    """The windows of one end of a connection, from the frames that it received and sent.

    A stream is in the model as long as the connection lists it; the model itself knows nothing of states.
    """

    def __init__(self) -> None:
        self.sending = self.receiving = INITIAL
        #: SETTINGS_INITIAL_WINDOW_SIZE of the peer, and of this end as far as it was acknowledged.
        self.of_peer = self.of_self = INITIAL
        #: The initial windows in each SETTINGS frame sent that the peer has not acknowledged.
        self.unacknowledged: collections.deque[list[int]] = collections.deque()
        #: Stream: its two windows.
        self.streams: dict[int, list[int]] = {}

    def received(self, frame: Frame) -> None:
        """The connection accepted a frame, or reset its stream for it."""
        if frame.type == frames.DATA:
            self.receiving -= len(frame.payload)
            if frame.stream_id in self.streams:
                self.streams[frame.stream_id][1] -= len(frame.payload)
        elif frame.type == frames.WINDOW_UPDATE:
            increment = struct.unpack(">L", frame.payload)[0] & 0x7FFFFFFF
            if frame.stream_id == 0:
                self.sending += increment
            elif frame.stream_id in self.streams:
                self.streams[frame.stream_id][0] += increment
        elif frame.type == frames.SETTINGS:
            if frame.flags & frames.ACK:
                for size in self.unacknowledged.popleft() if self.unacknowledged else []:
                    self._shift(1, size - self.of_self)
                    self.of_self = size
            for size in initial_windows(frame):
                self._shift(0, size - self.of_peer)
                self.of_peer = size

    def sent(self, frame: Frame) -> None:
        """The connection sent a frame."""
        if frame.type == frames.DATA:
            self.sending -= len(frame.payload)
            assert self.sending >= 0, f"{frame!r} is over the connection's window"
            if frame.stream_id in self.streams:
                window = self.streams[frame.stream_id]
                window[0] -= len(frame.payload)
                assert not frame.payload or window[0] >= 0, f"{frame!r} is over the stream's window"
        elif frame.type == frames.WINDOW_UPDATE:
            increment = struct.unpack(">L", frame.payload)[0]
            if frame.stream_id == 0:
                self.receiving += increment
                assert self.receiving < 2**31, f"{frame!r}: {self.receiving}"
            elif frame.stream_id in self.streams:
                self.streams[frame.stream_id][1] += increment
                assert self.streams[frame.stream_id][1] < 2**31, f"{frame!r}: {self.streams[frame.stream_id][1]}"
        elif frame.type == frames.SETTINGS and not frame.flags & frames.ACK:
            self.unacknowledged.append(initial_windows(frame))

    def _shift(self, which: int, delta: int) -> None:
        for windows in self.streams.values():
            windows[which] += delta

    def follow(self, alive: Any) -> None:
        """Take up the streams that have begun, and forget those that have ended.

        Args:
            alive: The identifiers that the connection lists.
        """
        for stream_id in list(self.streams):
            if stream_id not in alive:
                del self.streams[stream_id]
        for stream_id in alive:
            if stream_id not in self.streams:
                self.streams[stream_id] = [self.of_peer, self.of_self]

    def compare(self, connection: Any) -> None:
        """Assert that the connection's windows are the model's."""
        assert connection.inbound_flow_control_window == self.receiving, (
            f"receives {connection.inbound_flow_control_window} octets, {self.receiving} by the frames")
        assert connection.outbound_flow_control_window == self.sending, (
            f"sends {connection.outbound_flow_control_window} octets, {self.sending} by the frames")
        for stream_id, (sending, receiving) in self.streams.items():
            found = (connection.local_flow_control_window(stream_id), connection.remote_flow_control_window(stream_id))
            expected = (min(sending, self.sending), min(receiving, self.receiving))
            assert found == expected, f"windows of stream {stream_id}: {found}, {expected} by the frames"


def initial_windows(frame: Frame) -> list[int]:
    """The values of SETTINGS_INITIAL_WINDOW_SIZE in a SETTINGS frame, in order."""
    pairs = (struct.unpack_from(">HL", frame.payload, at) for at in range(0, len(frame.payload) - 5, 6))
    return [value for code, value in pairs if code == frames.INITIAL_WINDOW_SIZE]
