"""Reloads and ``max_requests``: every connection that is accepted is served, and no request is lost."""
import threading
import time

import h2.events
import pytest

from tests.load.setups import CLASSES
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

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


@pytest.mark.parametrize("pause", [0.0, 0.05])
@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_reloads_lose_nothing(serve, setup, pause):
    with serve(setup, "--threads", "4", "--graceful-timeout", "10") as server, Newcomers(server, pause=pause) as clients:
        for count in (2, 3, 4):
            answered = clients.answered
            wait_until(lambda answered=answered: clients.answered > answered + 40, 60)
            server.reload()
            wait_until(lambda count=count: len(server.workers) >= count, 60)
        answered = clients.answered
        wait_until(lambda: clients.answered > answered + 40, 60)
    assert not clients.lost
    # Requests that were sent after the server said goodbye; the second between the two GOAWAYs is enough for all on this machine.
    assert clients.refused <= clients.answered / 20


@pytest.mark.parametrize("setup", CLASSES, ids=str)
def test_max_requests_loses_nothing(serve, setup):
    with serve(setup, "--threads", "4", "--max-requests", "20", "--graceful-timeout", "10") as server, \
            Newcomers(server) as clients:
        wait_until(lambda: clients.answered > 100 and len(server.workers) > 4, 60)
    assert not clients.lost
