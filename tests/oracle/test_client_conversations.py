"""h2's client talks to h2's server and to fasth2's: events, errors, windows and output must agree."""
from hypothesis import given
from hypothesis import strategies as st

from .budget import examples
from .client import conversations, converse


@examples(1500)
@given(conversations, st.integers(0, 2**20), st.booleans())
def test_conversations_go_the_same_way_by_default(actions, seed, slim):
    """Whatever the client and the server do."""
    converse(actions, seed, slim=slim)
