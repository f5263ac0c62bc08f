"""What the worker remembers of responses for good: the tables grow, or stay as they were where there is no memory."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.heap import alone

#: Past the sizes at which a dict's table of 8, 16, 32 and 64 is full.
NAMES = 50


def remember() -> int:
    """Serve responses with ever new names and status lines, each until no allocation fails; how many failures."""
    from .failing import attempt
    from .scenarios import request, serves

    failures = 0
    for number in range(NAMES):
        name, status = f"X-Remembered-{number}", f"200 Remembered {number}"
        answered: list[str] = []

        def application(environ: dict[str, Any], start_response: Callable[..., Any], *,
                        name: str = name, status: str = status, answered: list[str] = answered) -> list[bytes]:
            start_response(status, [(name, "value")])
            answered.append(name)
            return []

        scenario = serves(application, request(1))
        first = 1
        while not attempt(scenario, first, first + 1):
            failures += 1
            first += 1
        assert answered
    return failures


def test_names_and_statuses():
    """Each allocation of each response fails once."""
    assert alone(remember) > NAMES
