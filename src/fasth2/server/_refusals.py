"""How many streams of a connection may be refused before the connection ends."""
from __future__ import annotations

__all__ = ["EARLY_SECONDS", "Refusals"]

#: Seconds for the refusals of a client that has not acknowledged this side's
#: SETTINGS: it cannot know yet how many streams it may open.
EARLY_SECONDS = 10.0


class Refusals:
    """Counts refused streams: so many at once and so many more a second, and early ones apart.

    Args:
        now: The time.
        burst: Refusals at once.
        rate: More a second.
        early_limit: Early ones in all, ``None`` for any.
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
        """Count one more; return whether there are too many.

        Args:
            now: The time.
            acknowledged: Whether the client has acknowledged this side's SETTINGS.
        """
        if not acknowledged and now - self.started <= EARLY_SECONDS:
            self.early += 1
            return self.early_limit is not None and self.early > self.early_limit
        self.level = max(self.level - (now - self.seen) * self.rate, 0.0) + 1
        self.seen = now
        return self.level > self.burst
