"""Connections that end in every state leave nothing behind."""
import contextlib
import gc
import socket
import threading
import time

import h2.events
import pytest

from fasth2.wsgi import loop as wsgi_loop
from fasth2.wsgi.session import Session
from tests.support.tls_client import Client
from tests.support.waiting import until
from tests.support.wsgi_serving import Paths, Serving
from tests.wsgi.asking import answered, get


def test_a_body_that_is_reset_before_its_call_gives_its_window_back(serve):
    app = Paths()
    server = serve(app, threads=1)
    with Client(server) as client:
        get(client, "/wait?a")
        assert until(lambda: app.begun)
        for stream_id in range(3, 23, 2):
            client.request(stream_id, "/post", "POST", end_stream=False)
            client.data(stream_id, b"x" * 6000)
            client.conn.reset_stream(stream_id)
            client.flush()
        app.gate("a").set()
        assert answered(client, 1, b"/wait")
        client.request(23, "/post", "POST", end_stream=False)
        assert client.read(lambda: client.conn.local_flow_control_window(23) >= 32768, 5)
    assert app.begun[1:] in ([], ["/post"])


def test_bodies_that_wait_for_a_thread_leave_the_window_to_the_one_that_is_read(serve):
    """Otherwise none of them goes on: the connection's window is full of what nobody reads yet."""
    def upload(environ, start_response):
        body = environ["wsgi.input"].read()
        start_response("200 OK", [])
        return [str(len(body)).encode()]

    server = serve(Paths(upload=upload), threads=1)
    with Client(server) as client:
        # None is gathered: the first is read while it arrives, and the others wait for the thread.
        client.request(1, "/upload", "POST", [("expect", "100-continue")], end_stream=False)
        client.data(1, b"first")
        for stream_id in (3, 5, 7):
            client.request(stream_id, "/upload", "POST", [("expect", "100-continue")], end_stream=False)
        sent = {1: 5, 3: 0, 5: 0, 7: 0}
        while sent[1] < 100_000:
            # The others first.
            for stream_id in (3, 5, 7, 1):
                size = min(client.conn.local_flow_control_window(stream_id), 16384)
                client.data(stream_id, b"x" * size)
                sent[stream_id] += size
            assert client.read(lambda: client.conn.local_flow_control_window(1) > 0, 5), sent
        for stream_id in (1, 3, 5, 7):
            client.data(stream_id, b"", end_stream=True)
        for stream_id in (1, 3, 5, 7):
            assert answered(client, stream_id, str(sent[stream_id]).encode())
        assert min(sent.values()) >= 65535
    assert not server.failures and not server.reports


def test_a_window_that_others_fill_while_a_thread_is_about_to_wait(serve, monkeypatch):
    """The thread asks for window, which is there; then others use it up, before the thread waits."""
    armed, asked, filled = threading.Event(), threading.Event(), threading.Event()
    wake = wsgi_loop.Waker.wake

    def wake_and_pause(waker):
        wake(waker)
        if armed.is_set() and threading.current_thread().name == "reader" and not asked.is_set():
            asked.set()
            filled.wait(5)

    def upload(environ, start_response):
        threading.current_thread().name = "reader"
        body = environ["wsgi.input"].read()
        threading.current_thread().name = "idle"
        start_response("200 OK", [])
        return [str(len(body)).encode()]

    monkeypatch.setattr(wsgi_loop.Waker, "wake", wake_and_pause)
    server = serve(Paths(upload=upload), threads=1)
    with Client(server) as client:
        client.request(1, "/upload", "POST", [("expect", "100-continue")], end_stream=False)
        assert client.read(lambda: client.found(h2.events.InformationalResponseReceived, 1), 5)
        armed.set()
        client.data(1, b"first")
        assert asked.wait(5)
        client.request(3, "/upload", "POST", [("expect", "100-continue")], end_stream=False)
        while size := min(client.conn.local_flow_control_window(3), 16384):
            client.data(3, b"x" * size)
        time.sleep(0.2)
        filled.set()
        assert client.read(lambda: client.conn.local_flow_control_window(1) > 0, 5)
        for stream_id, size in ((1, 5), (3, 65530)):
            client.data(stream_id, b"", end_stream=True)
            assert answered(client, stream_id, str(size).encode())
    assert not server.failures and not server.reports


def test_connections_are_freed_without_the_collector(serve):
    def upload(environ, start_response):
        body = environ["wsgi.input"].read()
        start_response("200 OK", [])
        return [body]

    server = serve(Paths(upload=upload))
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            with Client(server) as client:
                get(client, "/a", "/b")
                assert answered(client, 3, b"/b")
                client.request(5, "/upload", "POST", end_stream=False)
                client.data(5, b"body", end_stream=True)
                assert answered(client, 5, b"body")
        assert until(lambda: not server.loop.clients)
        get_one(server)
        # One may be held by what ran last.
        assert until(lambda: sum(type(each) is Session for each in gc.get_objects()) <= 2)
    finally:
        gc.enable()


def get_one(server):
    with Client(server) as client:
        get(client, "/last")
        assert answered(client, 1, b"/last")


def test_a_closed_connection_has_no_descriptor(serve):
    app = Paths()
    server = serve(app, threads=1)
    client = Client(server)
    with client:
        get(client, "/wait?a")
        assert until(lambda: app.begun and server.loop.clients)
        [kept] = server.loop.clients.values()
    assert until(lambda: not server.loop.clients)
    # Another connection that gets the number is not mistaken for it.
    with Client(server) as other:
        assert kept.fd == -1
        app.gate("a").set()
        get(other, "/other")
        assert answered(other, 1, b"/other")
        kept.close()
        get(other, "/again", first=3)
        assert answered(other, 3, b"/again")
    assert not server.failures


def test_a_connection_that_breaks_the_loop_is_closed_and_others_go_on(serve):
    server = serve(Paths())
    with Client(server) as good:
        get(good, "/one")
        assert answered(good, 1, b"/one")

        def refuse(client):
            raise RuntimeError("on purpose")

        server.refuses = refuse
        with Client(server) as bad:
            assert not bad.read(lambda: bad.events, 5)
        server.refuses = None
        assert until(lambda: len(server.loop.clients) == 1)
        get(good, "/two", first=3)
        assert answered(good, 3, b"/two")
    assert [type(each) for each in server.failures] == [RuntimeError]


def test_no_more_connections_than_the_most(serve):
    server = serve(Paths(), max_connections=3)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(8)]
        assert until(lambda: len(server.loop.clients) == 3)
        time.sleep(0.1)
        assert len(server.loop.clients) == 3
        for sock in socks[:3]:
            sock.close()
        assert until(lambda: any(each.address[1] == socks[5].getsockname()[1]
                                 for each in list(server.loop.clients.values())))
        assert len(server.loop.clients) == 3


@pytest.mark.parametrize("state", ["silent", "half a preface", "idle", "closing"])
def test_a_loop_that_drains_does_not_wait_for_the_idle(monkeypatch, state):
    monkeypatch.setattr(wsgi_loop, "CHECK_INTERVAL", 1.0)
    with Serving(Paths()) as server:
        if state == "idle":
            client = Client(server)
            sock = client.sock
            assert client.read(lambda: client.found(h2.events.SettingsAcknowledged), 5)
        else:
            sock = socket.create_connection(("127.0.0.1", server.port))
            sock.sendall({"silent": b"", "half a preface": b"PRI * HTT", "closing": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                          + b"\0\0\1\0\0\0\0\0\1x"}[state])
        with sock:
            assert until(lambda: server.loop.clients)
            server.loop.drain()
            # An idle one has two seconds for its first request, and one between the two GOAWAYs.
            assert until(lambda: not server.loop.clients, 8)
        assert not server.failures


def test_a_connection_that_is_given_away_at_the_end_is_given_first():
    """The host may stop when it hears that the loop is drained."""
    told = []

    class Host(Serving):
        def serve_http1(self, sock, *rest):
            told.append("given")
            sock.close()

        def drained(self):
            told.append("drained")

    with Host(Paths()) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        assert until(lambda: server.loop.clients)
        server.loop.drain()
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert until(lambda: len(told) == 2)
    assert told == ["given", "drained"]
