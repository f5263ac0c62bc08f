"""How often the worker class's connection writes, seen by a transport that only remembers."""
import asyncio

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from gunicorn.config import Config

from fasth2.gunicorn.patched.asgi_connection import ASGIConnection
from fasth2.gunicorn.patched.asgi_request import ASGIRequest, ConnectionScope


class Transport(asyncio.Transport):
    """A transport over nothing."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.reading = True

    def write(self, data):
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_write_buffer_size(self):
        return 0

    def get_protocol(self):
        return None

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def close(self):
        pass

    abort = close


class Log:
    access_log_enabled = False

    def exception(self, *args):
        raise

    def __getattr__(self, name):
        return lambda *args: None


class Worker:
    state = None
    log = Log()


class Protocol:
    def __init__(self, app):
        self.worker = Worker()
        self.cfg = Config()
        self.log = Log()
        self.app = app


class Session:
    """A connection whose requests an application answers, and its client."""

    def __init__(self, app):
        shared = ConnectionScope(Protocol(app), None, ("127.0.0.1", 1))
        self.transport = Transport()
        self.tasks = []
        self.connection = ASGIConnection(
            shared.cfg, None, self.transport, ("127.0.0.1", 1),
            lambda request: self.tasks.append(
                asyncio.ensure_future(ASGIRequest(shared, self.connection, request).run())))
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.client.initiate_connection()

    async def start(self):
        self.connection.attach(self.transport)
        await self.connection.initiate_connection()
        self.send()
        self.transport.writes.clear()

    def request(self, stream_id, path="/", end_stream=True):
        self.client.send_headers(stream_id, [
            (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", path)], end_stream=end_stream)

    def send(self):
        self.connection.data_received(self.client.data_to_send())

    async def finish(self):
        await asyncio.gather(*self.tasks)
        await asyncio.sleep(0)


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"Hello"})


def play(app, steps):
    async def run():
        session = Session(app)
        await session.start()
        await steps(session)

    asyncio.run(run())


def test_a_response_is_one_write():
    async def steps(session):
        session.request(1)
        session.send()
        await session.finish()
        assert len(session.transport.writes) == 1
        events = session.client.receive_data(session.transport.writes[0])
        assert sum(isinstance(event, h2.events.StreamEnded) for event in events) == 1

    play(hello, steps)


@pytest.mark.parametrize("count", [2, 50])
def test_the_responses_to_requests_of_one_read_are_one_write(count):
    async def steps(session):
        for at in range(count):
            session.request(2 * at + 1)
        session.send()
        await session.finish()
        assert len(session.transport.writes) == 1
        events = session.client.receive_data(b"".join(session.transport.writes))
        assert sum(isinstance(event, h2.events.StreamEnded) for event in events) == count

    play(hello, steps)


def test_answers_to_requests_whose_bodies_were_not_read_arrive_whole():
    """Their streams are reset with NO_ERROR later, which must not overtake the answers."""
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(16384)})

    async def steps(session):
        for stream_id in (1, 3):
            session.request(stream_id, end_stream=False)
        session.send()
        await session.finish()
        events = session.client.receive_data(b"".join(session.transport.writes))
        assert sum(len(event.data) for event in events if isinstance(event, h2.events.DataReceived)) == 2 * 16384
        # The clients may end their requests first (tests/gunicorn/patched/asgi/test_unread_uploads.py).
        assert not [event for event in events if isinstance(event, h2.events.StreamReset)]

    play(app, steps)


def test_a_part_that_is_not_the_last_leaves_before_send_returns():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for at in range(3):
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
            assert len(seen.transport.writes) == at + 1
        await send({"type": "http.response.body", "body": b""})

    async def steps(session):
        nonlocal seen
        seen = session
        session.request(1)
        session.request(3)
        session.send()
        session.tasks.pop().cancel()
        await session.tasks[0]

    seen = None
    play(app, steps)


def test_nothing_is_written_to_a_transport_that_is_full_and_the_task_waits():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(50000)})

    async def steps(session):
        session.connection.pause_writing()
        assert not session.transport.reading
        session.request(1)
        session.send()
        await asyncio.sleep(0.05)
        assert not session.transport.writes
        assert not session.tasks[0].done()
        session.connection.resume_writing()
        assert session.transport.reading
        await session.finish()
        events = session.client.receive_data(b"".join(session.transport.writes))
        assert sum(len(event.data) for event in events if isinstance(event, h2.events.DataReceived)) == 50000

    play(app, steps)


def test_a_transport_that_stays_full_ends_the_connection_after_timeout():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with pytest.raises(OSError, match="closed by the peer"):
            await send({"type": "http.response.body", "body": bytes(50000)})

    async def steps(session):
        session.connection.stream_timeout = 0.05
        session.connection.pause_writing()
        session.request(1)
        session.send()
        await asyncio.wait_for(session.finish(), 5)
        assert session.connection.is_closed

    play(app, steps)


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time is what a test says."""

    now = 0.0

    def time(self):
        return self.now

    async def advance(self, seconds):
        """Let that much time pass, and then all run that waits for nothing else."""
        self.now += seconds
        for _ in range(20):
            await asyncio.sleep(0)


class Prioritized:
    """A large download of urgency 0, and a small one of urgency 7 that waits for longer than the time-out.

    Args:
        window: Octets that the client grants the small one at once.
        credit: Octets that it takes of both in three seconds.
    """

    def __init__(self, window, credit=40000):
        self.window = window
        self.credit = credit
        self.bodies = {1: 0, 3: 0}
        self.resets = []

    @staticmethod
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        size = 10**6 if scope["path"] == "/first" else 10**5
        try:
            await send({"type": "http.response.body", "body": bytes(size)})
        except OSError:
            pass  # it was given up

    def take(self, session):
        events = session.client.receive_data(b"".join(session.transport.writes))
        session.transport.writes.clear()
        for event in events:
            if isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] += len(event.data)
            elif isinstance(event, h2.events.StreamReset):
                self.resets.append(event.stream_id)

    async def steps(self, session):
        session.connection.stream_timeout = 10
        clock = asyncio.get_running_loop()
        for stream_id, path, priority in ((1, "/first", "u=0"), (3, "/last", "u=7")):
            session.client.send_headers(stream_id, [
                (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", path),
                ("priority", priority)], end_stream=True)
        session.client.increment_flow_control_window(2**24, 1)
        if self.window:
            session.client.increment_flow_control_window(self.window, 3)
        session.send()
        for _ in range(20):
            await clock.advance(3)
            self.take(session)
            if all(task.done() for task in session.tasks):
                return
            session.client.increment_flow_control_window(self.credit)
            session.send()
        assert 0 < self.bodies[1] < 10**6
        session.client.increment_flow_control_window(2**24)
        session.send()
        await clock.advance(1)
        assert all(task.done() for task in session.tasks)
        self.take(session)

    def play(self, before):
        async def run():
            session = Session(self.app)
            await session.start()
            before(session)
            await self.steps(session)

        clock = Clock()
        try:
            clock.run_until_complete(run())
        finally:
            clock.close()


def test_what_waits_behind_others_by_its_priority_is_not_given_up():
    conversation = Prioritized(2**24)
    conversation.play(lambda session: None)
    assert conversation.bodies == {1: 10**6, 3: 10**5}
    assert conversation.resets == []


def test_what_its_own_window_holds_back_is_given_up_whatever_others_take():
    conversation = Prioritized(0)

    def shut(session):
        session.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        session.send()

    conversation.play(shut)
    assert conversation.bodies[1] == 10**6
    assert conversation.resets == [3]


def test_what_waits_behind_others_that_are_hardly_taken_is_given_up():
    """One octet now and then buys no time, whichever stream it is taken of."""
    conversation = Prioritized(2**24, credit=1)
    conversation.play(lambda session: None)
    assert sorted(conversation.resets) == [1, 3]
