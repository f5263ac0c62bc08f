"""Applications and hooks that fail, or do what they should not, harm nobody else."""
import contextlib
import functools
import sys
import threading

import h2.errors
import h2.events
import pytest

from tests.support.threads import together
from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Paths, Serving
from tests.wsgi.asking import answered, get

DETACHED = pytest.mark.parametrize("slow", [False, True], ids=["fast", "slow"])


class Application(Paths):
    """With a path that does something once it has lost the lead, or at once."""

    server: Serving

    def act(self, slow):
        """Wait until the call has lost the lead, where it is to; later ones on its path lose it before they begin."""
        if slow:
            assert until(lambda: self.server.loop.leadership.handovers)


def serving(serve, slow, function, **options):
    app = Application(f=lambda environ, start_response: (app.act(slow), function(environ, start_response))[1])
    app.server = serve(app, **options)
    return app.server


@DETACHED
def test_the_environment_is_the_applications(serve, slow):
    def function(environ, start_response):
        environ.clear()
        environ["PATH_INFO"] = 7
        start_response("200 OK", [])
        return [b"fine"]

    server = serving(serve, slow, function)
    with Client(server) as client:
        for stream_id in (1, 3, 5):
            get(client, "/f", first=stream_id)
            assert answered(client, stream_id, b"fine")
        get(client, "/other", first=7)
        assert answered(client, 7, b"/other")
    assert not server.failures and not server.reports


@DETACHED
@pytest.mark.parametrize("whole", [True, False])
def test_trailers_that_are_none_end_the_response(serve, slow, whole):
    def function(environ, start_response):
        environ["gunicorn.http2.send_trailers"]([(":status", "200")])
        start_response("200 OK", [])
        return [b"body"] if whole else iter([b"body"] * 3)

    server = serving(serve, slow, function)
    with Client(server) as client:
        get(client, "/f")
        assert client.read(client.ended(1), 5)
        resets = client.found(h2.events.StreamReset, 1)
        assert client.status() == "500" or resets[0].error_code == h2.errors.ErrorCodes.INTERNAL_ERROR
        get(client, "/other", first=3)
        assert answered(client, 3, b"/other")
        assert until(lambda: client_sessions_idle(server))
    assert not server.failures
    assert len(server.reports) >= 1


def client_sessions_idle(server):
    return all(each.session.idle for each in server.loop.clients.values())


class Hooks:
    """An observer."""

    def __init__(self, begin=None, end=None):
        self._begin, self._end = begin, end

    def begin(self, call):
        if self._begin is not None:
            self._begin()

    def end(self, call):
        if self._end is not None:
            self._end()


@DETACHED
@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("at", ["begin", "end"])
def test_hooks_that_raise(serve, slow, error, at):
    def fail():
        raise error

    def function(environ, start_response):
        start_response("200 OK", [])
        return [b"fine"]

    server = serving(serve, slow and at == "end", function, observer=Hooks(**{at: fail}))
    with Client(server) as client:
        for stream_id in (1, 3):
            get(client, "/f", first=stream_id)
            assert client.read(client.ended(stream_id), 5)
            assert client.status(stream_id) == ("500" if at == "begin" else "200")
        assert until(lambda: client_sessions_idle(server))
    assert not server.failures
    assert [type(each) for each in server.reports] == [error] * 2


@pytest.mark.parametrize("at", ["begin", "end"])
def test_a_hook_that_blocks_keeps_one_thread(serve, at):
    gate = threading.Event()
    blocked = threading.Lock()

    def wait():
        if blocked.acquire(blocking=False):
            assert gate.wait(20)

    server = serve(Paths(), threads=2, observer=Hooks(**{at: wait}))
    try:
        with Client(server) as first, Client(server) as second:
            get(first, "/first")
            assert until(blocked.locked)
            get(second, "/second")
            assert answered(second, 1, b"/second")
            gate.set()
            assert answered(first, 1, b"/first")
    finally:
        gate.set()


@DETACHED
def test_the_input_is_read_by_another_thread(serve, slow):
    def function(environ, start_response):
        found = []
        thread = threading.Thread(target=lambda: found.append(environ["wsgi.input"].read()))
        thread.start()
        thread.join(20)
        start_response("200 OK", [])
        return found

    server = serving(serve, slow, function, threads=1)
    with Client(server) as client:
        body = b"x" * 40000
        client.request(1, "/f", "POST", end_stream=False)
        for _ in range(5):
            for at in range(0, len(body), 8000):
                client.data(1, body[at:at + 8000])
            assert client.read(lambda: client.conn.local_flow_control_window(1) >= len(body), 5)
        client.data(1, b"", end_stream=True)
        assert answered(client, 1, body * 5)
    assert not server.failures and not server.reports


@DETACHED
@pytest.mark.parametrize("complete", [True, False])
def test_the_input_is_kept_beyond_the_call(serve, slow, complete):
    kept = []

    def function(environ, start_response):
        kept.append(environ["wsgi.input"])
        start_response("200 OK", [])
        return [b"fine"]

    server = serving(serve, slow, function)
    with Client(server) as client:
        client.request(1, "/f", "POST", end_stream=False)
        client.data(1, b"body", end_stream=complete)
        assert answered(client, 1, b"fine")
        assert until(lambda: client_sessions_idle(server))
        with contextlib.suppress(OSError):
            assert kept[0].read() in (b"", b"body")
        get(client, "/other", first=3)
        assert answered(client, 3, b"/other")


def test_a_response_that_nobody_waits_for_ends(serve):
    ended = threading.Event()

    def endless(environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 65536
        finally:
            ended.set()

    import socket
    import struct

    server = serve(Paths(endless=endless), timeout=None)
    client = Client(server, credit=False)
    client.conn.increment_flow_control_window(2**31 - 1 - 65535)
    client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
    get(client, "/endless")
    assert client.read(lambda: client.body(), 5)
    assert not ended.is_set()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    assert ended.wait(5)
    assert not server.failures


class Safe(str):
    """As template engines mark text: its str() is itself."""

    def __str__(self):
        return self


def test_text_of_a_subclass_is_text(serve):
    def app(environ, start_response):
        start_response(Safe("200 OK"), [(Safe("Content-Type"), Safe("text/plain")), (Safe("X-A"), Safe(" e "))])
        return [b"ok"]

    with Client(serve(app)) as client:
        for stream_id in (1, 3):
            get(client, "/", first=stream_id)
            assert client.read(client.ended(stream_id))
            assert client.status(stream_id) == "200"
            assert client.body(stream_id) == b"ok"


def test_another_thread_reads_while_the_call_waits_for_room(serve):
    lines = []

    def function(environ, start_response):
        def read():
            for line in environ["wsgi.input"]:
                lines.append(line)

        thread = threading.Thread(target=read)
        thread.start()
        start_response("200 OK", [])
        for _ in range(20):
            yield bytes(65536)
        thread.join(20)

    server = serving(serve, False, function, threads=1)
    with Client(server, credit=False) as client:
        client.request(1, "/f", "POST", end_stream=False)
        assert client.read(lambda: len(client.body()) == 65535, 5)
        # The response waits for the client; what it sends is read all the same.
        for number in range(200):
            client.data(1, b"%d\n" % number)
            assert until(lambda n=number: len(lines) == n + 1, 5), number
        client.data(1, b"last\n", end_stream=True)
        assert until(lambda: lines[-1] == b"last\n", 5)
        client.credit = True
        client.conn.acknowledge_received_data(65535, 1)
        client.flush()
        assert answered(client, 1, bytes(20 * 65536))
    assert not server.failures and not server.reports


@pytest.mark.parametrize("threads", [2, 8])
def test_several_threads_read_and_write(serve, threads):
    found = []

    def function(environ, start_response):
        write = start_response("200 OK", [])

        def work(number):
            while number % 2:
                write(b"w" * 100)
                number += 2
                if number > 200:
                    return
            while data := environ["wsgi.input"].read(10):
                found.append(data)

        together(*(functools.partial(work, number) for number in range(threads)), seconds=20)
        return [b"."]

    server = serving(serve, False, function, threads=2)
    with Client(server) as client:
        client.request(1, "/f", "POST", end_stream=False)
        for number in range(100):
            client.data(1, b"x" * 50, end_stream=number == 99)
        assert client.read(client.ended(1), 10)
        assert client.body().count(b"w") % 100 == 0
        assert client.body().endswith(b".")
        assert sum(map(len, found)) == 5000
    assert not server.failures and not server.reports


@DETACHED
def test_of_several_threads_one_begins_the_response(serve, slow):
    refused = []

    def function(environ, start_response):
        meet = threading.Barrier(4)

        def begin(number):
            def fields():
                yield "x-number", str(number)
                meet.wait(10)
                yield "content-length", "1"
                yield "x-again", str(number)

            try:
                start_response(f"20{number} Number {number}", fields())
            except AssertionError:
                refused.append(number)

        together(*(functools.partial(begin, number) for number in range(4)), seconds=20)
        return [b"."]

    server = serving(serve, slow, function)
    with Client(server) as client:
        get(client, "/f")
        assert client.read(client.ended(1), 10)
        [number] = {0, 1, 2, 3} - set(refused)
        assert len(refused) == 3
        assert client.status(1) == f"20{number}"
        fields = dict(client.found(h2.events.ResponseReceived)[0].headers)
        assert {name: fields[name] for name in ("x-number", "x-again", "content-length")} == {
            "x-number": str(number), "x-again": str(number), "content-length": "1"}
    assert not server.failures and not server.reports


@DETACHED
def test_a_response_that_another_thread_begins_meanwhile_is_not_replaced(serve, slow):
    raised = []

    def function(environ, start_response):
        write = start_response("200 OK", [("content-length", "10")])

        def fields():
            yield "content-length", "3"
            together(functools.partial(write, b"0123456789"), seconds=20)

        try:
            raise KeyError("of the application")
        except KeyError:
            try:
                start_response("500 Too Late", fields(), sys.exc_info())
            except KeyError as error:
                raised.append(error)
        return [b"more"]

    server = serving(serve, slow, function)
    with Client(server) as client:
        get(client, "/f")
        assert client.read(client.ended(1), 10)
        assert client.status(1) == "200"
        assert client.body(1) == b"0123456789"
    assert raised
    assert not server.failures and not server.reports
