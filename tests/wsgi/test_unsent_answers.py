"""Answers that wait are bounded: over a bound no further request is started (docs/security.md, row 27)."""
import socket
import threading
import time
import tracemalloc

import pytest

from fasth2.wsgi.limits import WorkerLimits
from fasth2.wsgi.waiting_calls import run_uploads
from tests.support import frames
from tests.support.fields import request
from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Serving
from tests.wsgi.without_sockets import Connection, Worker

PAGE = 500_000


class Pages:
    """An application that answers with so many octets, an object of its own each time."""

    def __init__(self, size=PAGE):
        self.size = size
        self.begun = 0

    def __call__(self, environ, start_response):
        self.begun += 1
        start_response("200 OK", [])
        query = environ["QUERY_STRING"]
        return [bytes(int(query) if query else self.size)]


def requests(first, count, path="/"):
    return b"".join(bytes(request(stream_id, path=path)) for stream_id in range(first, first + 2 * count, 2))


def credit(connection, stream_id, octets):
    connection.feed(frames.window_update(stream_id, octets))


def test_no_call_is_started_while_too_much_waits_on_a_connection():
    app = Pages()
    connection = Connection(Worker(app), window=0)
    connection.serve(requests(1, 100))
    # Two MiB, and the largest.
    assert app.begun == 6
    assert connection.session.waiting
    assert connection.session.connection.counters == {"unsent_connection": 1}
    connection.serve()
    assert app.begun == 6


def test_calls_are_started_as_the_client_takes_answers():
    app = Pages()
    worker = Worker(app)
    connection = Connection(worker, window=0)
    connection.feed(frames.window_update(0, 2**30))
    connection.serve(requests(1, 100))
    for stream_id in range(1, 201, 2):
        credit(connection, stream_id, 2**20)
        connection.flush()
        for client in [streams.client for streams in worker.dispatcher.unsent.release()]:
            client.session.run()
    connection.flush()
    assert app.begun == 100
    assert sum(len(frame.data) for frame in connection.wrote("DATA")) == 100 * PAGE
    assert worker.dispatcher.unsent.total == 0
    assert not worker.dispatcher.unsent.held_back


def test_one_large_answer_holds_up_no_other():
    """However slowly it is taken."""
    app = Pages(10)
    connection = Connection(Worker(app), window=0)
    connection.serve(requests(1, 1, "/?50000000"), requests(3, 99))
    assert app.begun == 100


def test_no_call_is_started_while_too_much_waits_in_the_process():
    app = Pages()
    worker = Worker(app, limits=WorkerLimits(unsent_process=3_000_000, unsent_connection=1_000_000))
    connections = [Connection(worker, window=0) for _ in range(10)]
    for connection in connections:
        connection.serve(requests(1, 100))
    # Two connections up to their own bound, and one answer on each of the others.
    assert app.begun < 16
    assert worker.dispatcher.unsent.total == app.begun * PAGE
    assert connections[-1].session.connection.counters == {"unsent_process": 1}


def test_who_reads_is_served_while_others_do_not():
    app = Pages()
    worker = Worker(app, limits=WorkerLimits(unsent_process=1_000_000))
    hostile = [Connection(worker, window=0) for _ in range(5)]
    for connection in hostile:
        connection.serve(requests(1, 100))
    assert worker.dispatcher.unsent.total > 1_000_000
    good = Connection(worker, window=2**20)
    good.feed(frames.window_update(0, 2**30))
    good.serve(requests(1, 20))
    for _ in range(20):
        for client in [streams.client for streams in worker.dispatcher.unsent.release()]:
            client.session.run()
            client.flush()
    assert len([frame for frame in good.wrote("DATA") if frame.end_stream]) == 20
    # Those who do not read are reset in time, and what they held is gone.
    for connection in hostile:
        for second in range(25):
            connection.session.reset_stuck(float(second), 20.0)
        connection.flush()
        assert connection.wrote("RST_STREAM")
    for client in [streams.client for streams in worker.dispatcher.unsent.release()]:
        client.session.run()
    for connection in hostile:
        connection.session.close()
    assert worker.dispatcher.unsent.total == 0
    assert not worker.dispatcher.unsent.held_back


def test_a_request_that_is_reset_while_it_waits_is_let_go():
    app = Pages()
    worker = Worker(app)
    connection = Connection(worker, window=0)
    connection.serve(requests(1, 20))
    assert app.begun == 6
    connection.serve(*(frames.rst_stream(stream_id, 8) for stream_id in range(13, 41, 2)))
    assert not connection.session.waiting
    connection.serve(*(frames.rst_stream(stream_id, 8) for stream_id in range(1, 13, 2)))
    assert worker.dispatcher.unsent.total == 0


@pytest.mark.parametrize("ends", [False, True])
def test_an_upload_that_is_held_back_is_started_later(ends):
    app = Pages()
    worker = Worker(app)
    connection = Connection(worker, window=0)
    connection.serve(requests(1, 6))
    connection.serve(request(101, ("expect", "100-continue"), method="POST", end_stream=False))
    assert run_uploads(worker.dispatcher)
    assert app.begun == 6
    if ends:
        connection.serve(frames.data(101, b"body", end_stream=True))
        assert app.begun == 6
    connection.serve(*(frames.rst_stream(stream_id, 8) for stream_id in range(1, 13, 2)))
    for client in [streams.client for streams in worker.dispatcher.unsent.release()]:
        client.session.run()
    assert run_uploads(worker.dispatcher)
    assert app.begun == 7


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


def test_ten_connections_that_read_nothing(serve):
    """A hundred requests each for a page of 500 kB, with a window of 0: memory is bounded, and others are served."""
    app = Pages()
    server = serve(app)
    opening = frames.PREFACE + bytes(frames.settings((frames.INITIAL_WINDOW_SIZE, 0))) + requests(1, 100)
    tracemalloc.start()
    try:
        hostile = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(10)]
        for sock in hostile:
            sock.sendall(opening)
        assert until(lambda: len(server.loop.dispatcher.unsent.held_back) == 10, 30)
        held = tracemalloc.get_traced_memory()[0]
        with Client(server) as client:
            for number in range(5):
                begun = time.monotonic()
                client.request(2 * number + 1, "/")
                assert client.read(client.ended(2 * number + 1), 10)
                assert time.monotonic() - begun < 5
    finally:
        tracemalloc.stop()
        for sock in hostile:
            sock.close()
    assert held < 64 * 2**20, f"{app.begun} answers, {held} bytes"
    assert until(lambda: server.loop.dispatcher.unsent.total == 0)
    assert not server.failures


def test_a_client_that_takes_answers_slowly_is_not_read_from_while_framed_ones_wait():
    """Small answers end their streams at once, so no bound on streams or on queued bodies counts them."""
    count = 2000
    with Serving(Pages(4000)) as serving:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        with sock:
            sock.settimeout(10)
            sock.connect(("127.0.0.1", serving.port))
            octets = b"".join([
                frames.PREFACE, bytes(frames.settings((4, 2**31 - 1))), bytes(frames.window_update(0, 2**30)),
                *(bytes(request(2 * number + 1, ("x-long", "x" * 1000))) for number in range(count))])
            sending = threading.Thread(target=sock.sendall, args=(octets,), daemon=True)
            sending.start()
            taken = most = 0
            while taken < count * 4000:
                time.sleep(0.001)
                taken += len(sock.recv(16384))
                for client in list(serving.loop.clients.values()):
                    if client.session is not None:
                        most = max(most, client.session.framed)
            sending.join(10)
            # The answers to what one read holds, and what was there before it.
            assert 65536 < most < 600_000
