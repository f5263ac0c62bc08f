"""send() waits for the client's window; connections end; clients that vanish are told to applications."""
import asyncio

import pytest

from fasth2.asgi.errors import ClientDisconnected
from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, body, serving, start


def stream(parts, size, log, **fields):
    """An application that streams parts of a size; `log` counts those that send() has taken."""
    async def app(scope, receive, send):
        await start(send)
        try:
            for n in range(parts):
                await body(send, b"x" * size, more=True)
                log.append(n)
            await body(send)
            log.append("end")
        except BaseException as exc:
            log.append(exc)
            raise
    return app


def test_a_client_that_does_not_read_stops_its_application_only():
    log = []
    app = stream(100, 20000, log)
    with serving(app) as server:
        connection = Connection(server, window=30000)
        connection.feed(request(1))
        taken = len(log)
        assert 3 <= taken <= 6
        connection.feed(frames.ping())
        assert len(log) == taken
        connection.feed(request(3, path="/other"))
        assert len(connection.body(3)) == 30000
        for _ in range(200):
            connection.feed(frames.window_update(0, 60000), frames.window_update(1, 60000))
        assert log.count("end") == 1
        assert len(connection.body(1)) == 2000000


def test_a_transport_that_takes_nothing_stops_the_application():
    log = []
    with serving(stream(100, 20000, log)) as server:
        connection = Connection(server, window=2**30)
        connection.feed(frames.window_update(0, 2**30))
        connection.transport.room = 1000
        connection.feed(request(1))
        assert len(log) < 20
        connection.transport.room = None
        server.turn(connection.session.resume_writing)
        for _ in range(30):
            server.turn()
        assert log[-1] == "end"


def test_a_client_that_reads_nothing_is_not_read_from_in_the_end():
    async def app(scope, receive, send):
        await start(send)
        await body(send, b"x" * 4000)

    with serving(app) as server:
        connection = Connection(server, window=2**30)
        connection.feed(frames.window_update(0, 2**30))
        connection.transport.room = 1
        for n in range(1, 401, 2):
            if connection.transport.reads_paused:
                break
            connection.feed(request(n))
        assert connection.transport.reads_paused
        connection.transport.room = None
        server.turn(connection.session.resume_writing)
        assert not connection.transport.reads_paused


def test_a_reset_wakes_a_waiting_send():
    log = []
    with serving(stream(100, 20000, log)) as server:
        connection = Connection(server, window=0)
        connection.feed(request(1))
        assert len(log) < 10
        connection.feed(frames.rst_stream(1))
        for _ in range(20):
            server.turn()
        assert log[-1] == "end"
        assert server.service.tasks == set()
        assert server.reports == []


def test_send_raises_os_error_where_the_host_has_it_so():
    log = []
    with serving(stream(100, 20000, log), raises=True) as server:
        connection = Connection(server, window=0)
        connection.feed(request(1))
        connection.feed(frames.rst_stream(1))
        assert isinstance(log[-1], ClientDisconnected)
        assert isinstance(log[-1], OSError)
        assert server.reports == []


def test_an_application_that_never_waits_does_not_keep_the_loop():
    """After a disconnect send() does nothing, but lets other tasks run."""
    async def app(scope, receive, send):
        await start(send)
        while True:
            await body(send, b"x", more=True)

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        connection.feed(frames.rst_stream(1))
        [task] = server.service.tasks
        server.turn(task.cancel)
        assert task.cancelled()
        assert server.service.tasks == set()


def test_cancel_on_reset():
    log = []

    async def app(scope, receive, send):
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    with serving(app, cancel_on_reset=True) as server:
        connection = Connection(server)
        connection.feed(request(1))
        connection.feed(frames.rst_stream(1))
        assert log == ["cancelled"]
        assert server.reports == []
        assert server.service.tasks == set()


def test_resets_do_not_give_a_client_more_of_the_application():
    """Applications whose client has reset the stream count against the limit on streams."""
    running = []

    async def app(scope, receive, send):
        running.append(scope)
        await asyncio.Event().wait()

    with serving(app, max_streams=5) as server:
        connection = Connection(server)
        for n in range(1, 41, 2):
            connection.feed(request(n))
            connection.feed(frames.rst_stream(n))
        assert len(running) == 5
        assert connection.session.protocol.counters["unreleased_requests"] == 15


def test_a_request_that_is_reset_in_the_same_read_is_not_begun():
    async def app(scope, receive, send):
        raise AssertionError("called")

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1), frames.rst_stream(1))
        assert server.reports == []
        assert connection.session.begun == 0


def test_a_finished_response_does_not_count_while_its_background_task_runs():
    async def app(scope, receive, send):
        await start(send)
        await body(send)
        await asyncio.Event().wait()

    with serving(app, max_streams=5) as server:
        connection = Connection(server)
        for n in range(1, 41, 2):
            connection.feed(request(n))
        assert len(connection.wrote("HEADERS")) == 20


def test_a_slow_taker_is_reset():
    log = []
    with serving(stream(100, 20000, log), send_timeout=10.0) as server:
        connection = Connection(server, window=0)
        connection.feed(request(1))
        for _ in range(15):
            server.now += 1
            server.turn(lambda: connection.session.check_timeouts(server.now))
        assert connection.resets() == [(1, 8)]
        for _ in range(20):
            server.turn()
        assert server.service.tasks == set()


def checks(server, connection, seconds):
    """Let time pass, with a look at it each second."""
    for _ in range(seconds):
        server.now += 1
        server.turn(lambda: connection.session.check_timeouts(server.now))


def test_a_client_that_takes_nothing_of_its_connection_is_ended():
    """Its window is large, so that the engine has nothing left: the answer is in the connection's buffers."""
    log = []
    with serving(stream(4, 20000, log), send_timeout=10.0) as server:
        connection = Connection(server, window=2**20)
        connection.feed(frames.window_update(0, 2**20))
        connection.transport.room = 1000
        connection.feed(request(1))
        assert server.service.tasks == set()
        checks(server, connection, 500)
        assert not connection.transport.closed
        checks(server, connection, 30)
        assert connection.transport.closed
        assert connection.session.protocol.counters["stuck_connections"] == 1


def test_a_client_that_takes_its_connections_octets_slowly_is_not():
    log = []
    with serving(stream(4, 20000, log), send_timeout=10.0) as server:
        connection = Connection(server, window=2**20)
        connection.feed(frames.window_update(0, 2**20))
        connection.transport.room = 1000
        connection.feed(request(1))
        for _ in range(10):
            checks(server, connection, 300)
            connection.transport.room = 1000
            server.turn(connection.session.resume_writing)
            connection.feed(request(connection.session.begun * 2 + 1))
        assert not connection.transport.closed
        assert "stuck_connections" not in connection.session.protocol.counters


@pytest.mark.parametrize("eager", [True, False])
def test_early_output_for_the_only_active_connection(eager):
    """Its client gets the first answers while the others are made (only where tasks are started at once)."""
    async def app(scope, receive, send):
        await start(send)
        await body(send, b"hello")

    with serving(app, eager=eager) as server:
        connection = Connection(server)
        before = len(connection.transport.writes)
        connection.feed(*(request(n) for n in range(1, 21, 2)))
        assert len(connection.transport.writes) - before <= 3
        other = Connection(server)
        before = len(connection.transport.writes)
        other.feed(frames.ping())
        connection.feed(*(request(n) for n in range(21, 41, 2)))
        assert len(connection.transport.writes) - before <= 2
