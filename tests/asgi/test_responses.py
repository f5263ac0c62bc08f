"""Responses: what send() does with each message, and what becomes of applications that fail."""
import asyncio

import pytest

from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, body, serving, start


def answer(app, *octets, **options):
    """One connection that has sent these octets, by default a GET on stream 1; and its server's reports."""
    with serving(app, **options) as server:
        connection = Connection(server)
        connection.feed(*(octets or (request(1),)))
        assert connection.sent is not None
        return connection


def sends(*messages):
    """An application that sends these messages; exceptions of send() are in the list that comes with it."""
    raised = []

    async def app(scope, receive, send):
        for message in messages:
            try:
                await send(message)
            except Exception as exc:
                raised.append(exc)

    return app, raised


START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body"}


def test_a_small_response_is_one_write():
    async def app(scope, receive, send):
        await start(send, (b"Content-Type", b"text/plain"), (b"content-length", b"5"))
        await body(send, b"hello")

    with serving(app) as server:
        connection = Connection(server)
        before = len(connection.transport.writes)
        connection.feed(request(1))
        assert len(connection.transport.writes) == before + 1
        assert connection.heads() == [{
            b":status": b"200", b"date": b"Thu, 01 Jan 1970 00:00:00 GMT", b"server": b"test",
            b"content-type": b"text/plain", b"content-length": b"5"}]
        assert connection.body() == b"hello"
        assert connection.wrote("DATA")[-1].end_stream
        assert server.total_requests == 1
        assert server.service.tasks == set()


def test_responses_of_one_read_are_one_write():
    async def app(scope, receive, send):
        await asyncio.sleep(0)
        await start(send)
        await body(send, b"hello")

    with serving(app) as server:
        connection = Connection(server)
        before = len(connection.transport.writes)
        connection.feed(*(request(n) for n in (1, 3, 5)))
        assert len(connection.transport.writes) - before <= 2
        assert all(connection.body(n) == b"hello" for n in (1, 3, 5))


def test_fields_of_the_application_replace_those_of_the_host():
    async def app(scope, receive, send):
        await start(send, (b"Server", b"mine"), (b"date", b"now"))
        await body(send)

    assert answer(app).heads() == [{b":status": b"200", b"server": b"mine", b"date": b"now"}]


def test_connection_specific_fields_are_dropped():
    async def app(scope, receive, send):
        await start(send, (b"connection", b"close"), (b"transfer-encoding", b"chunked"), (b"keep-alive", b"1"), (b"a", b"b"))
        await body(send)

    assert set(answer(app).heads()[0]) == {b":status", b"date", b"server", b"a"}


@pytest.mark.parametrize("convert", [bytearray, memoryview])
def test_names_values_and_bodies_may_be_other_buffers(convert):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200,
                    "headers": ([convert(b"X-Name"), convert(b" value ")] for _ in range(1))})
        await send({"type": "http.response.body", "body": convert(b"hello")})

    connection = answer(app)
    assert connection.heads()[0][b"x-name"] == b"value"
    assert connection.body() == b"hello"


@pytest.mark.parametrize("field", [(b"a b", b"c"), (b"", b"c"), (b"a", b"b\r\nc"), (b"a", b"\0"), ("a", b"b"), (b"a", "b"),
                                   (b":status", b"200"), (b"content-length", b"x")])
def test_invalid_fields_are_refused_and_answered_with_500(field):
    async def app(scope, receive, send):
        with pytest.raises(RuntimeError):
            await send({"type": "http.response.start", "status": 200, "headers": [field]})
        raise ValueError("after that")

    connection = answer(app)
    assert connection.status() == "500"
    assert [str(error) for _, error in connection.server.reports] == ["after that"]


@pytest.mark.parametrize("status", [100, 199, 1000, 0])
def test_the_status_has_to_be_final(status):
    app, raised = sends({**START, "status": status})
    assert answer(app).status() == "500"
    assert [type(exc) for exc in raised] == [RuntimeError]


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("data", [b"", b"body"])
def test_responses_without_a_body(status, data):
    async def app(scope, receive, send):
        await start(send, (b"content-length", b"4"), status=status)
        await body(send, data)

    connection = answer(app)
    [head] = connection.wrote("HEADERS")
    assert head.end_stream
    assert (b"content-length" in dict(head.fields)) == (status == 304)
    assert connection.wrote("DATA") == []
    assert connection.server.reports == []


def test_head_has_the_fields_and_no_body():
    async def app(scope, receive, send):
        await start(send, (b"content-length", b"5"))
        await body(send, b"hello")

    connection = answer(app, request(1, method="HEAD"))
    assert connection.wrote("HEADERS")[0].end_stream
    assert connection.heads()[0][b"content-length"] == b"5"
    assert connection.wrote("DATA") == []


def test_an_endless_answer_to_head_ends():
    """Nobody takes its parts, so send() neither waits nor keeps the loop."""
    async def app(scope, receive, send):
        await start(send)
        while (await receive())["type"] != "http.disconnect":
            await body(send, b"x", more=True)
        for _ in range(3):
            await body(send, b"x", more=True)

    connection = answer(app, request(1, method="HEAD"))
    assert connection.wrote("HEADERS")[0].end_stream
    assert connection.server.reports == []
    assert connection.server.service.tasks == set()


def test_content_length_is_not_exceeded():
    app, raised = sends({**START, "headers": [(b"content-length", b"3")]}, {**END, "body": b"four"})
    connection = answer(app)
    assert [str(exc) for exc in raised] == ["Response content longer than Content-Length"]
    assert connection.status() == "500"


def test_content_length_is_reached():
    app, raised = sends({**START, "headers": [(b"content-length", b"3")]}, {**END, "body": b"a", "more_body": True}, END)
    connection = answer(app)
    assert [str(exc) for exc in raised] == ["Response content shorter than Content-Length"]
    assert connection.resets() == [(1, 2)]


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("when", ["before", "started"])
def test_an_exception_before_the_first_part_is_a_500(when, eager):
    async def app(scope, receive, send):
        if when == "started":
            await start(send, (b"content-length", b"100"))
        raise ValueError("a fault")

    connection = answer(app, eager=eager)
    assert connection.status() == "500"
    assert connection.body() == b"Internal Server Error"
    assert connection.heads()[0][b"content-length"] == b"21"
    assert [(text, str(error)) for text, error in connection.server.reports] == [("Exception in ASGI application\n", "a fault")]


def test_an_exception_after_it_resets_the_stream():
    async def app(scope, receive, send):
        await start(send)
        await body(send, b"part", more=True)
        raise ValueError("a fault")

    connection = answer(app)
    assert connection.body() == b"part"
    assert connection.resets() == [(1, 2)]


def test_an_exception_after_the_response_is_only_reported():
    async def app(scope, receive, send):
        await start(send)
        await body(send, b"all")
        raise ValueError("a fault")

    connection = answer(app)
    assert connection.wrote("DATA")[-1].end_stream
    assert connection.resets() == []
    assert len(connection.server.reports) == 1


def test_an_application_that_is_no_coroutine_function_and_raises():
    def app(scope, receive, send):
        raise ValueError("a fault")

    assert answer(app).status() == "500"


def test_an_application_that_returns_another_awaitable():
    class Awaitable:
        def __init__(self, send):
            self.send = send

        def __await__(self):
            yield from start(self.send).__await__()
            yield from body(self.send, b"hello").__await__()

    assert answer(lambda scope, receive, send: Awaitable(send)).body() == b"hello"


@pytest.mark.parametrize(
    ("messages", "text", "outcome"),
    [
        ((), "ASGI callable returned without starting response.", "500"),
        ((START,), "ASGI callable returned without completing response.", "500"),
        ((START, {**END, "more_body": True}), "ASGI callable returned without completing response.", "reset"),
    ],
)
def test_an_application_that_returns_too_early(messages, text, outcome):
    app, raised = sends(*messages)
    connection = answer(app)
    assert (connection.status(), connection.resets()) == (("500", []) if outcome == "500" else ("200", [(1, 2)]))
    assert connection.server.reports == [(text, None)]
    assert raised == []


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ((END,), "Expected ASGI message 'http.response.start', but got 'http.response.body'."),
        ((START, START), "Expected ASGI message 'http.response.body', but got 'http.response.start'."),
        ((START, END, END), "Unexpected ASGI message 'http.response.body' sent, after response already completed."),
        ((START, {"type": "http.response.trailers"}), "Expected ASGI message 'http.response.body', but got 'http.response.trailers'."),
        (({**START, "trailers": True}, END, END), "Expected ASGI message 'http.response.trailers', but got 'http.response.body'."),
    ],
)
def test_messages_out_of_order(messages, text):
    app, raised = sends(*messages)
    answer(app)
    assert [(type(exc), str(exc)) for exc in raised] == [(RuntimeError, text)]


def test_a_result_is_reported():
    async def app(scope, receive, send):
        await start(send)
        await body(send)
        return 5

    assert answer(app).server.reports == [("ASGI callable should return None, but returned '5'.", None)]


def test_trailers():
    async def app(scope, receive, send):
        await start(send, trailers=True)
        await body(send, b"hello")
        await send({"type": "http.response.trailers", "headers": [(b"Grpc-Status", b"0")], "more_trailers": True})
        await send({"type": "http.response.trailers", "headers": [(b"grpc-message", b"")]})

    connection = answer(app)
    _, last = connection.wrote("HEADERS")
    assert last.fields == ((b"grpc-status", b"0"), (b"grpc-message", b""))
    assert last.end_stream
    assert not connection.wrote("DATA")[-1].end_stream
    assert connection.server.reports == []


def test_trailers_without_fields_end_the_stream():
    async def app(scope, receive, send):
        await start(send, trailers=True)
        await body(send, b"hello")
        await send({"type": "http.response.trailers"})

    connection = answer(app)
    assert connection.wrote("DATA")[-1].end_stream
    assert len(connection.wrote("HEADERS")) == 1


def test_head_with_trailers_has_none():
    async def app(scope, receive, send):
        await start(send, trailers=True)
        await body(send, b"hello")
        await send({"type": "http.response.trailers", "headers": [(b"a", b"b")]})

    connection = answer(app, request(1, method="HEAD"))
    assert [sent.end_stream for sent in connection.wrote("HEADERS")] == [True]
    assert connection.server.reports == []


def test_early_hints_by_either_name():
    async def app(scope, receive, send):
        await send({"type": "http.response.early_hint", "links": [b"</a>; rel=preload", b"</b>; rel=preload"]})
        await send({"type": "http.response.informational", "status": 103, "headers": [(b"link", b"</c>")]})
        await start(send)
        await send({"type": "http.response.early_hint", "links": [b"</d>"]})
        await body(send)

    connection = answer(app)
    assert [dict(sent.fields)[b":status"] for sent in connection.wrote("HEADERS")] == [b"103", b"103", b"103", b"200"]
    assert connection.wrote("HEADERS")[0].fields[1:] == ((b"link", b"</a>; rel=preload"), (b"link", b"</b>; rel=preload"))


@pytest.mark.parametrize("status", [101, 200, 99])
def test_interim_responses_have_an_interim_status(status):
    app, raised = sends({"type": "http.response.informational", "status": status}, START, END)
    assert answer(app).status() == "200"
    assert len(raised) == 1


def test_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 70000)

    async def app(scope, receive, send):
        await start(send, (b"content-length", b"700000"))
        await send({"type": "http.response.pathsend", "path": str(path)})

    with serving(app) as server:
        connection = Connection(server, window=2**20)
        connection.feed(frames.window_update(0, 2**20), request(1))
        for _ in range(100):
            server.turn()
            if connection.wrote("DATA", 1) and connection.wrote("DATA", 1)[-1].end_stream:
                break
            import time
            time.sleep(0.01)
        assert connection.body() == path.read_bytes()
        assert server.reports == []


def test_a_file_that_is_not_there_is_a_500(tmp_path):
    async def app(scope, receive, send):
        await start(send)
        await send({"type": "http.response.pathsend", "path": str(tmp_path / "none")})

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        for _ in range(100):
            server.turn()
            if connection.wrote("HEADERS"):
                break
            import time
            time.sleep(0.01)
        assert connection.status() == "500"
        assert isinstance(server.reports[0][1], FileNotFoundError)


def test_priorities_of_responses():
    """A stream that becomes urgent is sent before the others."""
    gate = {}

    async def app(scope, receive, send):
        await start(send)
        await body(send, b"a" * 100, more=True)
        gate[scope["path"]] = send
        if scope["path"] == "/urgent":
            await send({"type": "http.response.priority", "urgency": 0})
        await body(send, scope["path"].encode() * 5000)

    with serving(app) as server:
        connection = Connection(server, window=0)
        connection.feed(request(1, path="/slow"), request(3, path="/urgent"))
        connection.feed(frames.window_update(1, 60000), frames.window_update(3, 60000))
        order = [sent.stream_id for sent in connection.wrote("DATA")]
        assert order == sorted(order, reverse=True)
        assert set(order) == {1, 3}


def test_the_urgency_is_from_0_to_7():
    app, raised = sends({"type": "http.response.priority", "urgency": 8}, START, END)
    assert answer(app).status() == "200"
    assert len(raised) == 1


def test_access_log():
    logged = []

    async def app(scope, receive, send):
        await start(send, status=201)
        assert logged == []
        await body(send)

    with serving(app) as server:
        Connection(server, access_log=lambda scope, status: logged.append((scope["path"], status))).feed(request(1, path="/a"))
    assert logged == [("/a", 201)]


def test_limit_concurrency():
    async def app(scope, receive, send):
        raise AssertionError("called")

    with serving(app, given={"connections": {1, 2}, "limit_concurrency": 2}) as server:
        connection = Connection(server)
        connection.feed(request(1))
        assert (connection.status(), connection.body()) == ("503", b"Service Unavailable")
        assert server.refusals == ["Exceeded concurrency limit."]


def test_the_application_for_forwarded_requests():
    called = []

    def named(name):
        async def app(scope, receive, send):
            called.append(name)
            await start(send)
            await body(send)
        return app

    with serving(named("service")) as server:
        connection = Connection(server, app=named("plain"), forwarded_app=named("forwarded"))
        connection.feed(request(1), request(3, ("x-forwarded-for", "192.0.2.1")), request(5, ("x-forwarded", "a")))
    assert called == ["plain", "forwarded", "plain"]
