"""How long a thread waits for the body of a request, and whether its client sends it fast enough."""
from __future__ import annotations

__all__ = ["BodyWait", "rate_left"]


def rate_left(waited: float, timeout: float, rate: float, octets: int, others: int, streams: int) -> float:
    """Return the seconds until a body counts as too slow, 0 or less when it is.

    Args:
        waited: Seconds that it has been waited for.
        timeout: Seconds of waiting without a rate.
        rate: Octets a second after that.
        octets: What came of the body meanwhile.
        others: What came of other bodies on its connection.
        streams: Bodies that share the connection, this one among them. It is
            not slow where all together keep their rates.
    """
    return timeout + max(octets, (octets + others) / max(streams, 1)) / rate - waited


class BodyWait:
    """The time that a thread has waited for the body of one request.

    A body is given up after `timeout` seconds of waiting without an octet of
    it, and after `timeout` seconds in all once it came slower than the least
    rate, so that an octet now and then does not hold a thread for ever.

    Args:
        stream_id: The stream whose body it is, ``None`` where none is known.
    """

    __slots__ = ("idle", "octets", "others", "stream_id", "waited")

    def __init__(self, stream_id: int | None = None) -> None:
        self.stream_id = stream_id
        #: Seconds of waiting since the last octet.
        self.idle = 0.0
        #: Seconds of waiting in all.
        self.waited = 0.0
        #: Octets that have come meanwhile.
        self.octets = 0
        #: Octets of other bodies on the same connection.
        self.others = 0

    def add(self, seconds: float, octets: int, others: int = 0) -> None:
        """Record a wait.

        Args:
            seconds: How long it took.
            octets: What came of the body.
            others: What came of other bodies.
        """
        self.waited += seconds
        self.idle = 0.0 if octets else self.idle + seconds
        self.octets += octets
        self.others += others

    def left(self, timeout: float, rate: float, streams: int = 1) -> float:
        """Return the seconds that may be waited now, 0 when the time is over.

        Args:
            timeout: Seconds without progress, and in all below the rate.
            rate: Octets a second; 0 for none.
            streams: Bodies that share the connection, as for `rate_left`.
        """
        left = timeout - self.idle
        if rate:
            left = min(left, rate_left(self.waited, timeout, rate, self.octets, self.others, streams))
        return max(left, 0.0)
