"""A clock that a test turns, in the place of a module's ``time``."""
from __future__ import annotations

import types
from typing import Any


def clock_for(monkeypatch: Any, module: types.ModuleType) -> types.SimpleNamespace:
    """Give a module a clock whose ``now`` is to be assigned.

    Args:
        monkeypatch: pytest's, which takes it back.
        module: The module; of ``time`` it uses `time.monotonic` alone.
    """
    clock = types.SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(module, "time", clock)
    return clock


class Clock:
    """A clock to be handed in: returns ``now``, which is to be assigned."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
