"""Bounded memos: what they hold, and how they start anew."""
from fasth2._memo import remember
from tests.support.threads import together


def test_an_entry_is_found_again_and_returned():
    memo = {}
    assert remember(memo, "key", "value", 2) == "value"
    assert memo == {"key": "value"}


def test_an_entry_too_many_removes_the_others():
    memo = {}
    for number in range(3):
        remember(memo, number, number, 3)
    assert set(memo) == {0, 1, 2}
    remember(memo, 3, 3, 3)
    assert set(memo) == {3}


def test_threads_share_a_memo():
    memo = {}

    def fill(first):
        for number in range(first, first + 5000):
            assert remember(memo, number, number, 16) == number
            assert memo.get(number, number) == number

    together(*(lambda first=first: fill(first) for first in (0, 5000, 10000)))
    assert len(memo) <= 16 + 3
