"""Many connections that ask without pause, and what became of each request."""
from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import h2.errors
import h2.events

from tests.support.gunicorn_server import Gunicorn
from tests.support.payload import fill
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

#: Requests a connection has open at once.
OPEN = 6

_STREAM = b"".join(fill(150_000))
_BODY = bytes(range(256)) * 40


class _Client(Client):
    """A client that reads on when the server takes no more."""

    deaf = False

    def flush(self) -> None:
        """Send what the engine has to send, unless that failed once."""
        if not self.deaf:
            try:
                self.sock.settimeout(10)
                super().flush()
            except OSError:
                self.deaf = True


class Connection:
    """One connection: asks until it is told to stop or the server says goodbye, then waits for what is owed.

    Args:
        server: The server.
        name: What the names of its requests begin with.
    """

    def __init__(self, server: Gunicorn, name: str) -> None:
        self.client = _Client(server, patient=True)
        self.name = name
        #: What is expected of each stream's answer.
        self.wanted: dict[int, bytes] = {}
        self._next = 1

    def run(self, stop: Callable[[], bool]) -> None:
        """Ask and read until the end."""
        client = self.client
        while not (stop() or self.goodbyes()):
            while sum(not client.ended(stream_id)() for stream_id in self.wanted) < OPEN:
                self._ask()
            seen = len(client.events)
            if not client.read(lambda seen=seen: len(client.events) > seen):
                return
        # By RFC 9113 section 6.8 what the last GOAWAY names is answered; the first may name more.
        while not client.read(self._settled, wait=15) and not self._settled():
            return
        if self.goodbyes():
            # The server closes; what it says last may name fewer streams.
            client.read(lambda: False, wait=5)

    def _ask(self) -> None:
        stream_id, self._next = self._next, self._next + 2
        client = self.client
        kind = stream_id // 2 % 4
        path, body = (("/hello", None), ("/slow?0.01", None), ("/stream?150000", None), ("/echo", _BODY))[kind]
        self.wanted[stream_id] = (b"Hello, world!", b"Hello, world!", _STREAM, _BODY)[kind]
        client.request(stream_id, path, "POST" if body else "GET", [("x-id", f"{self.name}.{stream_id}")],
                       end_stream=body is None)
        if body:
            client.data(stream_id, body, end_stream=True)

    def goodbyes(self) -> list[h2.events.ConnectionTerminated]:
        """The server's GOAWAYs."""
        return self.client.found(h2.events.ConnectionTerminated)

    def refused(self) -> set[int]:
        """Streams that the server did not serve, and said so (RFC 9113 sections 6.8 and 8.7): they may be sent again."""
        last = self.goodbyes()[-1].last_stream_id if self.goodbyes() else 2**31 - 1
        resets = {event.stream_id for event in self.client.found(h2.events.StreamReset)
                  if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM}
        return resets | {stream_id for stream_id in self.wanted if stream_id > last}

    def _settled(self) -> bool:
        return all(self.client.ended(stream_id)() for stream_id in self.wanted.keys() - self.refused())

    def faults(self) -> list[str]:
        """What is wrong: promised answers that did not come or are not right, and an end without a goodbye."""
        found = []
        client, refused = self.client, self.refused()
        for stream_id, body in self.wanted.items():
            if stream_id in refused:
                continue
            if not client.found(h2.events.StreamEnded, stream_id):
                found.append(f"{self.name}.{stream_id} was not answered")
            elif (client.status(stream_id), client.body(stream_id)) != ("200", body):
                found.append(f"{self.name}.{stream_id} was answered wrongly: {client.status(stream_id)}")
        if any(event.error_code for event in self.goodbyes()):
            found.append(f"{self.name} was ended for an error")
        return found


class Crowd:
    """Threads that each keep a connection to a server, a new one whenever it said goodbye.

    Args:
        server: The server, whose environment has FASTH2_TEST_BEGUN.
        begun: That file.
        size: How many threads.
        drops: Whether connections may be closed on which the server has said nothing yet, in their TLS handshake too.
    """

    def __init__(self, server: Gunicorn, begun: Path, size: int, drops: bool = False) -> None:
        self.server = server
        self._drops = drops
        self.connections: list[Connection] = []
        #: Whether new connections are made, and whether any requests are sent.
        self.reconnects, self.stopped = True, False
        self.failures: list[str] = []
        #: Connections that were closed in their TLS handshake.
        self.dropped = 0
        self._begun = begun
        self._threads = [threading.Thread(target=self._run, args=(f"c{number}",)) for number in range(size)]
        for thread in self._threads:
            thread.start()

    def _run(self, name: str) -> None:
        generation = 0
        try:
            while not self.stopped and (self.reconnects or not generation):
                try:
                    connection = Connection(self.server, f"{name}-{generation}")
                except (ConnectionError, ssl.SSLError):
                    if not self._drops:
                        raise
                    self.dropped += 1
                    continue
                self.connections.append(connection)
                with connection.client:
                    connection.run(lambda: self.stopped)
                generation += 1
                if self._drops and not connection.client.events:
                    connection.wanted.clear()
                elif not connection.goodbyes() and not self.stopped:
                    self.failures.append(f"{connection.name} was closed without a goodbye")
                    return
        except Exception as exc:
            self.failures.append(f"{name}: {exc!r}")

    def answers(self) -> int:
        """How many answers have come."""
        return sum(len(connection.client.found(h2.events.StreamEnded)) for connection in list(self.connections))

    def wait_for_answers(self, more: int) -> None:
        """Wait until so many more have come."""
        wanted = self.answers() + more
        wait_until(lambda: self.answers() >= wanted or self.failures)

    def wait_for_new_connections(self) -> None:
        """Wait until every thread has one that was made after this was called, and answers on it."""
        wanted = len(self.connections) + len(self._threads)
        wait_until(lambda: len(self.connections) >= wanted or self.failures)
        self.wait_for_answers(50)

    def end(self) -> list[str]:
        """Let all threads finish; return what was wrong, refused requests that were begun included."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        begun = self._begun.read_text().split()
        found = [*self.failures, *(fault for connection in self.connections for fault in connection.faults())]
        # What was refused may be sent again: it must not have been served. The rest is served once.
        refused = {f"{connection.name}.{stream_id}" for connection in self.connections
                   for stream_id in connection.refused()}
        found += [f"{name} was begun and refused" for name in refused.intersection(begun)]
        found += [f"{name} was begun {begun.count(name)} times" for name in set(begun) if begun.count(name) > 1]
        return found
