"""Raw frames, valid and broken, to h2's server and to fasth2's: the same events, errors and output."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .budget import examples
from .client import configurations
from .raw import play_raw, raw_conversations

seeds = st.integers(0, 2**20)


@pytest.mark.slow
@examples(2000)
@given(raw_conversations, seeds, st.booleans(), configurations)
def test_frames_have_the_same_effect_by_default(steps, seed, slim, config):
    """Mostly legal frames first, then broken ones."""
    play_raw(steps, seed, slim=slim, **config)


@pytest.mark.slow
@examples(800)
@given(raw_conversations, seeds, st.booleans(), configurations)
def test_frames_have_the_same_effect_under_rfc_errors(steps, seed, slim, config):
    """The flag changes nothing but what is listed."""
    play_raw(steps, seed, slim=slim, ours={"rfc_errors": True}, **config)
