"""Each allocation of a scenario fails, in an interpreter of its own (see `tests.support.heap.alone`).

Once with only the nth failing, once with all from the nth on, for each n until the scenario needs no more.
"""
from __future__ import annotations

import _testcapi
import gc
import sys
from typing import Any

from fasth2.wsgi import dispatcher as _dispatcher
from tests.support.heap import in_use

from .scenarios import SCENARIOS

# `datetime` keeps memory after calls that found none (CPython 3.11).
_dispatcher.formatdate = lambda second, usegmt: "Thu, 01 Jan 1970 00:00:00 GMT"

#: Passes before those whose leaks add up: CPython makes room for what it learns of code that runs often.
WARM_UP, PASSES = 3, 4


def attempt(scenario: Any, first: int, stop: int) -> bool:
    """Play the scenario with its allocations from ``first`` to before ``stop`` (0: all) failing; whether it succeeded."""
    subject = scenario.make()
    succeeded = True
    _testcapi.set_nomemory(first, stop)
    try:
        try:
            scenario.act(subject)
        finally:
            _testcapi.remove_mem_hooks()
    except MemoryError as error:
        succeeded = False
        # Else the frames it went through keep what was made.
        error.__traceback__ = None
    scenario.close(subject)
    # Here, not when the collector thinks: what it leaves to caches differs with how much there is.
    del subject
    gc.collect()
    return succeeded


def allocations(scenario: Any) -> int:
    """How many allocations there are: from the next on, it does not matter if all fail."""
    count = quiet = 0
    # Some failures are absorbed, such as that of a copy for a traceback.
    while quiet < 25:
        count += 1
        quiet = quiet + 1 if attempt(scenario, count, 0) else 0
    return count - quiet


def fail_each(name: str, step: int = 1) -> dict[str, Any]:
    """Play a scenario with each allocation failing.

    Args:
        name: Its name.
        step: 2 for every other allocation, and so on.

    Returns:
        ``allocations``, ``failures`` (of a pass), ``leaked`` (a pass: octets, less than malloc's smallest piece of 32
        where nothing stays behind), and ``swallowed``: errors that went no further than `sys.unraisablehook`.
    """
    scenario = SCENARIOS[name]
    swallowed: list[str] = []
    sys.unraisablehook = lambda unraisable: swallowed.append(repr(unraisable.exc_value) + repr(unraisable.object))
    # Only what a scenario makes is looked at each time.
    gc.collect()
    gc.disable()
    gc.freeze()
    total = allocations(scenario)
    failures = before = 0
    for number in range(-WARM_UP, PASSES):
        failures = 0
        if number == 0:
            before = in_use()
        for n in range(1, total + 1, step):
            failures += not attempt(scenario, n, n + 1)
            failures += not attempt(scenario, n, 0)
    leaked = (in_use() - before) / PASSES
    return {"allocations": total, "failures": failures, "leaked": leaked, "swallowed": swallowed}
