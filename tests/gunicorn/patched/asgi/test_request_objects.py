"""`ASGIRequest` over a connection that a test plays."""
import asyncio
import logging
from types import SimpleNamespace

import pytest

from fasth2.gunicorn.dropin.async_stream import AsyncHTTP2Stream
from fasth2.gunicorn.patched.asgi_request import ASGIRequest


class Log:
    """gunicorn's logger, which keeps the statuses of the access log."""

    def __init__(self):
        self.statuses = []
        self.debug = self.info = self.exception = self.warning = logging.getLogger("test").debug

    def access(self, response, request, environ, request_time):
        self.statuses.append(response.status)


class Connection:
    """Takes heads or not, and waits with them or not."""

    MIN_RECEIVE_RATE = 128
    initial_window_size = 65535

    def __init__(self, takes=True, waits=False):
        self.takes, self.waits = takes, waits
        self.protocol = self
        self.counts = []
        self.sending = asyncio.Event()

    async def send_part(self, stream, status, fields, body, end_stream):
        if not self.takes:
            return False
        stream.response_started = stream.response_headers_sent = True
        self.sending.set()
        if self.waits:
            await asyncio.Event().wait()
        return True

    async def yield_to_others(self, size):
        pass

    async def abort_stream(self, stream_id, error_code):
        pass

    def take_body(self, stream):
        return stream.take_body()

    def cleanup_stream(self, stream_id):
        pass

    def count(self, name):
        self.counts.append(name)


def make(app, connection, timeout=None):
    """A request, and the log that it writes."""
    stream = AsyncHTTP2Stream(1, connection)
    stream.receive_headers([(":method", "POST"), (":path", "/")])
    log = Log()
    shared = SimpleNamespace(
        pre_request=None, post_request=None, worker=None, app=app, log=log, logs_access=True, timeout=timeout,
        sockname=None, peername=None, scope=lambda request: {},
        protocol=SimpleNamespace(_build_http2_environ=lambda *args: {}))
    return ASGIRequest(shared, connection, SimpleNamespace(stream=stream, method="POST")), log, stream


async def answers(scope, receive, send):
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 100000})


async def fails(scope, receive, send):
    raise ValueError("on purpose")


@pytest.mark.parametrize("app, status", [(answers, 201), (fails, 500)])
def test_one_that_is_cancelled_while_its_head_is_out_has_its_status_in_the_log(app, status):
    async def run():
        connection = Connection(waits=True)
        request, log, _ = make(app, connection)
        task = asyncio.ensure_future(request.run())
        await asyncio.wait_for(connection.sending.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return log.statuses

    assert asyncio.run(run()) == [status]


@pytest.mark.parametrize("app", [answers, fails])
def test_one_whose_head_did_not_leave_has_499(app):
    async def run():
        request, log, _ = make(app, Connection(takes=False))
        await request.run()
        return log.statuses

    assert asyncio.run(run()) == [499]


@pytest.mark.parametrize("begins", [True, False])
def test_a_wait_for_a_body_goes_on_where_the_response_begins_meanwhile(begins):
    """It began with half a second left by the rate, and has all of the timeout then."""
    async def run():
        connection = Connection()
        request, _, stream = make(answers, connection, timeout=30)
        request._waited = 29.5
        waits = asyncio.ensure_future(request.receive())
        await asyncio.sleep(0)
        stream.response_headers_sent = begins
        # The time of the rate passes.
        await asyncio.wait((waits,), timeout=1)
        stream.receive_data(b"late")
        return await waits, connection.counts

    message, counts = asyncio.run(run())
    if begins:
        assert message == {"type": "http.request", "body": b"late", "more_body": True}
        assert counts == []
    else:
        assert message == {"type": "http.disconnect"}
        assert counts == ["slow_bodies"]
