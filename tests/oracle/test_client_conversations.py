"""h2's client talks to h2's server and to fasth2's: events, errors, windows and output must agree."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .budget import examples
from .client import configurations, conversations, converse

seeds = st.integers(0, 2**20)


@pytest.mark.slow
@examples(1000)
@given(conversations, seeds, st.booleans(), configurations)
def test_conversations_go_the_same_way_by_default(actions, seed, slim, config):
    """Whatever the client and the server do, cut anywhere."""
    converse(actions, seed, slim=slim, **config)


@pytest.mark.slow
@examples(400)
@given(conversations, seeds, st.booleans(), configurations)
def test_conversations_go_the_same_way_under_rfc_errors(actions, seed, slim, config):
    """The flag changes nothing but what is listed."""
    converse(actions, seed, slim=slim, ours={"rfc_errors": True}, **config)
