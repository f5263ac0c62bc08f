"""Detection of slow peers, in both directions: the minimum rate and all formulas.

No clock: times are arguments, in seconds, and amounts in octets.
"""
from __future__ import annotations

__all__ = ["MIN_RATE", "BodyWait", "SendProgress", "keeps_rate", "rate_left", "send_deadline"]

#: Octets a second that a peer must send, or accept, in the long run.
MIN_RATE = 128


def keeps_rate(octets: int, rate: float, seconds: float) -> bool:
    """Return True if so many octets in so many seconds exceed a rate.

    Args:
        octets: Octets sent or accepted.
        rate: Octets a second.
        seconds: The time that it took.
    """
    return octets > rate * seconds


def send_deadline(timeout: float, rate: float, taken: int, since: float, moved: float) -> float:
    """Return the time at which a peer counts as too slow in accepting octets.

    Args:
        timeout: Seconds that it may accept nothing, or be below the rate in all.
        rate: Octets a second; 0: no minimum.
        taken: Octets accepted since the measurement began.
        since: Time at which it began.
        moved: Time at which octets were accepted last.
    """
    if rate:
        moved = min(moved, since + taken / rate)
    return moved + timeout


def rate_left(waited: float, timeout: float, rate: float, octets: int, others: int = 0, streams: int = 1) -> float:
    """Return the seconds until a body counts as too slow; 0 or less if it does.

    Args:
        waited: Seconds of waiting for it so far.
        timeout: Seconds of waiting before the rate applies.
        rate: Octets a second after that.
        octets: Octets of the body received meanwhile.
        others: Octets of other bodies on its connection.
        streams: Bodies that share the connection, this one included. It is not
            slow if all together keep their rates.
    """
    return timeout + max(octets, (octets + others) / max(streams, 1)) / rate - waited


class BodyWait:
    """The time that a thread has waited for the body of one request.

    A body is too slow after `timeout` seconds of waiting without an octet of it,
    or after `timeout` seconds in all if it is below the minimum rate, so that
    single octets do not hold a thread for ever.

    Args:
        stream_id: The stream of the body, or ``None``.
    """

    __slots__ = ("idle", "octets", "others", "stream_id", "waited")

    def __init__(self, stream_id: int | None = None) -> None:
        self.stream_id = stream_id
        #: Seconds of waiting since the last octet.
        self.idle = 0.0
        #: Total seconds of waiting.
        self.waited = 0.0
        #: Octets received meanwhile.
        self.octets = 0
        #: Octets of other bodies on the same connection.
        self.others = 0

    def add(self, seconds: float, octets: int, others: int = 0) -> None:
        """Record a wait.

        Args:
            seconds: The time of the wait.
            octets: Octets received of the body.
            others: Octets received of other bodies.
        """
        self.waited += seconds
        self.idle = 0.0 if octets else self.idle + seconds
        self.octets += octets
        self.others += others

    def left(self, timeout: float, rate: float, streams: int = 1) -> float:
        """Return the seconds left to wait; 0 when the time is over.

        Args:
            timeout: Seconds without progress, and in all below the rate.
            rate: Octets a second; 0: no minimum.
            streams: Bodies that share the connection; see `rate_left`.
        """
        left = timeout - self.idle
        if rate:
            left = min(left, rate_left(self.waited, timeout, rate, self.octets, self.others, streams))
        return max(left, 0.0)


class SendProgress:
    """The progress of a stream's sending, updated at each check.

    Args:
        queued: The unsent octets.
        now: The time, in seconds.
    """

    __slots__ = ("first", "last", "moved", "since")

    def __init__(self, queued: int, now: float) -> None:
        self.restart(queued, now)

    def restart(self, queued: int, now: float) -> None:
        """Begin a new measurement.

        Args:
            queued: The unsent octets.
            now: The time, in seconds.
        """
        #: Unsent octets at the begin of the measurement, and its time.
        self.first = queued
        self.since = now
        #: Unsent octets at the last check, and the time of the last change of their number.
        self.last = queued
        self.moved = now

    def update(self, queued: int, now: float) -> None:
        """Record the result of a check.

        Args:
            queued: The unsent octets.
            now: The time, in seconds.
        """
        if queued > self.last:
            # The application has queued more.
            self.restart(queued, now)
        elif queued != self.last:
            self.last = queued
            self.moved = now

    def deadline(self, timeout: float, rate: float) -> float:
        """Return the time at which the client counts as too slow.

        Args:
            timeout: Seconds without progress.
            rate: Octets a second that a client must accept in the long run; 0: no minimum.
        """
        return send_deadline(timeout, rate, self.first - self.last, self.since, self.moved)
