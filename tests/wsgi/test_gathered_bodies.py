"""Small bodies are gathered by the loop before the application is called; whoever drips holds no thread."""
import threading
import time

import h2.events
import pytest

from fasth2.wsgi.leader import Slot
from fasth2.wsgi.limits import WorkerLimits
from fasth2.wsgi.waiting_calls import run_uploads
from tests.support import frames
from tests.support.fields import request
from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Paths, Serving
from tests.wsgi.without_sockets import Connection, Worker

CANCEL = 8


class Reader:
    """An application that reads the whole body; what it was called for is in `bodies`."""

    def __init__(self):
        self.bodies = []

    def __call__(self, environ, start_response):
        self.bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b"read"]


class Unread:
    """An application that reads nothing; the paths that it was called for are in `paths`."""

    def __init__(self):
        self.paths = []

    def __call__(self, environ, start_response):
        self.paths.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b"unread"]


def post(stream_id, *fields, path="/"):
    return request(stream_id, *fields, method="POST", path=path, end_stream=False)


def start_uploads(worker):
    """What the loop does at a round's end."""
    assert run_uploads(worker.dispatcher)


# What is gathered


@pytest.mark.parametrize("octets", [0, 1, 40_000, 65_535])
def test_the_application_is_called_once_the_body_is_whole(octets):
    app = Reader()
    worker = Worker(app)
    connection = Connection(worker)
    connection.serve(post(1))
    body, half = bytes(octets), octets // 2
    for part in (body[:half], body[half:-1] if octets else b""):
        for at in range(0, len(part), 16384):
            connection.serve(frames.data(1, part[at:at + 16384]))
        start_uploads(worker)
        assert not app.bodies
    connection.serve(frames.data(1, body[-1:], end_stream=True))
    assert app.bodies == [body]
    assert connection.wrote("DATA", 1)[-1].end_stream
    assert worker.dispatcher.uploads.held == 0


def test_trailers_end_a_gathered_body():
    app = Reader()
    connection = Connection(Worker(app))
    connection.serve(post(1), frames.data(1, b"body"))
    assert not app.bodies
    connection.serve(frames.headers(1, b"\0\1x\1y", end_stream=True))
    assert app.bodies == [b"body"]


@pytest.mark.parametrize("fields", [
    [("content-length", "65537")],
    [("content-length", "1000000000")],
    [("expect", "100-continue")],
    [("expect", "100-Continue")],
    [("content-type", "application/grpc")],
    [("content-type", "application/grpc+proto"), ("te", "trailers")],
    [("content-type", "application/connect+proto")],
    [("content-type", "Application/Connect+JSON")],
])
def test_calls_with_these_fields_start_before_the_body_is_whole(fields):
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker)
    connection.serve(post(1, *fields))
    start_uploads(worker)
    assert app.paths == ["/"]


@pytest.mark.parametrize("fields", [
    [], [("content-length", "65536")], [("content-length", "5")], [("content-type", "application/json")],
    [("content-type", "application/proto")], [("content-type", "application/connector")],
])
def test_calls_with_these_fields_wait_for_the_whole_body(fields):
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker)
    connection.serve(post(1, *fields))
    start_uploads(worker)
    assert not app.paths


def test_nothing_is_gathered_where_the_setting_is_0():
    app = Unread()
    worker = Worker(app, limits=WorkerLimits(gathered_body=0))
    Connection(worker).serve(post(1))
    start_uploads(worker)
    assert app.paths == ["/"]


def test_a_body_larger_than_the_setting_starts_the_call():
    app = Unread()
    worker = Worker(app, limits=WorkerLimits(gathered_body=1000))
    connection = Connection(worker)
    connection.serve(post(1), frames.data(1, bytes(999)))
    start_uploads(worker)
    assert not app.paths
    connection.serve(frames.data(1, b"x"))
    start_uploads(worker)
    assert app.paths == ["/"]


def test_a_body_that_fills_its_streams_window_starts():
    """No more of it can come before some is read."""
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker, receive_window=2000)
    connection.serve(post(1), frames.data(1, bytes(1999)))
    start_uploads(worker)
    assert not app.paths
    connection.serve(frames.data(1, b"x"))
    start_uploads(worker)
    assert app.paths == ["/"]


def test_a_body_that_pauses_starts():
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker)
    connection.serve(post(1), post(3, path="/goes-on"))
    for now in range(8):
        connection.feed(frames.data(3, b"x"))
        worker.dispatcher.queue_paused(now / 4)
        start_uploads(worker)
        # The first look begins the pause.
        assert app.paths == (["/"] if now >= 4 else [])
    for now in range(8, 13):
        worker.dispatcher.queue_paused(now / 4)
    start_uploads(worker)
    assert app.paths == ["/", "/goes-on"]


def test_a_body_that_ends_while_it_waits_for_a_thread_is_whole():
    app = Reader()
    worker = Worker(app)
    connection = Connection(worker)
    connection.serve(post(1, ("expect", "100-continue")), frames.data(1, b"body", end_stream=True))
    assert app.bodies == [b"body"]
    assert not worker.dispatcher.uploads.waiting
    start_uploads(worker)
    assert app.bodies == [b"body"]


# Credit


def test_gathered_bodies_do_not_starve_one_another():
    """Fifty of them are five times the connection's window; it has its octets back as they come."""
    app = Reader()
    worker = Worker(app)
    connection = Connection(worker)
    numbers = range(1, 101, 2)
    for stream_id in numbers:
        connection.serve(post(stream_id))
    for _ in range(6):
        for stream_id in numbers:
            assert connection.session.connection.inbound_flow_control_window >= 1000
            connection.serve(frames.data(stream_id, bytes(1000)))
    assert not app.bodies
    assert worker.dispatcher.uploads.held == 50 * 6000
    assert not [frame for frame in connection.wrote("WINDOW_UPDATE") if frame.stream_id]
    for stream_id in numbers:
        connection.serve(frames.data(stream_id, b"", end_stream=True))
    assert app.bodies == [bytes(6000)] * 50
    assert worker.dispatcher.uploads.held == 0
    # Nothing was given back twice, and nothing was kept.
    assert 65535 - connection.session.connection.inbound_flow_control_window < 65535 // 2


@pytest.mark.parametrize("fields", [[], [("content-length", "100000")]])
def test_credit_is_given_once(fields):
    """However a body ends, the connection's window has all of it back, and no more."""
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker)
    engine = connection.session.connection
    credit = 65535
    for number in range(60):
        stream_id = 2 * number + 1
        connection.serve(post(stream_id, *fields), frames.data(stream_id, bytes(3000)))
        credit -= 3000
        ends = number % 3
        if ends == 0:
            connection.serve(frames.rst_stream(stream_id, CANCEL))
        elif ends == 1 and not fields:
            connection.serve(frames.data(stream_id, b"", end_stream=True))
        else:
            worker.dispatcher.queue_paused(2.0 * number)
            worker.dispatcher.queue_paused(2.0 * number + 1.5)
            start_uploads(worker)
            connection.flush()
        credit += sum(frame.increment for frame in connection.wrote("WINDOW_UPDATE", 0))
        connection.sent.clear()
        assert engine.inbound_flow_control_window == credit
        assert credit > 20000
        assert worker.dispatcher.uploads.held == 0
        assert not worker.dispatcher.uploads.gathering
        assert not worker.dispatcher.uploads.waiting


def test_what_is_gathered_is_bounded_for_the_process():
    app = Unread()
    worker = Worker(app, limits=WorkerLimits(gathered_bodies=10_000))
    first, second = Connection(worker), Connection(worker)
    first.serve(post(1), frames.data(1, bytes(6000)))
    start_uploads(worker)
    assert not app.paths
    second.serve(post(1, path="/over"), frames.data(1, bytes(6000)))
    assert worker.dispatcher.uploads.held == 6000
    assert second.session.connection.counters == {"gathered_bodies": 1}
    start_uploads(worker)
    assert app.paths == ["/over"]
    # What is read, or given up, makes room.
    first.session.close()
    assert worker.dispatcher.uploads.held == 0


def test_a_closed_connection_leaves_nothing_behind():
    worker = Worker(Unread())
    connection = Connection(worker)
    connection.feed(post(1), post(3, ("expect", "100-continue")), post(5), frames.data(1, b"x"), frames.data(3, b"x"))
    assert len(worker.dispatcher.uploads.gathering) == 2
    assert len(worker.dispatcher.uploads.waiting) == 1
    connection.session.close()
    assert not worker.dispatcher.uploads.gathering
    assert not worker.dispatcher.uploads.waiting
    assert worker.dispatcher.uploads.held == 0


# Too slow


def drip(rate, seconds, timeout=20.0, limits=None, octets=1):
    """A body of so many octets every ``rate`` seconds; the second at which it was reset, or None."""
    worker = Worker(Unread(), limits=limits)
    connection = Connection(worker)
    connection.serve(post(1))
    for second in range(seconds):
        if second % rate == 0:
            connection.feed(frames.data(1, bytes(octets)))
        connection.session.reset_slow_bodies(float(second), timeout)
        connection.flush()
        if connection.wrote("RST_STREAM", 1):
            assert connection.wrote("RST_STREAM", 1)[0].error_code == CANCEL
            assert connection.session.connection.counters == {"slow_bodies": 1}
            assert not worker.dispatcher.uploads.gathering
            return second
    return None


def test_a_drip_does_not_renew_its_time():
    assert drip(2, 100) in (20, 21)
    assert drip(2, 100, timeout=3.0) in (3, 4)
    assert drip(1000, 100) in (20, 21)


def test_who_keeps_the_rate_is_not_cut_off():
    assert drip(1, 300, octets=128) is None
    assert drip(10, 300, octets=1300) is None
    assert drip(1, 300, octets=100) in range(60, 110)


def test_the_rate_is_a_setting():
    assert drip(2, 100, limits=WorkerLimits(min_body_rate=0)) is None
    assert drip(1000, 100, limits=WorkerLimits(min_body_rate=0)) in (20, 21)
    assert drip(1, 300, octets=128, limits=WorkerLimits(min_body_rate=1000)) is not None


def test_a_worker_that_has_slept_cuts_nobody_off():
    worker = Worker(Unread())
    connection = Connection(worker)
    connection.serve(post(1))
    connection.session.reset_slow_bodies(0.0, 20.0)
    connection.session.reset_slow_bodies(1000.0, 20.0)
    connection.flush()
    assert not connection.wrote("RST_STREAM")


def test_time_without_credit_does_not_count_against_a_slow_upload():
    worker = Worker(Unread())
    connection = Connection(worker, receive_window=1000)
    connection.serve(post(1), frames.data(1, bytes(1000)))
    # It waits for a thread, which it may for 80 seconds.
    for second in range(75):
        connection.session.reset_slow_bodies(float(second), 20.0)
    connection.flush()
    assert not connection.wrote("RST_STREAM")


# Threads


def test_the_last_free_thread_is_kept_for_whole_requests():
    app = Unread()
    worker = Worker(app)
    worker.dispatcher.threads = 2
    connection = Connection(worker)
    connection.serve(post(1, ("expect", "100-continue"), path="/upload"), request(3, path="/whole"))
    start_uploads(worker)
    assert app.paths == ["/whole"]
    other = threading.Thread(target=worker.leadership.acquire, args=(Slot(),), daemon=True)
    other.start()
    assert until(lambda: worker.leadership.idle_slots)
    start_uploads(worker)
    assert app.paths == ["/whole", "/upload"]
    worker.leadership.stop()
    other.join(10)


def test_one_thread_serves_whole_requests_first():
    app = Unread()
    worker = Worker(app)
    connection = Connection(worker)
    for stream_id in (1, 3):
        connection.feed(post(stream_id, ("expect", "100-continue"), path="/upload"))
    connection.serve(request(5, path="/whole"))
    # One of them, then the loop looks for others.
    start_uploads(worker)
    assert app.paths == ["/whole", "/upload"]


def whole(worker, connection):
    connection.serve(frames.data(1, b"", end_stream=True))


def reset(worker, connection):
    connection.feed(frames.rst_stream(1, CANCEL))


def closed(worker, connection):
    connection.session.close()


def started(worker, connection):
    start_uploads(worker)


@pytest.mark.parametrize("end", [whole, reset, closed, started, None])
def test_a_thread_that_sits_down_wakes_the_leader_where_a_body_waits_for_one(end):
    """And where none does any more it would for nothing, at every call that is handed over."""
    worker = Worker(Unread())
    connection = Connection(worker)
    connection.serve(post(1, ("expect", "100-continue")))
    if end is not None:
        end(worker, connection)
    other = threading.Thread(target=worker.leadership.acquire, args=(Slot(),), daemon=True)
    other.start()
    assert until(lambda: worker.leadership.idle_slots)
    worker.leadership.stop()
    other.join(10)
    assert not other.is_alive()
    assert worker.woken == (1 if end is None else 0)


@pytest.fixture
def serve():
    """Start loops in this process; `Serving`'s arguments."""
    running = []

    def start(*args, **options):
        running.append(Serving(*args, **options))
        return running[-1]
    yield start
    for server in running:
        server.__exit__()


def answers(client, stream_id):
    client.request(stream_id, "/get")
    return client.read(client.ended(stream_id), 10)


def test_bodies_that_drip_leave_threads_to_others(serve):
    """Four POSTs that send an octet every now and then, with four threads: all GETs are served, and the POSTs end."""
    server = serve(Paths(upload=Reader()), threads=4, timeout=3.0)
    with Client(server) as dripping, Client(server) as other:
        for stream_id in (1, 3, 5, 7):
            dripping.request(stream_id, "/upload", "POST", end_stream=False)
        begun, number, gone = time.monotonic(), 1, set()
        while len(gone) < 4 and time.monotonic() < begun + 30:
            for stream_id in {1, 3, 5, 7} - gone:
                dripping.data(stream_id, b"x")
            for stream_id in {1, 3, 5, 7} - gone:
                dripping.read(dripping.ended(stream_id), 0.1)
            # A reset may have come while another stream was read from.
            gone = {stream_id for stream_id in (1, 3, 5, 7) if dripping.ended(stream_id)()}
            asked = time.monotonic()
            assert answers(other, number)
            assert time.monotonic() - asked < 2.5
            number += 2
        assert len(gone) == 4
    assert not server.failures


@pytest.mark.parametrize("threads", [1, 4])
def test_open_uploads_on_many_connections_do_not_make_others_wait(serve, threads):
    """Sixteen connections with six open uploads each."""
    server = serve(Paths(upload=Reader()), threads=threads)
    clients = [Client(server) for _ in range(16)]
    try:
        for client in clients:
            for stream_id in range(1, 13, 2):
                client.request(stream_id, "/upload", "POST", end_stream=False)
        with Client(server) as other:
            for stream_id in range(1, 9, 2):
                asked = time.monotonic()
                assert answers(other, stream_id)
                assert time.monotonic() - asked < 2.5
                if threads > 1:
                    # By then all have paused.
                    time.sleep(0.5)
    finally:
        for client in clients:
            client.sock.close()


def test_with_one_thread_the_rate_bounds_a_drip(serve):
    """It has the thread, and then the others have it."""
    app = Paths(upload=Reader())
    server = serve(app, threads=1, timeout=2.0)
    with Client(server) as dripping, Client(server) as other:
        dripping.request(1, "/upload", "POST", [("expect", "100-continue")], end_stream=False)
        assert until(lambda: app.begun)
        other.request(1, "/get")
        deadline = time.monotonic() + 30
        while not other.read(other.ended(1), 0.3) and time.monotonic() < deadline:
            if not dripping.read(dripping.ended(1), 0):
                dripping.data(1, b"x")
        assert other.found(h2.events.StreamEnded, 1)
        assert dripping.read(dripping.ended(1))
        assert int(dripping.found(h2.events.StreamReset, 1)[0].error_code) == CANCEL
