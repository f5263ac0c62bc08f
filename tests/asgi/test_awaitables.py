"""receive() and send() do nothing when they are called, and are coroutines to whoever asks."""
import asyncio
import contextvars
import inspect
import sys
import threading

import pytest

from tests.support.fields import request

from .without_sockets import Connection, body, serving, start


def run(app, *requests, **options):
    """Answer requests with an application; return the connection."""
    with serving(app, **options) as server:
        connection = Connection(server)
        connection.feed(*(requests or [request(1)]))
        for _ in range(10):
            server.turn()
        assert connection.sent is not None
        assert [repr(error) for _, error in server.reports] == []
        return connection


def test_they_are_coroutines():
    async def app(scope, receive, send):
        for operation in (receive(), send({"type": "nothing"})):
            assert asyncio.iscoroutine(operation)
            assert inspect.isawaitable(operation)
            operation.close()
        await start(send)
        await body(send, b"ok")

    assert run(app).body() == b"ok"


def test_nothing_happens_at_the_call():
    async def app(scope, receive, send):
        send({"type": "http.response.start", "status": 500})
        receive()
        assert (await receive())["type"] == "http.request"
        await start(send)
        await body(send, b"ok")

    assert run(app).status() == "200"


def test_the_message_is_read_when_it_is_awaited():
    async def app(scope, receive, send):
        message = {"type": "http.response.start", "status": 200}
        operation = send(message)
        message["status"] = 201
        await operation
        await body(send)

    assert run(app).status() == "201"


def test_they_are_awaited_once():
    async def app(scope, receive, send):
        operation = receive()
        await operation
        with pytest.raises(RuntimeError):
            await operation
        await start(send)
        await body(send, b"ok")

    assert run(app).body() == b"ok"


def test_in_tasks_and_from_another_thread():
    async def app(scope, receive, send):
        loop = asyncio.get_running_loop()
        assert (await asyncio.create_task(receive()))["type"] == "http.request"
        done = loop.create_future()

        def other():
            asyncio.run_coroutine_threadsafe(send({"type": "http.response.start", "status": 200}), loop).result(5)
            asyncio.run_coroutine_threadsafe(send({"type": "http.response.body", "body": b"ok"}), loop).result(5)
            loop.call_soon_threadsafe(done.set_result, None)

        thread = threading.Thread(target=other)
        thread.start()
        await asyncio.wait_for(done, 5)
        thread.join()

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        # The other thread may have ended it already.
        for task in list(server.service.tasks):
            server.loop.run_until_complete(asyncio.wait_for(task, 5))
        server.turn()
        assert connection.body() == b"ok"


@pytest.mark.parametrize("eager", [True, False])
def test_each_request_has_a_task(eager):
    tasks = []

    async def app(scope, receive, send):
        tasks.append(asyncio.current_task())
        await start(send)
        await asyncio.sleep(0)
        assert asyncio.current_task() is tasks[-1 if scope["path"] == "/b" else 0]
        await body(send, b"ok")

    connection = run(app, request(1, path="/a"), request(3, path="/b"), eager=eager)
    assert (connection.body(1), connection.body(3)) == (b"ok", b"ok")
    assert len(set(map(id, tasks))) == 2
    assert all(type(task) is asyncio.Task for task in tasks)


def test_time_outs_and_cancellation_of_send_and_receive():
    async def app(scope, receive, send):
        await receive()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(receive(), 0.01)
        task = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await start(send)
        await body(send, b"ok")

    with serving(app) as server:
        connection = Connection(server)
        connection.feed(request(1))
        server.loop.run_until_complete(asyncio.sleep(0.05))
        server.turn()
        assert connection.body() == b"ok"
        assert server.reports == []


def test_a_task_factory_is_honoured():
    made = []

    def factory(loop, coro, **options):
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **options)

    async def app(scope, receive, send):
        await start(send)
        await body(send, b"ok")

    with serving(app) as server:
        connection = Connection(server)
        server.loop.set_task_factory(factory)
        connection.feed(request(1))
        assert connection.body() == b"ok"
    assert [coro.cr_code.co_name for coro in made].count("app") == 1


VALUE = contextvars.ContextVar("VALUE", default="none")


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("eager", [True, False])
def test_contexts(reset, eager):
    seen = []

    async def app(scope, receive, send):
        seen.append(VALUE.get())
        VALUE.set(scope["path"])
        await start(send)
        await asyncio.sleep(0)
        seen.append(VALUE.get())
        await body(send, b"ok")

    with serving(app, given={"reset_contextvars": reset}, eager=eager) as server:
        connection = Connection(server)
        data = bytes(request(1, path="/a")) + bytes(request(3, path="/b"))

        def feed():
            VALUE.set("outer")
            connection.session.feed(data)
            assert VALUE.get() == "outer"

        server.turn(feed)
    outer = "none" if reset else "outer"
    assert sorted(seen) == sorted([outer, outer, "/a", "/b"])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="CPython has no eager start before 3.12")
def test_an_eager_task_answers_within_the_read():
    async def app(scope, receive, send):
        await start(send)
        await body(send, b"ok")

    with serving(app) as server:
        connection = Connection(server)
        writes = len(connection.transport.writes)
        written = server.turn(lambda: connection.session.feed(bytes(request(1))) or len(connection.transport.writes))
        assert written == writes + 1


def test_system_exit_ends_the_loop_and_leaves_other_requests_whole():
    async def app(scope, receive, send):
        if scope["path"] == "/exit":
            raise SystemExit(3)
        await start(send)
        await body(send, b"ok")

    with serving(app) as server:
        connection = Connection(server)
        data = b"".join(bytes(request(n, path="/exit" if n == 3 else "/")) for n in (1, 3, 5))
        with pytest.raises(SystemExit):
            server.turn(lambda: connection.session.feed(data))
        server.turn()
        server.turn()
        assert (connection.body(1), connection.body(5)) == (b"ok", b"ok")
        assert connection.status(3) == "500"
