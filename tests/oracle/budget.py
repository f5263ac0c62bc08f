"""How many examples hypothesis plays.

Normally the same ones each time; with FASTH2_SLOW=1 ten times as many, new ones each time; a quarter under sanitizers.
"""
from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

SLOW = os.environ.get("FASTH2_SLOW") == "1"
SANITIZED = os.environ.get("FASTH2_SANITIZE") == "1"


def examples(number: int) -> Any:
    """Settings for a test of so many examples."""
    if SLOW:
        number *= 10
    elif SANITIZED:
        number //= 4
    return settings(max_examples=number, derandomize=not SLOW, database=None, deadline=None,
                    suppress_health_check=list(HealthCheck))
