"""Reloads and ``max_requests``: every connection that is accepted is served, and no request is lost."""
import re
import signal
import threading
import time

import h2.events
import pytest

from tests.support.tls_client import Client

#: The last stream id of a GOAWAY that only says that the end comes (RFC 9113 section 6.8).
ANY_STREAM = 2**31 - 1


class Newcomers:
    """Clients that connect, ask a few times and leave, again and again.

    A connection without an answer, a TLS handshake that fails among them, is a loss. A request above the last stream of
    a GOAWAY may be repeated, but not the first one of a connection: that one was accepted only to be refused.

    Args:
        server: Whom they ask.
        count: How many there are.
        requests: How often each connection asks.
        pause: Seconds between two requests of a connection.
    """

    def __init__(self, server, count=4, requests=3, pause=0.0):
        self.server, self.requests, self.pause = server, requests, pause
        self.answered = self.connections = self.refused = 0
        self.lost = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def _run(self):
        while not self._stop.is_set():
            try:
                with Client(self.server, patient=True) as client:
                    with self._lock:
                        self.connections += 1
                    self._ask(client)
            except Exception as exc:
                self.lost.append(f"{type(exc).__name__}: {exc}")

    def _ask(self, client):
        for stream_id in range(1, 2 * self.requests, 2):
            try:
                client.request(stream_id, "/hello")
            except OSError:
                pass  # what the server said before it closed is read below
            client.read(client.ended(stream_id), 20)
            last = [event.last_stream_id for event in client.found(h2.events.ConnectionTerminated)]
            if client.status(stream_id) == "200" and client.body(stream_id) == b"Hello, world!":
                with self._lock:
                    self.answered += 1
            elif stream_id > 1 and last and min(last) < stream_id:
                with self._lock:
                    self.refused += 1
                return
            else:
                self.lost.append(f"stream {stream_id}, closed: {client.closed}, GOAWAY: {last}, {client.events[-2:]}")
                return
            if ANY_STREAM in last:
                return  # a client that has been told goes elsewhere
            if self.pause:
                time.sleep(self.pause)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def workers(server):
    return len(re.findall(r"Booting worker with pid", server.log))


def wait_until(condition, wait=60.0):
    deadline = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_reloads_lose_nothing(start, blocking_worker, pause):
    server = start(*blocking_worker, "--threads", "4", "--graceful-timeout", "10")
    with Newcomers(server, pause=pause) as clients:
        for count in (2, 3, 4):
            answered = clients.answered
            wait_until(lambda answered=answered: clients.answered > answered + 40)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda count=count: workers(server) >= count)
        answered = clients.answered
        wait_until(lambda: clients.answered > answered + 40)
    assert not clients.lost
    # Requests that were sent after the server said goodbye; the quarter of a second is enough for all on this machine.
    assert clients.refused <= clients.answered / 20


def test_max_requests_loses_nothing(start, blocking_worker):
    server = start(*blocking_worker, "--threads", "4", "--max-requests", "20", "--graceful-timeout", "10")
    with Newcomers(server) as clients:
        wait_until(lambda: clients.answered > 100 and workers(server) > 4)
    assert not clients.lost


def test_the_end_is_announced_before_a_stream_is_named(start, blocking_worker):
    server = start(*blocking_worker, "--graceful-timeout", "20")
    with Client(server, patient=True) as client:
        client.request(1, "/hello")
        assert client.read(client.ended())
        server.terminate()
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        # On its way when the goodbye came.
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
        assert client.read(lambda: len(client.found(h2.events.ConnectionTerminated)) > 1)
        assert [event.last_stream_id for event in client.found(h2.events.ConnectionTerminated)] == [ANY_STREAM, 3]


def test_a_handshake_that_is_under_way_is_finished_and_answered(start, blocking_worker):
    """TCP is there when TERM comes, TLS and the request follow."""
    server = start(*blocking_worker, "--graceful-timeout", "20")

    class Slow(Client):
        def flush(self):
            if not hasattr(self, "told"):
                self.told = True
                server.terminate()
                time.sleep(1.2)
            super().flush()

    with Slow(server, patient=True) as client:
        client.request(1, "/hello")
        assert client.read(client.ended())
        assert client.body() == b"Hello, world!"
    assert server.process.wait(20) == 0
