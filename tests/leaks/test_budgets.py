"""What a connection, a stream and a table cost: the memory budgets, with malloc's own overhead, without the socket."""
import sys

import hpack
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from tests.support.heap import alone, in_use

from . import traffic
from .servers import SERVERS, UNLIMITED, Adaptive

KIB = 1024
KINDS = {**SERVERS, "Adaptive": Adaptive}
CONNECTIONS = 500

#: From 3.13 on an object with attributes has room for more of them than it has.
ROOM = 100 if sys.version_info >= (3, 13) else 0

BROWSER = [
    (":method", "GET"), (":authority", "shop.example.com"), (":scheme", "https"), (":path", "/article/101?view=full"),
    ("sec-ch-ua", '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"'),
    ("sec-ch-ua-mobile", "?0"), ("sec-ch-ua-platform", '"Linux"'), ("upgrade-insecure-requests", "1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
                   "Safari/537.36"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate"), ("sec-fetch-user", "?1"),
    ("sec-fetch-dest", "document"), ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en-US;q=0.9,en;q=0.8"), ("cookie", "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"),
]


def each(make, number=CONNECTIONS):
    """Octets in use for each of so many things."""
    kept = [make() for _ in range(20)]
    before = in_use()
    kept += [make() for _ in range(number)]
    return (in_use() - before) / number


def idle(name):
    """A connection after one browser GET and its answer."""
    block = hpack.Encoder().encode(BROWSER)
    request = traffic.PREFACE + traffic.SETTINGS_ACK + traffic.frame(1, 0x5, 1, block)

    def connection():
        server = KINDS[name]()
        # As octets from a socket are, these are nobody else's.
        assert server.serve(bytes(bytearray(request)))
        if hasattr(server.connection, "sock"):
            server.connection.sock = None
        return server.connection

    return each(connection)


@pytest.mark.parametrize("name", SERVERS)
def test_an_idle_connection(name):
    assert alone(idle, name) < 10 * KIB + ROOM


def test_windows_that_adapt_cost_a_connection_without_uploads_nothing():
    """A pointer, rounded up to what malloc hands out."""
    assert alone(idle, "Adaptive") - alone(idle, "OneCall") <= 16


def literals(size):
    """Fields that fill the table, each of so many octets, none like another."""
    half = (size - 32) // 2
    return b"".join(
        b"\x40" + bytes([half]) + (b"x%0*d" % (half - 1, number)) + bytes([half]) + (b"%0*d" % (half, number))
        for number in range(4096 // size))


def full_table(name, size):
    """What a table full of entries adds, for each of many connections."""
    block = literals(size)

    def connection(block):
        server = SERVERS[name]()
        server.serve(traffic.PREFACE + traffic.SETTINGS_ACK + traffic.get(1))
        # In trailers, which gunicorn keeps nothing of; then they are gone.
        server.serve(traffic.post(3) + traffic.frame(1, 0x5, 3, block))
        return server.connection

    with_table = each(lambda: connection(block))
    # As many fields, and none of them kept.
    without = each(lambda: connection(block.replace(b"\x40", b"\x00")))
    return with_table - without


@pytest.mark.parametrize("size", [80, 100, 254])
@pytest.mark.parametrize("name", ["H2Calls", "OneCall"])
def test_a_full_table_of_the_peer(name, size):
    assert alone(full_table, name, size) < 16 * KIB


def open_streams(slim):
    """A stream each, whose request was handed out and let go."""
    connection = H2Connection(H2Configuration(client_side=False, limits=UNLIMITED))
    connection.local_settings.max_concurrent_streams = 10_000
    connection.initiate_connection()
    take = connection.ready_requests if slim else connection.receive_data
    take(traffic.PREFACE + traffic.SETTINGS_ACK)
    ids = iter(range(1, 100_000, 2))

    def stream():
        sid = next(ids)
        take(traffic.post(sid) + traffic.data(sid, bytes(5)))
        connection.respond(sid, 200, [], b"", end_stream=False)
        connection.pull()

    return each(stream, 5000)


@pytest.mark.parametrize("slim", [False, True])
def test_a_stream(slim):
    assert alone(open_streams, slim) < KIB
