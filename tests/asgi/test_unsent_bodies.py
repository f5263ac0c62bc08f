"""What waits for clients that do not read is bounded, by connection and by process; it is counted."""
import pytest

from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, body, serving, start

PAGE = 500_000
MIB = 1 << 20


def pages(begun):
    """An application with pages of 500 kB."""
    async def app(scope, receive, send):
        begun.append(scope["path"])
        await start(send)
        await body(send, b"x" * PAGE)
    return app


def ask(connection, *stream_ids):
    connection.feed(b"".join(bytes(request(n, path=f"/{n}")) for n in stream_ids))


def unfinished(connection, stream_ids):
    ended = {sent.stream_id for sent in connection.wrote("DATA") if sent.end_stream}
    return [n for n in stream_ids if n not in ended]


@pytest.mark.parametrize("eager", [False, True])
def test_a_hundred_large_pages_for_a_client_without_a_window(eager):
    begun = []
    with serving(pages(begun), eager=eager) as server:
        connection = Connection(server, window=0)
        # One after another, and then many in one read.
        ask(connection, 1)
        for n in range(3, 101, 2):
            ask(connection, n)
        assert len(begun) == 2 * MIB // PAGE + 2
        held = len(begun) * PAGE
        assert server.service.unsent.total == held
        ask(connection, *range(101, 201, 2))
        assert server.service.unsent.total == held
        assert connection.session.protocol.engine.counters["unsent_connection"] == 1
        # The client opens its windows: each page arrives, and nothing is left.
        for _ in range(600):
            if not (ids := unfinished(connection, range(1, 201, 2))):
                break
            connection.feed(frames.window_update(0, MIB), *(frames.window_update(n, PAGE) for n in ids[:3]))
        assert sorted(begun) == sorted(f"/{n}" for n in range(1, 201, 2))
        assert server.service.unsent.total == 0


def test_requests_of_one_read_are_started_a_few_at_a_time():
    begun = []
    with serving(pages(begun), eager=False) as server:
        connection = Connection(server, window=0)
        ask(connection, *range(1, 201, 2))
        assert len(begun) == 32
        assert server.service.unsent.total == 32 * PAGE


def test_small_responses_of_one_read_are_all_served():
    async def app(scope, receive, send):
        await start(send)
        await body(send, b"x")

    for eager in (False, True):
        with serving(app, eager=eager) as server:
            connection = Connection(server)
            ask(connection, *range(1, 201, 2))
            assert [connection.body(n) for n in range(1, 201, 2)] == [b"x"] * 100


def test_a_connection_that_reads_is_served_while_others_fill_the_process():
    begun = []
    with serving(pages(begun), unsent_process=3 * PAGE) as server:
        stuck = [Connection(server, window=0) for _ in range(4)]
        for connection in stuck:
            ask(connection, 1)
            ask(connection, 3)
        # Each connection may have one response; a second one only while there is room.
        assert len(begun) == 2 + 2 + 1 + 1
        reader = Connection(server, window=MIB)
        reader.feed(frames.window_update(0, 4 * MIB))
        ask(reader, 1)
        ask(reader, 3)
        assert [len(reader.body(n)) for n in (1, 3)] == [PAGE, PAGE]
        assert stuck[-1].session.protocol.engine.counters == {"unsent_process": 1}
        # One that vanishes makes room for the others.
        server.turn(stuck[0].session.connection_lost)
        assert server.service.unsent.total == 4 * PAGE
        server.turn(stuck[1].session.connection_lost)
        assert len(begun) == 6 + 2 + 2
        for connection in stuck[2:]:
            server.turn(connection.session.connection_lost)
        assert server.service.unsent.total == 0
        assert server.service.unsent.held_back == {}


def test_a_request_that_waits_and_is_reset_never_starts():
    begun = []
    with serving(pages(begun), unsent_connection=PAGE) as server:
        connection = Connection(server, window=0)
        ask(connection, 1)
        ask(connection, 3)
        ask(connection, 5)
        ask(connection, 7, 9)
        assert begun == ["/1", "/3", "/5"]
        connection.feed(frames.rst_stream(7))
        connection.feed(frames.rst_stream(1), frames.rst_stream(3))
        assert begun == ["/1", "/3", "/5", "/9"]
        server.turn(connection.session.connection_lost)
        assert not server.service.tasks
        assert server.reports == []


def test_streams_share_what_may_wait_once_the_connection_is_above_its_bound():
    async def app(scope, receive, send):
        await start(send)
        for _ in range(100):
            await body(send, b"x" * 10000, more=True)
        await body(send)

    with serving(app, unsent_connection=300_000) as server:
        connection = Connection(server, window=0)
        ask(connection, 1, 3, 5, 7)
        assert server.service.unsent.total == 4 * 70000
        # The largest stream does not count.
        ask(connection, 9, 11)
        assert server.service.unsent.total == 5 * 70000 + 30000
        for _ in range(200):
            if not (ids := unfinished(connection, range(1, 13, 2))):
                break
            connection.feed(frames.window_update(0, MIB), *(frames.window_update(n, 70000) for n in ids))
        assert [len(connection.body(n)) for n in range(1, 13, 2)] == [1_000_000] * 6
