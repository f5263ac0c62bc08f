"""docs/security.md, row 38 and L16: what a connection remembers of streams that are over."""
import pytest

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from tests.support.heap import alone, in_use

from . import traffic

# malloc gives large blocks in whole pages.
PAGE = 4500

# What an interpreter keeps of freed objects, however many streams there were: 200 octets on 3.11, 1600 on 3.14.
KEPT = 2500


def memory_of_closed_streams(limit, streams):
    """Octets that so many closed streams cost; afterwards twice as many have been closed."""
    config = H2Configuration(client_side=False, limits=Limits(closed_streams=limit, reset_burst=None))
    connection = H2Connection(config)
    connection.initiate_connection()

    def close(first, last):
        for sid in range(first, last, 2):
            connection.receive_data(traffic.get(sid) + traffic.reset(sid))
            connection.data_to_send()

    connection.receive_data(traffic.PREFACE)
    # Fills the table; the first closed streams have their place.
    close(1, 201)
    before = in_use()
    close(201, 2 * streams)
    half = in_use() - before
    close(2 * streams + 1, 4 * streams)
    return half, in_use() - before


def test_closed_streams_take_8_bytes_each_up_to_the_limit():
    half, whole = alone(memory_of_closed_streams, 1000, 1000)
    assert 0 < half <= 8 * 1000 + KEPT
    assert whole - half < KEPT


@pytest.mark.slow
def test_closed_streams_take_8_bytes_each_without_a_limit():
    half, whole = alone(memory_of_closed_streams, None, 65_536)
    assert half <= 8 * 65_536 + PAGE + KEPT
    # Room for twice as many was made at once.
    assert whole <= 2 * 8 * 65_536 + PAGE + KEPT


def test_a_limit_of_0_keeps_no_closed_stream():
    half, whole = alone(memory_of_closed_streams, 0, 1000)
    assert half < KEPT
    assert whole < KEPT
