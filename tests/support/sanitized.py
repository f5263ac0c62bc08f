"""What AddressSanitizer makes different: it keeps memory that was freed, and everything takes longer."""
import math
import os

#: Whether the tests run under it (``make test-sanitize``).
SANITIZED = os.environ.get("FASTH2_SANITIZE") == "1"


def memory_bound(most: float) -> float:
    """What a process's memory must stay below.

    Args:
        most: The bound without AddressSanitizer, in any unit; with it there is none.
    """
    return math.inf if SANITIZED else most
