"""A clock that a test turns, in the place of the ``time`` of modules."""
from __future__ import annotations

import types
from typing import Any


def clock_for(monkeypatch: Any, *modules: types.ModuleType) -> types.SimpleNamespace:
    """Give modules one clock whose ``now`` is to be assigned.

    Args:
        monkeypatch: pytest's, which takes it back.
        modules: The modules; of ``time`` they use `time.monotonic` alone.
    """
    clock = types.SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    for module in modules:
        monkeypatch.setattr(module, "time", clock)
    return clock


class Clock:
    """A clock to be handed in: returns ``now``, which is to be assigned."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
