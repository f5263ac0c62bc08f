"""How many references to an object there are."""
from __future__ import annotations

import sys


def references(thing: object) -> int:
    """References to an object beyond the variable that the caller has it in."""
    return sys.getrefcount(thing) - _IN_A_VARIABLE


def _in_a_variable() -> int:
    # How many the calls themselves hold differs between Python versions, and in
    # some between a variable and a temporary object.
    thing = object()
    return references(thing)


_IN_A_VARIABLE = 0
_IN_A_VARIABLE = _in_a_variable()
