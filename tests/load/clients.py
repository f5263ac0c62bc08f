"""Clients that ask and ask until they are told to stop, and count what was lost."""
from __future__ import annotations

import contextlib
import threading

import h2.events
import h2.exceptions

from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client

#: Requests that a client has under way at once.
TOGETHER = 4


class Patient(Client):
    """A client that reads on after GOAWAY, where h2's takes the connection for closed."""

    #: The last stream that the server says it serves, or ``None``.
    last: int | None = None

    def __init__(self, server: Gunicorn) -> None:
        super().__init__(server)
        take = self.conn.receive_data
        unread = b""

        def receive_data(data: bytes) -> list[object]:
            nonlocal unread
            unread += data
            frames = b""
            while len(unread) >= 9 and len(unread) >= (size := 9 + int.from_bytes(unread[:3], "big")):
                frame, unread = unread[:size], unread[size:]
                if frame[3] == 7:
                    self.last = int.from_bytes(frame[9:13], "big")
                else:
                    frames += frame
            return take(frames)

        self.conn.receive_data = receive_data


class Clients:
    """A few clients in threads of their own; a context manager that stops them.

    A request is lost if it was accepted and not answered: the connection ended without GOAWAY, or with one whose last
    stream is the request's or a later one. One above it may be sent again, and is. A connection on which the server
    did not say a word, not even its SETTINGS, was not accepted.

    Args:
        server: Whom they ask.
        path: What they ask for.
        body: What they expect.
        count: How many clients there are.
        expects_refusals: Whether the server will stop, so that it need not accept connections.
    """

    def __init__(self, server: Gunicorn, path: str, body: bytes, count: int = 3, expects_refusals: bool = False) -> None:
        self.server = server
        self.path = path
        self.expected = body
        self.expects_refusals = expects_refusals
        self.answered = 0
        self.connections = 0
        self.lost: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                client = Patient(self.server)
            except (OSError, AssertionError):
                # Nothing was asked yet: a listener that is being closed may end a connection in the handshake.
                if self.expects_refusals:
                    return
                continue
            self.connections += 1
            with client:
                self._ask(client)

    def _ask(self, client: Patient) -> None:
        """Ask on one connection until it ends or the clients are stopped."""
        following, greeted = 1, False
        while not self._stop.is_set() and client.last is None:
            ids = range(following, following + 2 * TOGETHER, 2)
            following += 2 * TOGETHER
            try:
                for stream_id in ids:
                    client.request(stream_id, self.path)
            except (OSError, h2.exceptions.ProtocolError):
                pass  # it has ended, and what has come since says how
            with contextlib.suppress(OSError):
                client.read(lambda ids=ids: all(client.ended(stream_id)() for stream_id in ids), wait=20)
            if not client.found(h2.events.RemoteSettingsChanged) and not greeted:
                return
            greeted = True
            for stream_id in ids:
                self._count(client, stream_id, client.last)
            if client.last is not None or not client.ended(ids[-1])():
                return
            client.events.clear()

    def _count(self, client: Patient, stream_id: int, last: int | None) -> None:
        if client.found(h2.events.StreamEnded, stream_id):
            right = client.status(stream_id) == "200" and client.body(stream_id) == self.expected
            with self._lock:
                self.answered += right
                if not right:
                    self.lost.append(f"stream {stream_id}: a wrong answer")
        elif last is not None and stream_id > last:
            pass
        else:
            resets = [int(event.error_code) for event in client.found(h2.events.StreamReset, stream_id)]
            if resets == [7]:  # REFUSED_STREAM: not accepted
                return
            with self._lock:
                self.lost.append(f"stream {stream_id}: GOAWAY {last}, reset {resets}")

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End them, each after its answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
