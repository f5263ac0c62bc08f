"""How long the tests that are marked slow run."""
from __future__ import annotations

import os

#: Whether they run at full length (``make test-slow``).
SLOW = os.environ.get("FASTH2_SLOW") == "1"


def rounds(number: int) -> int:
    """The number of rounds to run: all with `SLOW`, else a tenth."""
    return number if SLOW else number // 10
