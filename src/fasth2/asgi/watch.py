"""The time-outs of all connections of a loop, checked by one timer."""
from __future__ import annotations

import asyncio
import time
from typing import Any

__all__ = ["INTERVAL", "Watch"]

#: Seconds between two checks.
INTERVAL = 1.0


class Watch:
    """Calls the ``check_timeouts`` of every connection about once a second, so that none needs a timer for each read.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sessions: set[Any] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, session: Any) -> None:
        """Watch a connection.

        Args:
            session: Its session (`fasth2.asgi.session.Session`).
        """
        self._sessions.add(session)
        if self._timer is None:
            self._timer = self._loop.call_later(INTERVAL, self._check)

    def discard(self, session: Any) -> None:
        """Watch a connection no more; the timer ends with the last one.

        Args:
            session: Its session.
        """
        self._sessions.discard(session)
        if not self._sessions and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = self._loop.call_later(INTERVAL, self._check)
        now = time.monotonic()
        for session in list(self._sessions):
            session.check_timeouts(now)
