"""The counters of all connections of a process, those that have ended included."""
from __future__ import annotations

import collections
import itertools
import threading
from typing import Any

__all__ = ["Record", "counters"]

#: Connections that may end before their counts are added up.
_WAITING = 1000

_numbers = itertools.count()

# The connections that there are: their engine, which counts, and for the few that have any, what the protocol has
# counted itself. Nothing here leads back to a connection, which could never end otherwise.
_open: dict[int, Any] = {}
_own: dict[int, dict[str, int]] = {}

# Counts of connections that have ended. A connection may end in the midst of
# anything, on any thread, so that only takes a lock if it is free.
_ended: collections.deque[tuple[int, dict[str, int]]] = collections.deque()

# Those whose counts are in the totals, and that may not be out of `_open` yet.
_added: set[int] = set()

_totals: collections.Counter[str] = collections.Counter(connections=0)
_adding = threading.Lock()


class Record:
    """Has a connection counted; held by the connection, and ends with it.

    Args:
        engine: The connection's `fasth2.connection.H2Connection`.
    """

    __slots__ = ("_number",)

    def __init__(self, engine: Any) -> None:
        self._number = next(_numbers)
        _open[self._number] = engine

    def add(self, counts: dict[str, int]) -> None:
        """Have something counted that the engine does not count.

        Args:
            counts: Names and how often; it may change later.
        """
        _own[self._number] = counts

    def __del__(self) -> None:
        number = self._number
        # In this order: `counters` can tell one that is in both, by `_added` afterwards.
        _ended.append((number, {**_open[number].counters, **_own.get(number, {})}))
        del _open[number]
        _own.pop(number, None)
        if len(_ended) > _WAITING and _adding.acquire(blocking=False):
            try:
                _add_ended()
                _forget_added()
            finally:
                _adding.release()


def _add_ended() -> None:
    """Add up the counts of ended connections, with `_adding` held."""
    while _ended:
        number, counts = _ended.popleft()
        _added.add(number)
        _totals["connections"] += 1
        for name, count in counts.items():
            _totals[name] += count


def _forget_added() -> None:
    """Keep of `_added` what is still in `_open`, with `_adding` held: what is out of it does not come back."""
    _added.intersection_update(_open.copy())


def counters() -> dict[str, int]:
    """Return how often each limit was crossed and each kind of fault was met, in this process.

    Returns:
        The sums of the connections' ``counters``, those of ended connections
        included; a name that is not in it counts nothing. ``connections`` is how
        many there have been, and ``connections_open`` how many there are.
    """
    with _adding:
        own, there = _own.copy(), _open.copy()
        _add_ended()
        totals = _totals.copy()
        count = 0
        for number, engine in there.items():
            if number not in _added:
                count += 1
                totals.update(engine.counters)
                totals.update(own.get(number, {}))
        _forget_added()
    totals["connections"] += count
    totals["connections_open"] = count
    return dict(totals)
