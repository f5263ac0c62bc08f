"""h2's server talks to h2's client and to fasth2's: events, errors, windows and output must agree."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .budget import examples
from .client import configurations
from .server import conversations, converse_as_client

seeds = st.integers(0, 2**20)


@pytest.mark.slow
@examples(600)
@given(conversations, seeds, configurations)
def test_conversations_go_the_same_way_by_default(actions, seed, config):
    """Whatever the client and the server do, cut anywhere."""
    converse_as_client(actions, seed, **config)


@pytest.mark.slow
@examples(250)
@given(conversations, seeds, configurations)
def test_conversations_go_the_same_way_under_rfc_errors(actions, seed, config):
    """The flag changes nothing but what is listed."""
    converse_as_client(actions, seed, ours={"rfc_errors": True}, **config)
