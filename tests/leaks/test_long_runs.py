"""A million requests on one connection, and 20,000 connections: memory is flat once they have warmed up."""
import pytest

from tests.support.heap import alone, growth
from tests.support.long_runs import rounds

from . import traffic
from .servers import BODY, SERVERS

pytestmark = pytest.mark.slow

# Octets. The heap moves a little with what is cached where; one object lost a hundred requests is far more.
FLAT = 10_000


def one_connection(name, batches):
    """Batches of a hundred requests, on one connection."""
    server = SERVERS[name]()
    server.serve(traffic.PREFACE + traffic.SETTINGS_ACK)
    credit = traffic.window_update(0, 100 * len(BODY))

    def batch(number):
        answer = server.serve(credit + traffic.mixed(200 * number + 1, 100))
        assert answer.count(BODY) == 100

    grown = growth(batch, batches)
    assert server.requests == 100 * (batches + batches // 10)
    assert server.octets == 15 * server.requests
    return grown


@pytest.mark.parametrize("name", SERVERS)
def test_a_million_requests(name):
    assert alone(one_connection, name, rounds(1_000_000) // 100) < FLAT


def many_connections(name, connections):
    """Each serves a few requests and goes, one in three without GOAWAY."""
    make = SERVERS[name]

    def connection(number):
        server = make()
        server.serve(traffic.PREFACE + traffic.SETTINGS_ACK)
        assert server.serve(traffic.mixed(1, 10)).count(BODY) == 10
        if number % 3:
            server.serve(traffic.frame(7, 0, 0, bytes(8)))
        else:
            # In the middle of a frame.
            server.serve(traffic.post(21)[:-5])

    # CPython 3.10 gives a function its caches at its 1,024th call; some are called once a connection.
    return growth(connection, connections, max(connections // 10, 1100))


@pytest.mark.parametrize("name", SERVERS)
def test_many_connections(name):
    assert alone(many_connections, name, rounds(20_000)) < FLAT
