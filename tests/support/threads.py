"""Functions run in threads at once."""
from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from .long_runs import SLOW


def rounds(number: int) -> int:
    """How many of a test's rounds to do: ten times as many under FASTH2_SLOW=1."""
    return number * 10 if SLOW else number


def together(*targets: Callable[[], Any], seconds: float = 120) -> list[Any]:
    """Run functions in threads of their own, started at the same moment.

    With the interpreter's lock they change places every 10 microseconds, not every 5 milliseconds.

    Args:
        targets: The functions.
        seconds: How long each may take; a thread that takes longer fails the test.

    Returns:
        What each function returned, in their order.

    Raises:
        BaseException: The first error of any of them.
    """
    results: list[Any] = [None] * len(targets)
    errors: list[BaseException] = []
    start = threading.Barrier(len(targets))

    def guarded(place: int, target: Callable[[], Any]) -> None:
        start.wait()
        try:
            results[place] = target()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=each, daemon=True) for each in enumerate(targets)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds)
            assert not thread.is_alive(), "a thread hangs"
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]
    return results
