"""Raw frames, valid and broken, to h2's client and to fasth2's: the same events, errors and output."""
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from .budget import examples
from .client import Action, configurations
from .raw import Headers
from .server_raw import play_raw_as_client, raw_conversations

seeds = st.integers(0, 2**20)

#: An informational response on a stream that both sides have ended.
INTERIM_AFTER_THE_END = [
    Action("client", "request", [], ("GET", True, 0)),
    Headers(1, [(b":status", b"200")], end_stream=True, cuts=0, priority=None, padding=None),
    Headers(1, [(b":status", b"103")], end_stream=False, cuts=0, priority=None, padding=None),
]


@pytest.mark.slow
@examples(1000)
@given(raw_conversations, seeds, configurations)
@example(INTERIM_AFTER_THE_END, 0, {})
def test_frames_have_the_same_effect_by_default(steps, seed, config):
    """Mostly legal frames first, then broken ones."""
    play_raw_as_client(steps, seed, **config)


@pytest.mark.slow
@examples(500)
@given(raw_conversations, seeds, configurations)
def test_frames_have_the_same_effect_under_rfc_errors(steps, seed, config):
    """The flag changes nothing but what is listed."""
    play_raw_as_client(steps, seed, ours={"rfc_errors": True}, **config)
