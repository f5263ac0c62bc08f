"""How many examples hypothesis plays.

Normally the same ones each time on the same tree (hypothesis takes constants
from the code around it); with FASTH2_SLOW=1 ten times as many, new ones each
time; a quarter under sanitizers.
"""
from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from tests.support.long_runs import SLOW

SANITIZED = bool(os.environ.get("FASTH2_SANITIZE"))


def examples(number: int) -> Any:
    """Settings for a test of so many examples."""
    if SLOW:
        number *= 10
    elif SANITIZED:
        number //= 4
    # Whoever only wants to know whether a test fails (tools/mutate.py) doesn't wait for the smallest example.
    phases = [Phase.generate] if os.environ.get("FASTH2_QUICK_FAILURES") == "1" else list(Phase)
    return settings(max_examples=number, phases=phases, derandomize=not SLOW, database=None, deadline=None,
                    suppress_health_check=list(HealthCheck))
