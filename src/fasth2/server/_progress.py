"""Peers that send or take too little: every formula, and the rate that they are measured by.

No clock: times are handed in, in seconds, and amounts in octets.
"""
from __future__ import annotations

__all__ = ["MIN_RATE", "BodyWait", "SendProgress", "keeps_rate", "rate_left", "send_deadline"]

#: Octets a second that a peer must send, or take, in the long run; what is slower is given up.
MIN_RATE = 128


def keeps_rate(octets: int, rate: float, seconds: float) -> bool:
    """Return whether so many octets in so many seconds are more than a rate asks for.

    Args:
        octets: What was sent, or taken.
        rate: Octets a second.
        seconds: How long it took.
    """
    return octets > rate * seconds


def send_deadline(timeout: float, rate: float, taken: int, since: float, moved: float) -> float:
    """Return the time at which a peer has taken too little for too long.

    Args:
        timeout: Seconds that it may take nothing, and in all below the rate.
        rate: Octets a second; 0 for none.
        taken: What it has taken since the measuring began.
        since: When that was.
        moved: When it took something last.
    """
    if rate:
        moved = min(moved, since + taken / rate)
    return moved + timeout


def rate_left(waited: float, timeout: float, rate: float, octets: int, others: int = 0, streams: int = 1) -> float:
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


class SendProgress:
    """What was unsent of a stream, and when; kept from one look to the next.

    Args:
        queued: Octets that are unsent.
        now: Seconds.
    """

    __slots__ = ("first", "last", "moved", "since")

    def __init__(self, queued: int, now: float) -> None:
        self.restart(queued, now)

    def restart(self, queued: int, now: float) -> None:
        """Measure from here.

        Args:
            queued: Octets that are unsent.
            now: Seconds.
        """
        #: Octets that were unsent when the measuring began, and when that was.
        self.first = queued
        self.since = now
        #: Octets that were unsent at the last look, and when that number changed last.
        self.last = queued
        self.moved = now

    def update(self, queued: int, now: float) -> None:
        """Take in what another look has found.

        Args:
            queued: Octets that are unsent.
            now: Seconds.
        """
        if queued > self.last:
            # The application has added to it.
            self.restart(queued, now)
        elif queued != self.last:
            self.last = queued
            self.moved = now

    def deadline(self, timeout: float, rate: float) -> float:
        """Return the time at which the client has taken too little for too long.

        Args:
            timeout: Seconds that a stream may stand still.
            rate: Octets a second that a client has to take in the long run; 0 for none.
        """
        return send_deadline(timeout, rate, self.first - self.last, self.since, self.moved)
