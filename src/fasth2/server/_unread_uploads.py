"""Uploads that nobody reads: their requests were answered while the client was still sending."""
from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["UnreadUploads"]


class _Upload(NamedTuple):
    """One that goes on."""

    #: The engine's `fasth2.stream.H2Stream`.
    stream: Any

    #: The octets of its window that it is reset at.
    window: int

    #: When it is reset at the latest.
    deadline: float


class UnreadUploads:
    """The streams whose response is complete, and whose client may go on sending for a while.

    Such a stream is reset with NO_ERROR in the end (RFC 9113 section 8.1).
    There are clients that report an error, and nothing of the response, where
    they find the reset together with it, so it waits until the client has sent
    some more, or has had its time. A client that ends its request gets none.
    Window is returned to the connection alone meanwhile.
    """

    __slots__ = ("_uploads",)

    def __init__(self) -> None:
        self._uploads: dict[int, _Upload] = {}

    def __len__(self) -> int:
        return len(self._uploads)

    def add(self, stream_id: int, stream: Any, octets: int, deadline: float) -> None:
        """Let a client go on.

        Args:
            stream_id: The stream.
            stream: The engine's `fasth2.stream.H2Stream`.
            octets: How much the client may send from now on. It is less where
                its window is used up before, since nothing could follow.
            deadline: When its time is over.
        """
        left: int = stream.inbound_flow_control_window
        self._uploads[stream_id] = _Upload(stream, max(left - octets, 0), deadline)

    def take_due(self, now: float) -> list[int]:
        """Return the streams to reset now, and forget them with those that have ended.

        Args:
            now: The time.
        """
        due = []
        for stream_id, upload in list(self._uploads.items()):
            if upload.stream.closed:
                del self._uploads[stream_id]
            elif now >= upload.deadline or upload.stream.inbound_flow_control_window <= upload.window:
                del self._uploads[stream_id]
                due.append(stream_id)
        return due

    def next_deadline(self) -> float | None:
        """Return when the next stream's time is over, ``None`` without one."""
        return min((upload.deadline for upload in self._uploads.values() if not upload.stream.closed), default=None)
