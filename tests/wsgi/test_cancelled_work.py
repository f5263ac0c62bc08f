"""Work that nobody waits for any more ends: the next thing that an application yields, empty or not, is its last."""
import threading

import h2.errors
import h2.events
import pytest

from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Paths
from tests.wsgi.asking import answered, get

CANCEL = h2.errors.ErrorCodes.CANCEL


class Endless:
    """Yields the same part for ever; counts what is drawn, and is closed."""

    def __init__(self, part=b"", pause=0.005):
        self.part, self.pause = part, pause
        self.drawn = 0
        self.closed = threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        self.drawn += 1
        self.closed.wait(self.pause)
        return self.part

    def close(self):
        self.closed.set()


def endless(made, part=b"", status="200 OK"):
    """A function of `Paths`, whose bodies are in `made`."""
    def begin(environ, start_response):
        start_response(status, [("content-length", "12345")] if part else [])
        made.append(Endless(part))
        return made[-1]

    return begin


def cancel(client, stream_id):
    client.conn.reset_stream(stream_id, CANCEL)
    client.flush()


def test_clients_that_cancel_empty_parts_hold_no_thread(serve):
    made = []
    server = serve(Paths(endless=endless(made)), threads=2)
    for number in range(2):
        with Client(server) as client:
            get(client, "/endless")
            assert until(lambda number=number: len(made) > number)
            assert until(lambda: made[-1].drawn > 3)
            cancel(client, 1)
            assert made[-1].closed.wait(10), "it is drawn on"
            # Both threads are free.
            for stream_id in (3, 5):
                get(client, "/fast", first=stream_id)
            assert answered(client, 3, b"/fast") and answered(client, 5, b"/fast")


@pytest.mark.parametrize("part", [b"", b"some"])
def test_a_client_that_goes_ends_what_it_asked_for(serve, part):
    made = []
    server = serve(Paths(endless=endless(made, part)), threads=2)
    with Client(server) as client:
        get(client, "/endless")
        assert until(lambda: made and made[-1].drawn > 3)
    assert made[-1].closed.wait(10), "it is drawn on"


def test_requests_reset_while_they_wait_are_not_run(serve):
    application = Paths()
    server = serve(application, threads=1)
    with Client(server) as client:
        get(client, "/wait?first")
        assert until(lambda: application.begun)
        for stream_id in (3, 5, 7):
            get(client, f"/number{stream_id}", first=stream_id)
        cancel(client, 3)
        cancel(client, 7)
        client.conn.ping(b"12345678")
        client.flush()
        assert client.read(lambda: client.found(h2.events.PingAckReceived))
        application.gate("first").set()
        assert answered(client, 5, b"/number5")
        assert answered(client, 1, b"/wait")
    assert application.begun == ["/wait?first", "/number5"]


@pytest.mark.parametrize("method, status", [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")])
@pytest.mark.parametrize("part", [b"", b"some"])
def test_a_head_is_sent_at_once_and_ends_the_stream(serve, method, status, part):
    """Whatever body the application would go on with."""
    made = []
    server = serve(Paths(endless=endless(made, part, status)), threads=1)
    with Client(server) as client:
        client.request(1, "/endless", method)
        assert client.read(client.ended(1))
        assert (client.status(1), client.body(1)) == (status[:3], b"")
        if part and method == "HEAD":
            assert ("content-length", "12345") in client.found(h2.events.ResponseReceived)[0].headers
        assert made[0].closed.wait(10)
        assert not made[0].drawn
        get(client, "/fast", first=3)
        assert answered(client, 3, b"/fast")
    assert not server.reports


def test_a_head_of_a_generator_that_begins_its_response_late(serve):
    drawn = []

    def late(environ, start_response):
        yield b""
        start_response("200 OK", [("content-length", "4")])
        while True:
            drawn.append(1)
            yield b"part"

    server = serve(Paths(late=late), threads=1)
    with Client(server) as client:
        client.request(1, "/late", "HEAD")
        assert client.read(client.ended(1))
        assert ("content-length", "4") in client.found(h2.events.ResponseReceived)[0].headers
        get(client, "/fast", first=3)
        assert answered(client, 3, b"/fast")
    assert len(drawn) == 1


def test_a_head_that_is_written_without_end(serve):
    """By write(): what little there is counts as sent, what does not end finds nobody."""
    ended = threading.Event()

    def little(environ, start_response):
        write = start_response("200 OK", [])
        for _ in range(10):
            write(b"some")
        return [b"more"]

    def much(environ, start_response):
        write = start_response("200 OK", [])
        try:
            while True:
                write(bytes(1000))
        finally:
            ended.set()

    server = serve(Paths(little=little, much=much), threads=1)
    with Client(server) as client:
        client.request(1, "/little", "HEAD")
        client.request(3, "/much", "HEAD")
        assert client.read(lambda: client.ended(1)() and client.ended(3)())
        assert client.status(1) == client.status(3) == "200"
        assert client.body(1) == client.body(3) == b""
        assert ended.wait(10)
        get(client, "/fast", first=5)
        assert answered(client, 5, b"/fast")
    assert [type(exc).__name__ for exc in server.reports] == ["HTTP2StreamAborted"]


def test_endless_responses_are_cut_off_before_the_worker_must_end(serve):
    """Their `finally` runs, a part that is empty or not."""
    made = []
    server = serve(Paths(empty=endless(made), full=endless(made, b"some")), threads=3, goaway_after=0.2, cut_after=0.4)
    with Client(server, patient=True) as client:
        get(client, "/empty")
        get(client, "/full", first=3)
        assert until(lambda: len(made) == 2 and all(one.drawn > 3 for one in made))
        server.loop.drain()
        assert all(one.closed.wait(10) for one in made), "drawn on"
        assert client.read(lambda: client.ended(3)() and client.ended(1)())
        assert [int(event.error_code) for event in client.found(h2.events.StreamReset)] == [CANCEL, CANCEL]
        assert client.found(h2.events.ConnectionTerminated)
    assert server.is_drained.wait(10)
