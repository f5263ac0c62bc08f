"""How many streams of a connection may be refused before the connection ends."""
from __future__ import annotations

__all__ = ["EARLY_REFUSALS", "EARLY_SECONDS", "Refusals"]

#: Refusals, and seconds for them, of a client that has not acknowledged this
#: side's SETTINGS: it cannot know yet how many streams it may open.
EARLY_REFUSALS = 1000
EARLY_SECONDS = 10.0


class Refusals:
    """Counts refused streams: so many at once and so many more a second, and early ones apart.

    Args:
        now: The time.
        burst: Refusals at once.
        rate: More a second.
    """

    __slots__ = ("burst", "early", "level", "rate", "seen", "started")

    def __init__(self, now: float, burst: float, rate: float) -> None:
        self.burst = burst
        self.rate = rate
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
            return self.early > EARLY_REFUSALS
        self.level = max(self.level - (now - self.seen) * self.rate, 0.0) + 1
        self.seen = now
        return self.level > self.burst
