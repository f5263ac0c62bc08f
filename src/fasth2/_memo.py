"""Bounded memos: dicts that start anew when they are full."""
from __future__ import annotations

from typing import TypeVar

__all__ = ["remember"]

K = TypeVar("K")
V = TypeVar("V")


def remember(memo: dict[K, V], key: K, value: V, size: int) -> V:
    """Put an entry into a memo; an entry that would be one too many removes all others first.

    Reading is left to the dict, so that a hit costs no call. Threads can share a memo without a lock: each step here is
    atomic. It holds at most one entry a thread more than `size` then.

    Args:
        memo: The memo.
        key: What is looked up.
        value: What is found then.
        size: Entries at most.

    Returns:
        The value.
    """
    if len(memo) >= size:
        memo.clear()
    memo[key] = value
    return value
