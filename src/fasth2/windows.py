"""Receive windows that adapt to the link: how far they grow, and what all connections of a process may have."""
from __future__ import annotations

import threading
from typing import Any

__all__ = ["AdaptiveWindows", "WindowBudget"]

#: Seconds for which connections keep to their fair share after one was refused.
_PRESSURE = 10.0


class WindowBudget:
    """The credit that the connections of a process may grant above their base windows, in all.

    May be shared by threads.

    Args:
        limit: Octets.

    Raises:
        ValueError: ``limit`` is negative.
    """

    __slots__ = ("_connections", "_granted", "_limit", "_lock", "_pressed_until", "_refused")

    def __init__(self, limit: int) -> None:
        if limit < 0:
            raise ValueError("limit must not be negative")
        self._limit = limit
        self._lock = threading.Lock()
        self._granted = self._connections = self._refused = 0
        self._pressed_until = 0.0

    def __repr__(self) -> str:
        return f"<WindowBudget granted={self._granted} limit={self._limit} connections={self._connections}>"

    @property
    def limit(self) -> int:
        """Octets that may be granted."""
        return self._limit

    @property
    def granted(self) -> int:
        """Octets that are granted now."""
        return self._granted

    @property
    def connections(self) -> int:
        """The number of connections that could use a larger window, or have one."""
        return self._connections

    @property
    def refused(self) -> int:
        """The number of times that a connection was granted less than it could have used."""
        return self._refused

    def join(self) -> None:
        """Count a connection among those that share the budget."""
        with self._lock:
            self._connections += 1

    def leave(self, octets: int) -> None:
        """Count a connection no more.

        Args:
            octets: What it gives up.
        """
        with self._lock:
            self._connections -= 1
            self._granted -= octets

    def reserve(self, octets: int, held: int, now: float) -> int:
        """Grant octets to a connection that has joined.

        Args:
            octets: The number that it could use more.
            held: The number that it has.
            now: Seconds, of a clock that all connections share.

        Returns:
            The number that it gets, 0 or more.
        """
        with self._lock:
            got = min(octets, self._limit - self._granted)
            if got < octets:
                self._refused += 1
                self._pressed_until = now + _PRESSURE
            if now < self._pressed_until:
                got = min(got, self._limit // max(self._connections, 1) - held)
            got = max(got, 0)
            self._granted += got
            return got

    def release(self, octets: int) -> None:
        """Take octets back from a connection.

        Args:
            octets: The number that it gives up.
        """
        with self._lock:
            self._granted -= octets

    def share(self, now: float) -> int | None:
        """Return the octets that each connection may keep while the budget is short; ``None`` while it is not.

        Args:
            now: Seconds.
        """
        if now >= self._pressed_until:
            return None
        return self._limit // max(self._connections, 1)


class AdaptiveWindows:
    """How far the receive windows of connections may grow (RFC 9113 section 5.2).

    A window grows towards twice the product of bandwidth and delay that a PING
    behind received DATA measures, while the application reads what arrives.

    Args:
        stream: Octets of a stream's window at most.
        connection: Octets of a connection's window at most.
        budget: What all connections with the same budget may have above their base windows.

    Raises:
        ValueError: A number of octets is not between 0 and 2**31 - 1.
    """

    __slots__ = ("_budget", "_connection", "_stream")

    def __init__(self, stream: int = 8 << 20, connection: int = 16 << 20, budget: WindowBudget | None = None) -> None:
        for octets in (stream, connection):
            if not 0 <= octets <= 0x7FFFFFFF:
                raise ValueError(f"a window of {octets} octets is not possible")
        self._stream = stream
        self._connection = connection
        self._budget = WindowBudget(64 << 20) if budget is None else budget

    def __repr__(self) -> str:
        return f"AdaptiveWindows(stream={self._stream}, connection={self._connection}, budget={self._budget!r})"

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, AdaptiveWindows):
            return NotImplemented
        return (self._stream, self._connection, self._budget) == (other._stream, other._connection, other._budget)

    def __hash__(self) -> int:
        return hash((self._stream, self._connection, self._budget))

    @property
    def stream(self) -> int:
        """Octets of a stream's window at most."""
        return self._stream

    @property
    def connection(self) -> int:
        """Octets of a connection's window at most."""
        return self._connection

    @property
    def budget(self) -> WindowBudget:
        """What all connections with the same budget may have."""
        return self._budget
