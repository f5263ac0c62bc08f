"""Waiting for a condition instead of for a time."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], wait: float = 10.0, sleep: Callable[[float], Any] = time.sleep) -> Any:
    """Wait until a condition holds; return its last value, which is false when it never did.

    Args:
        condition: Called again and again.
        wait: Seconds at most.
        sleep: Called between, with seconds.
    """
    deadline = time.monotonic() + wait
    while not (found := condition()) and time.monotonic() < deadline:
        sleep(0.005)
    return found


def settled(value: Callable[[], Any], quiet: float = 0.3, wait: float = 30.0) -> Any:
    """Wait until a value changes no more; return it.

    Args:
        value: Called again and again.
        quiet: Seconds without a change that are enough.
        wait: Seconds at most.
    """
    last, deadline = [value()], time.monotonic() + wait
    while until(lambda: value() != last[-1], quiet) and time.monotonic() < deadline:
        last.append(value())
    return last[-1]


def wait_until(condition: Callable[[], Any], wait: float = 20.0) -> None:
    """Wait until a condition holds.

    Args:
        condition: Called again and again.
        wait: Seconds at most.

    Raises:
        AssertionError: It did not hold in time.
    """
    assert until(condition, wait), "waited in vain"
