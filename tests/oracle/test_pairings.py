"""h2 and fasth2 as clients and servers of each other: complete exchanges look the same in all four pairings."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .budget import examples
from .exchange import Exchange

PAIRINGS = [("h2", "fasth2"), ("fasth2", "h2"), ("fasth2", "fasth2")]
CONFIGURATIONS = [{}, {"header_encoding": "utf-8"}, {"split_outbound_cookies": True}, {"normalize_inbound_headers": False}]


@pytest.mark.slow
@examples(150)
@given(st.integers(0, 2**32), st.sampled_from([5, 20, 40]), st.sampled_from(CONFIGURATIONS))
def test_an_exchange_is_the_same_in_every_pairing(seed, steps, config):
    """Events, windows and counts of both sides, against h2 talking to itself."""
    expected = Exchange("h2", "h2", seed, **config).play(steps)
    for client, server in PAIRINGS:
        assert Exchange(client, server, seed, **config).play(steps) == expected, (client, server)
