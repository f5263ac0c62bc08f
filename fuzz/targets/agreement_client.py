"""Frames and calls to h2's client and to fasth2's: what is not in docs/differences.md is the same."""
from tests.oracle.test_raw_frames_of_servers import test_frames_have_the_same_effect_by_default as by_default
from tests.oracle.test_raw_frames_of_servers import (
    test_frames_have_the_same_effect_under_rfc_errors as under_rfc_errors,
)


def one_input(data: bytes) -> None:
    """Have hypothesis draw a conversation from the input, and play it."""
    (under_rfc_errors if data[:1] > b"\x7f" else by_default).hypothesis.fuzz_one_input(data[1:])
