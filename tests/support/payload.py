"""Octets that say where in a body they are."""
from __future__ import annotations

import functools
from collections.abc import Iterator

#: The octets of a part.
BLOCK = 65536

#: The body repeats after this many octets, which no power of two divides.
_PERIOD = 65521


@functools.cache
def _pattern() -> bytes:
    octets = bytes((at * 31 + (at >> 8)) & 255 for at in range(_PERIOD))
    return octets * 3


def octets(at: int, size: int) -> bytes:
    """The octets of a body at a place, `BLOCK` at most."""
    at %= _PERIOD
    return _pattern()[at : at + size]


def is_filled(data: bytes, at: int) -> bool:
    """Whether a part is what belongs at its place."""
    view = memoryview(data)
    return all(view[begin : begin + BLOCK] == octets(at + begin, min(BLOCK, len(data) - begin))
               for begin in range(0, len(data), BLOCK))


def fill(size: int) -> Iterator[bytes]:
    """A body of a size, in parts."""
    for at in range(0, size, BLOCK):
        yield octets(at, min(BLOCK, size - at))
