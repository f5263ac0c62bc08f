"""PING frames in what a peer sends, for those who want to know of them; the engine answers them and reports none."""
from __future__ import annotations

__all__ = ["PingWatch"]

#: Octets of the client's connection preface (RFC 9113 section 3.4) and of a frame's header (section 4.1).
_PREFACE = 24
_HEADER = 9

_PING = 6
_ACK = 1


class PingWatch:
    """Follows a client's frames from header to header, whatever the reads cut."""

    __slots__ = ("_head", "_skip")

    def __init__(self) -> None:
        self._skip = _PREFACE
        self._head = b""

    def feed(self, data: bytes) -> bool:
        """Take in what was read; return whether a PING that asks for an answer began in it (RFC 9113 section 6.7).

        Args:
            data: The octets, from the first one of the connection on.
        """
        found = False
        at, size = 0, len(data)
        while at < size:
            if self._skip:
                step = min(self._skip, size - at)
                self._skip -= step
                at += step
                continue
            step = _HEADER - len(self._head)
            self._head += data[at : at + step]
            at += step
            if len(self._head) == _HEADER:
                found = found or (self._head[3] == _PING and not self._head[4] & _ACK)
                self._skip = int.from_bytes(self._head[:3], "big")
                self._head = b""
        return found
