"""The ends of connections: shutdown, time-outs, GOAWAY, errors."""
import asyncio

from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, body, serving, start


async def hello(scope, receive, send):
    await start(send)
    await body(send, b"hello")


def gated():
    """An event, and an application that waits for it before it says hello."""
    gate = asyncio.Event()

    async def app(scope, receive, send):
        await gate.wait()
        await hello(scope, receive, send)

    return gate, app


def goaways(connection):
    return [(sent.last_stream_id, sent.error_code) for sent in connection.wrote("GOAWAY")]


def test_shutdown_of_an_idle_connection_is_two_goaways_and_requests_between_them_are_served():
    with serving(hello) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn(connection.session.shutdown)
        assert goaways(connection) == [(2**31 - 1, 0)]
        connection.feed(request(3))
        assert connection.body(3) == b"hello"
        server.later(1.0)
        server.later(0.1)
        assert goaways(connection) == [(2**31 - 1, 0), (3, 0)]
        assert connection.transport.ended
        assert not connection.transport.closed
        server.later(2.0)
        assert connection.transport.closed


def test_shutdown_waits_for_open_requests():
    gate, app = gated()
    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn(connection.session.shutdown)
        assert goaways(connection) == []
        server.later(2.0)
        assert goaways(connection) == [(2**31 - 1, 0)]
        server.later(0.5)
        server.later(0.5)
        assert goaways(connection)[-1] == (1, 0)
        assert not connection.transport.ended
        server.turn(gate.set)
        assert connection.body() == b"hello"
        assert connection.transport.ended


def test_the_first_goaway_follows_the_last_response():
    gate, app = gated()
    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn(connection.session.shutdown)
        server.turn(gate.set)
        assert goaways(connection) == [(2**31 - 1, 0)]


def test_streams_after_the_final_goaway_are_not_served():
    gate, app = gated()
    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn(connection.session.leave)
        connection.feed(request(3))
        server.turn(gate.set)
        assert connection.body() == b"hello"
        assert connection.wrote("HEADERS", 3) == []
        assert server.total_requests == 1


def test_long_streams_are_told_of_a_shutdown():
    seen = []

    async def app(scope, receive, send):
        await receive()
        await start(send)
        await body(send, b"first", more=True)
        seen.append(await receive())
        await body(send, b"last")

    with serving(app, disconnect_on_shutdown=3.0) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn(connection.session.shutdown)
        server.later(2.0)
        assert seen == []
        server.later(1.5)
        assert seen == [{"type": "http.disconnect"}]
        assert connection.body() == b"firstlast"


def test_an_idle_connection_ends_after_the_keep_alive():
    with serving(hello, keep_alive=5.0) as server:
        connection = Connection(server)
        connection.feed(request(1))
        for _ in range(4):
            server.now += 1
            server.turn(lambda: connection.session.check_timeouts(server.now))
        assert goaways(connection) == []
        connection.feed(request(3))
        for _ in range(5):
            server.now += 1
            server.turn(lambda: connection.session.check_timeouts(server.now))
        assert goaways(connection) == []
        assert not connection.session.ended
        server.now += 1
        server.turn(lambda: connection.session.check_timeouts(server.now))
        assert goaways(connection) == [(3, 0)]
        assert connection.transport.ended


def test_pings_keep_a_connection_open_where_that_is_set():
    for kept in (False, True):
        with serving(hello, keep_alive=2.0, keep_alive_pings=kept) as server:
            connection = Connection(server)
            for _ in range(5):
                connection.feed(frames.ping())
                server.now += 1
                server.turn(lambda server=server, connection=connection: connection.session.check_timeouts(server.now))
            assert (goaways(connection) == []) == kept, kept


def test_a_request_that_takes_long_is_not_idle():
    async def app(scope, receive, send):
        await asyncio.Event().wait()

    with serving(app, keep_alive=2.0) as server:
        connection = Connection(server)
        connection.feed(request(1))
        for _ in range(5):
            server.now += 1
            server.turn(lambda: connection.session.check_timeouts(server.now))
        assert goaways(connection) == []


def test_a_connection_of_the_maximum_age_ends_gracefully():
    with serving(hello, max_age=60.0, max_age_jitter=0.0, keep_alive=None) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.now += 59
        server.turn(lambda: connection.session.check_timeouts(server.now))
        assert goaways(connection) == []
        server.now += 2
        server.turn(lambda: connection.session.check_timeouts(server.now))
        assert goaways(connection) == [(2**31 - 1, 0)]


def test_a_protocol_error_sends_goaway_and_tells_the_application():
    seen = []

    async def app(scope, receive, send):
        await receive()
        seen.append(await receive())

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        connection.feed(frames.data(0, b"x"))
        assert goaways(connection) == [(1, 1)]
        assert seen == [{"type": "http.disconnect"}]
        assert len(server.failures) == 1
        assert connection.transport.ended
        connection.feed(request(3))
        server.later(2.0)
        assert connection.transport.closed


def test_a_client_that_has_closed_its_side_gets_its_answers():
    gate, app = gated()
    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1), request(3, end_stream=False))
        assert server.turn(lambda: connection.session.eof_received(True))
        assert connection.resets() == [(3, 8)]
        server.turn(gate.set)
        assert connection.body() == b"hello"
        assert connection.transport.closed


def test_an_idle_client_that_has_closed_its_side_is_closed():
    with serving(hello) as server:
        connection = Connection(server)
        connection.feed(request(1))
        assert not server.turn(lambda: connection.session.eof_received(True))


def test_nothing_is_written_after_the_connection_is_lost():
    gate, app = gated()
    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn(connection.session.connection_lost)
        writes = len(connection.transport.writes)
        server.turn(gate.set)
        assert len(connection.transport.writes) == writes
        assert server.reports == []
        assert server.service.tasks == set()


def test_no_limit_of_requests():
    with serving(hello) as server:
        connection = Connection(server)
        for n in range(1, 10001, 200):
            connection.feed(*(request(m) for m in range(n, n + 200, 2)))
            connection.feed(frames.window_update(0, 100 * 5))
        assert server.total_requests == 5000
        assert len(connection.wrote("HEADERS")) == 5000


def test_shutdown_of_a_connection_without_a_request_waits_for_the_first():
    with serving(hello) as server:
        connection = Connection(server)
        server.turn(connection.session.shutdown)
        assert goaways(connection) == []
        server.later(1.0)
        connection.feed(request(1))
        assert connection.body(1) == b"hello"
        assert goaways(connection) == [(2**31 - 1, 0)]
    with serving(hello) as server:
        connection = Connection(server)
        server.turn(connection.session.shutdown)
        server.later(2.0)
        assert goaways(connection) == [(2**31 - 1, 0)]


def test_applications_are_cancelled():
    _, app = gated()
    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1), request(3))
        server.turn(connection.session.cancel_applications)
        assert connection.status(1) == connection.status(3) == "500"
        assert server.reports == []


def test_tunnels_are_told_of_a_shutdown_and_of_its_end():
    told = []

    class Receiver:
        def __init__(self, tunnel, scope):
            tunnel.respond(200, [])

        def shutdown(self):
            told.append("shutdown")

        def cancel(self):
            told.append("cancel")

        def connection_lost(self):
            told.append("lost")

    with serving(hello, connect_protocol=True) as server:
        connection = Connection(server, open_websocket=Receiver)
        connection.feed(request(1, end_stream=False, method="CONNECT", protocol="websocket"))
        server.turn(connection.session.shutdown)
        server.turn(connection.session.cancel_applications)
        assert told == ["shutdown", "cancel"]
