"""The counters of all connections of a process, ended ones included."""
from __future__ import annotations

import collections
import itertools
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["GAUGES", "Record", "add_gauge", "counters"]

#: Number of ended connections after which their counts are added up.
_WAITING = 1000

_numbers = itertools.count()

# Open connections: their engine, which counts. Nothing here references the connection itself, which could never be freed
# otherwise.
_open: dict[int, Any] = {}

# Counts of ended connections. A connection may end at any point, on any
# thread, so its end takes the lock only if that is free.
_ended: collections.deque[tuple[int, dict[str, int]]] = collections.deque()

# Connections whose counts are in the totals, and that may still be in `_open`.
_added: set[int] = set()

#: Names in `counters` whose values say how much of something there is now.
GAUGES = {"connections_open"}

_gauges: dict[str, Callable[[], int]] = {}

_totals: collections.Counter[str] = collections.Counter(connections=0)
_adding = threading.Lock()


class Record:
    """Registers a connection's counters; the connection holds it, and both end together.

    Args:
        engine: The connection's `fasth2.connection.H2Connection`.
    """

    __slots__ = ("_number",)

    def __init__(self, engine: Any) -> None:
        self._number = next(_numbers)
        _open[self._number] = engine

    def __del__(self) -> None:
        number = self._number
        # In this order: `counters` recognises a connection that is in both, by `_added`.
        _ended.append((number, _open[number].counters))
        del _open[number]
        if len(_ended) > _WAITING and _adding.acquire(blocking=False):
            try:
                _add_ended()
                _forget_added()
            finally:
                _adding.release()


def add_gauge(name: str, read: Callable[[], int]) -> None:
    """Have `counters` tell how much there is of something.

    Args:
        name: Its name there.
        read: Returns the number; may be called from any thread.
    """
    GAUGES.add(name)
    _gauges[name] = read


def _add_ended() -> None:
    """Add up the counts of ended connections. Called with `_adding` held."""
    while _ended:
        number, counts = _ended.popleft()
        _added.add(number)
        _totals["connections"] += 1
        for name, count in counts.items():
            _totals[name] += count


def _forget_added() -> None:
    """Drop connections from `_added` that have left `_open`. Called with `_adding` held."""
    _added.intersection_update(_open.copy())


def counters() -> dict[str, int]:
    """Return how often each limit was exceeded and each kind of fault occurred, in this process.

    Returns:
        The sums of the connections' ``counters``, ended connections included;
        a missing name means 0. ``connections`` is the number of all connections
        so far, ``connections_open`` that of the open ones.
        Where windows adapt, ``window_growth`` is the number of octets that they
        have above their initial size.
    """
    with _adding:
        there = _open.copy()
        _add_ended()
        totals = _totals.copy()
        count = 0
        for number, engine in there.items():
            if number not in _added:
                count += 1
                totals.update(engine.counters)
        _forget_added()
    totals["connections"] += count
    totals["connections_open"] = count
    for name, read in list(_gauges.items()):
        totals[name] = read()
    return dict(totals)
