"""Raw frames, valid and broken, to h2's client and to fasth2's: the same events, errors and output."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .budget import examples
from .client import configurations
from .server_raw import play_raw_as_client, raw_conversations

seeds = st.integers(0, 2**20)


@pytest.mark.slow
@examples(1000)
@given(raw_conversations, seeds, configurations)
def test_frames_have_the_same_effect_by_default(steps, seed, config):
    """Mostly legal frames first, then broken ones."""
    play_raw_as_client(steps, seed, **config)


@pytest.mark.slow
@examples(500)
@given(raw_conversations, seeds, configurations)
def test_frames_have_the_same_effect_under_rfc_errors(steps, seed, config):
    """The flag changes nothing but what is listed."""
    play_raw_as_client(steps, seed, ours={"rfc_errors": True}, **config)
