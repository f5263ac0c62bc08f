"""Waiting for a condition instead of for a time."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], wait: float = 10.0) -> Any:
    """Wait until a condition holds; return its last value, which is false when it never did.

    Args:
        condition: Called again and again.
        wait: Seconds at most.
    """
    deadline = time.monotonic() + wait
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def wait_until(condition: Callable[[], Any], wait: float = 20.0) -> None:
    """Wait until a condition holds.

    Args:
        condition: Called again and again.
        wait: Seconds at most.

    Raises:
        AssertionError: It did not hold in time.
    """
    assert until(condition, wait), "waited in vain"
