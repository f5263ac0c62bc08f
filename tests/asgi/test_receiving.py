"""receive(): bodies and their credit, disconnects, and several waiting calls."""
import asyncio

import pytest

from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, body, serving, start


async def read(receive):
    """The messages until the body ends or the client is gone."""
    messages = []
    while True:
        messages.append(await receive())
        if not messages[-1].get("more_body"):
            return messages


@pytest.fixture(params=[True, False], ids=["eager", "ordinary"])
def eager(request):
    return request.param


def test_a_request_without_a_body(eager):
    seen = []

    async def app(scope, receive, send):
        seen.extend(await read(receive))
        await start(send)
        await body(send)

    with serving(app, eager=eager) as server:
        Connection(server).feed(request(1))
    assert seen == [{"type": "http.request", "body": b"", "more_body": False}]


def test_parts_in_order(eager):
    seen = []

    async def app(scope, receive, send):
        seen.extend(await read(receive))
        await start(send)
        await body(send)

    with serving(app, eager=eager) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False))
        connection.feed(frames.data(1, b"a"))
        connection.feed(frames.data(1, b"b"), frames.ping(), frames.data(1, b"c", end_stream=True))
        assert connection.status() == "200"
    assert [message["body"] for message in seen] == [b"a", b"bc"]
    assert [message["more_body"] for message in seen] == [True, False]


def test_trailers_end_the_body():
    seen = []

    async def app(scope, receive, send):
        seen.extend(await read(receive))

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False), frames.data(1, b"a"))
        connection.feed(frames.headers(1, b"", end_stream=True))
    assert [message["body"] for message in seen] == [b"a", b""]


def test_the_connection_is_credited_on_arrival_and_the_stream_when_the_application_reads():
    """An application that does not read holds up no other stream."""
    gates = {}

    async def app(scope, receive, send):
        gates[scope["path"]] = gate = asyncio.Event()
        await gate.wait()
        await read(receive)

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, path="/a", end_stream=False))
        for _ in range(3):
            connection.feed(frames.data(1, b"x" * 16384))
        connection.feed(frames.data(1, b"x" * 16383))
        credit = {0: 0, 1: 0}
        for sent in connection.wrote("WINDOW_UPDATE"):
            credit[sent.stream_id] += sent.increment
        assert credit[0] > 32768
        assert credit[1] == 0
        server.turn(gates["/a"].set)
        assert sum(sent.increment for sent in connection.wrote("WINDOW_UPDATE", 1)) > 32768


def test_padding_is_credited_at_once():
    async def app(scope, receive, send):
        await asyncio.Event().wait()

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False))
        for _ in range(200):
            connection.feed(frames.data(1, b"x").pad(255))
        assert sum(sent.increment for sent in connection.wrote("WINDOW_UPDATE", 1)) >= 32768


def test_100_continue_when_the_application_asks():
    gate = asyncio.Event()

    async def app(scope, receive, send):
        await gate.wait()
        await read(receive)
        await start(send)
        await body(send)

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, ("expect", "100-Continue"), end_stream=False))
        assert connection.wrote("HEADERS") == []
        server.turn(gate.set)
        assert [dict(sent.fields)[b":status"] for sent in connection.wrote("HEADERS")] == [b"100"]
        connection.feed(frames.data(1, b"a", end_stream=True))
        assert connection.status() == "200"


def test_no_100_continue_for_a_body_that_has_arrived():
    async def app(scope, receive, send):
        await read(receive)
        await start(send)
        await body(send)

    with serving(app, eager=False) as server:
        connection = Connection(server)
        connection.feed(request(1, ("expect", "100-continue"), end_stream=False), frames.data(1, b"a", end_stream=True))
        assert [dict(sent.fields)[b":status"] for sent in connection.wrote("HEADERS")] == [b"200"]


def test_a_reset_wakes_every_waiting_call(eager):
    seen = []

    async def app(scope, receive, send):
        await receive()
        seen.extend(await asyncio.gather(receive(), receive(), asyncio.create_task(receive())))
        seen.append(await receive())

    with serving(app, eager=eager) as server:
        connection = Connection(server)
        connection.feed(request(1))
        assert seen == []
        connection.feed(frames.rst_stream(1))
        assert seen == [{"type": "http.disconnect"}] * 4
        assert server.service.tasks == set()
        assert server.reports == []


def test_a_reset_before_the_body_was_read_discards_it():
    seen = []
    gate = asyncio.Event()

    async def app(scope, receive, send):
        await gate.wait()
        seen.append(await receive())

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False), frames.data(1, b"a"))
        connection.feed(frames.rst_stream(1))
        server.turn(gate.set)
    assert seen == [{"type": "http.disconnect"}]


def test_the_end_of_the_connection_is_a_disconnect():
    seen = []

    async def app(scope, receive, send):
        await receive()
        seen.append(await receive())
        await start(send)
        await body(send)

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn(connection.session.connection_lost)
        assert seen == [{"type": "http.disconnect"}]
        assert server.reports == []


def test_disconnect_after_the_response():
    seen = []

    async def app(scope, receive, send):
        await receive()
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        await start(send)
        await body(send)
        seen.append(await waiting)
        seen.append(await receive())

    with serving(app) as server:
        Connection(server).feed(request(1))
    assert seen == [{"type": "http.disconnect"}] * 2


def test_a_cancelled_call_leaves_the_others_and_nothing_behind():
    """Starlette polls with receive() in a scope that is cancelled, once for each part it sends."""
    seen = []

    async def app(scope, receive, send):
        await receive()
        other = asyncio.ensure_future(receive())
        for _ in range(5):
            waiting = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        seen.append(await other)

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.turn()
        server.turn()
        connection.feed(frames.rst_stream(1))
    assert seen == [{"type": "http.disconnect"}]


def test_wait_for_a_body_that_does_not_come():
    seen = []

    async def app(scope, receive, send):
        try:
            await asyncio.wait_for(receive(), 0.01)
        except asyncio.TimeoutError:
            seen.append("timed out")
        await start(send)
        await body(send)

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False))
        server.loop.run_until_complete(asyncio.sleep(0.05))
        assert seen == ["timed out"]
        assert connection.status() == "200"


def test_a_body_that_nobody_reads_is_reset_in_a_write_of_its_own():
    """RFC 9113 section 8.1: NO_ERROR, after the response."""
    async def app(scope, receive, send):
        await start(send)
        await body(send, b"hello")

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False))
        assert connection.wrote("DATA")[-1].end_stream
        assert connection.resets() == []
        connection.feed(frames.data(1, b"x" * 1000))
        assert connection.wrote("WINDOW_UPDATE", 1) == []
        server.later(5)
        assert connection.resets() == [(1, 0)]
        assert connection.reader.read(connection.transport.writes[-1])[0].kind == "RST_STREAM"


def test_a_body_over_the_limit_is_a_413():
    seen = []

    async def app(scope, receive, send):
        seen.extend(await read(receive))
        await start(send)
        await body(send)

    with serving(app, max_body=10) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False), frames.data(1, b"x" * 10))
        connection.feed(frames.data(1, b"x"))
        assert connection.status() == "413"
        assert seen[-1] == {"type": "http.disconnect"}
        assert connection.session.protocol.counters["max_body"] == 1
        connection.feed(request(3, end_stream=False), frames.data(3, b"x" * 10, end_stream=True))
        assert connection.status(3) == "200"


def test_a_body_that_drips_is_reset():
    async def app(scope, receive, send):
        await read(receive)

    with serving(app, body_timeout=10.0, min_body_rate=100) as server:
        connection = Connection(server)
        connection.feed(request(1, end_stream=False), request(3, end_stream=False))
        for _ in range(40):
            connection.feed(frames.data(1, b"x"), frames.data(3, b"x" * 200))
            server.now += 1
            server.turn(lambda: connection.session.check_timeouts(server.now))
        assert connection.resets() == [(1, 8)]
        assert connection.session.protocol.counters["slow_bodies"] == 1
