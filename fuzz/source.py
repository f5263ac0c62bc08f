"""A fuzzer's octets as numbers and choices."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Source:
    """Reads an input from its beginning; past its end every number is 0.

    Small steps of the input make small steps of what is drawn, so that a mutation changes one thing.

    Args:
        data: The input.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def below(self, bound: int) -> int:
        """Return a number from 0 to ``bound - 1``, of one octet if the bound is at most 256, else of two or four."""
        size = 1 if bound <= 256 else 2 if bound <= 65536 else 4
        number = int.from_bytes(self.data[self.at:self.at + size], "big")
        self.at += size
        return number % bound

    def flag(self) -> bool:
        """Return True or False."""
        return self.below(2) == 1

    def choice(self, values: Sequence[T]) -> T:
        """Return one of the values."""
        return values[self.below(len(values))]

    def octets(self, most: int) -> bytes:
        """Return up to ``most`` octets of the input as they are; the first one says how many."""
        length = min(self.below(256), most)
        octets = self.data[self.at:self.at + length]
        self.at += length
        return octets

    def rest(self) -> bytes:
        """Return what is left."""
        octets = self.data[self.at:]
        self.at = len(self.data)
        return octets

    def cut(self, octets: bytes) -> list[bytes]:
        """Return octets in one piece, in two, or octet by octet."""
        how = self.below(8)
        if how == 1 and len(octets) < 64:
            return [octets[at:at + 1] for at in range(len(octets))]
        if how in (2, 3):
            at = self.below(len(octets) + 1)
            return [octets[:at], octets[at:]]
        return [octets]
