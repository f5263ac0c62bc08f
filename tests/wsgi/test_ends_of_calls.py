"""The end of a call, of its client, and of the worker, in any order."""
import sys
import threading
import time

import h2.errors
import h2.events
import pytest

from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Serving
from tests.wsgi.asking import answered, get


@pytest.mark.parametrize("client_gone", ["answered", "reset", "closed"])
def test_draining_waits_for_calls_whose_client_is_gone(serve, client_gone):
    entered, gate, left = (threading.Event() for _ in range(3))

    def work():
        entered.set()
        gate.wait(20)
        left.set()

    class Body:
        def __iter__(self):
            return iter([b"done"])

        def close(self):
            work()

    def app(environ, start_response):
        start_response("200 OK", [])
        if client_gone == "answered":
            return Body()
        work()
        return [b"done"]

    server = serve(app)
    with Client(server) as client:
        get(client, "/")
        assert entered.wait(5)
        if client_gone == "answered":
            assert answered(client, 1, b"done")
        elif client_gone == "reset":
            client.conn.reset_stream(1, h2.errors.ErrorCodes.CANCEL)
            client.flush()
        if client_gone == "closed":
            client.sock.close()
        server.loop.drain()
        server.loop.do(server.loop.report_if_drained)
        if client_gone != "closed":
            client.read(lambda: client.closed, 2)
            client.sock.close()
    assert until(lambda: not server.loop.clients)
    assert not server.is_drained.wait(0.3)
    gate.set()
    assert server.is_drained.wait(5)
    assert left.is_set()


@pytest.mark.parametrize("reads", [True, False])
def test_a_thread_that_waits_hears_of_the_end_of_the_call(serve, reads):
    heard = []
    waits = threading.Event()

    def app(environ, start_response):
        write = start_response("200 OK", [])

        def wait():
            waits.set()
            try:
                while True:
                    environ["wsgi.input"].read(10) if reads else write(bytes(100000))
            except (OSError, ValueError) as error:
                heard.append(error)

        threading.Thread(target=wait, daemon=True).start()
        waits.wait(5)
        time.sleep(0.05)
        return [b"whole"]

    server = serve(app)
    with Client(server, credit=False) as client:
        client.request(1, "/", "POST", end_stream=False)
        client.data(1, b"body")
        assert until(lambda: heard, 5)
        if reads:
            assert answered(client, 1, b"whole")
    assert not server.failures


def test_a_client_that_takes_its_answer_slowly_is_progress(serve):
    def app(environ, start_response):
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/large":
            return iter([bytes(65536)] * 100)
        return [b"small"]

    server = serve(app, threads=1)
    with Client(server, credit=False) as client, Client(server) as other:
        get(client, "/large")
        assert client.read(lambda: len(client.body()) == 65535, 5)
        get(other, "/small")
        assert until(server.loop.is_stuck)
        for taken in range(1000, 6000, 1000):
            before = server.loop.progress
            client.conn.increment_flow_control_window(1000)
            client.conn.increment_flow_control_window(1000, 1)
            client.flush()
            assert client.read(lambda n=taken: len(client.body()) == 65535 + n, 5)
            assert until(lambda n=before: server.loop.progress != n, 5)


def test_an_error_is_reported_with_the_request_it_is_of():
    reported = []

    class Reporting(Serving):
        def _report(self, call, exc):
            reported.append((call.environ["PATH_INFO"], type(exc).__name__))

    def app(environ, start_response):
        environ["gunicorn.http2.send_trailers"]([(":status", "200")])
        start_response("200 OK", [])
        yield b"body"
        time.sleep(0.005)

    with Reporting(app, threads=2) as server, Client(server) as client:
        for number in range(30):
            get(client, f"/{number}", first=2 * number + 1)
            # Reset, or with an answer that says so where nothing was sent yet.
            assert client.read(client.ended(2 * number + 1), 5)
            assert until(lambda n=number: reported[n:], 5)
    assert reported == [(f"/{number}", "ProtocolError") for number in range(30)]


def test_a_write_that_comes_too_late_harms_no_answer(serve):
    def app(environ, start_response):
        write = start_response("200 OK", [])
        going = threading.Event()

        def go_on():
            going.set()
            try:
                while True:
                    write(b"w")
            except (OSError, ValueError):
                pass

        threading.Thread(target=go_on, daemon=True).start()
        going.wait(5)
        return [b"x" * 1000] * 20

    server = serve(app, threads=3)
    with Client(server) as client:
        for stream_id in range(1, 100, 2):
            get(client, f"/{stream_id}", first=stream_id)
            assert client.read(client.ended(stream_id), 10)
            assert not client.found(h2.events.StreamReset, stream_id)
            assert client.body(stream_id).count(b"x") == 20000
    assert not server.failures and not server.reports


def test_an_answer_is_not_replaced_once_its_first_part_is_sent(serve):
    tick = 0.01

    def spin(seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    def app(environ, start_response):
        start_response("200 OK", [(f"x-{number}", "value" * 10) for number in range(300)])
        spin(tick * 0.7)

        def parts():
            spin(tick * 0.7)
            yield b"part"
            # Somewhere near to where another thread takes over and sends it.
            spin(tick * 0.01 * int(environ["PATH_INFO"][1:]))
            try:
                raise KeyError
            except KeyError:
                start_response("500 Oops", [("content-type", "text/plain")], sys.exc_info())
            yield b"error page"

        return parts()

    server = serve(app, threads=4, tick=tick)
    with Client(server) as client:
        for number in range(100):
            stream_id = 2 * number + 1
            get(client, f"/{number}", first=stream_id)
            assert client.read(client.ended(stream_id), 10)
            # It was sent, and the error ends the stream; or it was not, but the application has handed it over.
            assert client.found(h2.events.StreamReset, stream_id) or (
                client.status(stream_id), client.body(stream_id)) == ("500", b"Internal Server Error")
