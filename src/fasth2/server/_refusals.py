"""The limit on refused streams, above which a connection ends."""
from __future__ import annotations

__all__ = ["EARLY_SECONDS", "Refusals"]

#: Seconds during which refusals of a client that has not acknowledged this
#: side's SETTINGS count as early: it cannot know the limit on streams yet.
EARLY_SECONDS = 10.0


class Refusals:
    """A token bucket of refused streams, with a separate count of early ones.

    Args:
        now: The time, in seconds.
        burst: Refusals in a burst.
        rate: Further refusals per second.
        early_limit: Early refusals in all; ``None``: no limit.
    """

    __slots__ = ("burst", "early", "early_limit", "level", "rate", "seen", "started")

    def __init__(self, now: float, burst: float, rate: float, early_limit: int | None) -> None:
        self.burst = burst
        self.rate = rate
        self.early_limit = early_limit
        self.started = self.seen = now
        self.level = 0.0
        self.early = 0

    def add(self, now: float, acknowledged: bool) -> bool:
        """Count a refusal; return True if there are too many.

        Args:
            now: The time, in seconds.
            acknowledged: True if the client has acknowledged this side's SETTINGS.
        """
        if not acknowledged and now - self.started <= EARLY_SECONDS:
            self.early += 1
            return self.early_limit is not None and self.early > self.early_limit
        self.level = max(self.level - (now - self.seen) * self.rate, 0.0) + 1
        self.seen = now
        return self.level > self.burst
