"""Slow and fast calls, up and down, mixed at random on several connections; every answer is checked."""
import hashlib
import random
import threading
import time

import h2.events
import pytest

from tests.support.long_runs import SLOW
from tests.support.payload import fill
from tests.support.tls_client import Client

SECONDS = 180 if SLOW else 5

#: Requests that a connection has open at once.
OPEN = 12


class Conversation(threading.Thread):
    """One client after the other, until the time is over.

    Args:
        server: The server.
        seed: What the choices depend on.
        until: `time.monotonic`'s end.
    """

    def __init__(self, server, seed, until):
        super().__init__()
        self.server, self.random, self.until = server, random.Random(seed), until
        self.answered = 0
        self.failure = None

    def run(self):
        try:
            while time.monotonic() < self.until:
                with Client(self.server) as client:
                    self.talk(client, self.random.randrange(5, 60))
        except BaseException as exc:
            self.failure = exc

    def talk(self, client, count):
        """So many requests on one connection, some of them reset."""
        self.wanted, self.uploads, self.dropped = {}, {}, set()
        stream_id = 1
        while count or self.wanted or self.uploads:
            while count and len(self.wanted) + len(self.uploads) < OPEN:
                count -= 1
                self.ask(client, stream_id)
                stream_id += 2
            self.send_on(client)
            seen = len(client.events)
            if self.uploads:
                client.read(lambda seen=seen: len(client.events) > seen, 0.01)
            else:
                assert client.read(lambda seen=seen: len(client.events) > seen, 20)
            self.check(client)
        client.events.clear()

    def ask(self, client, stream_id):
        kind = self.random.randrange(10)
        size = self.random.choice((0, 1, 100, 5000, 70_000, 300_000))
        if kind < 4:
            path, self.wanted[stream_id] = "/hello", b"Hello, world!"
        elif kind < 6:
            path, self.wanted[stream_id] = f"/hold?{self.random.choice((0.0005, 0.001, 0.003, 0.03))}", b"held"
        elif kind < 8:
            path, self.wanted[stream_id] = f"/stream?{size}", b"".join(fill(size))
        else:
            body = self.random.randbytes(size)
            path, answer = (("/digest", hashlib.sha256(body).hexdigest().encode()) if kind == 8
                            else (f"/slow-echo?{self.random.choice((0, 0.002))}", body))
            client.request(stream_id, path, "POST", end_stream=False)
            self.uploads[stream_id] = (body, answer)
            return
        client.request(stream_id, path)
        if self.random.random() < 0.05:
            client.conn.reset_stream(stream_id)
            client.flush()
            del self.wanted[stream_id]

    def send_on(self, client):
        """A part of each upload."""
        for stream_id, (body, answer) in list(self.uploads.items()):
            size = min(client.conn.local_flow_control_window(stream_id), 16384, len(body))
            if not size and body:
                continue
            client.data(stream_id, body[:size], end_stream=size == len(body))
            if size == len(body):
                del self.uploads[stream_id]
                self.wanted[stream_id] = answer
            else:
                self.uploads[stream_id] = (body[size:], answer)

    def check(self, client):
        for stream_id, answer in list(self.wanted.items()):
            if client.found((h2.events.StreamEnded, h2.events.StreamReset), stream_id):
                assert client.found(h2.events.StreamEnded, stream_id), f"{stream_id} was reset"
                assert client.status(stream_id) == "200"
                assert client.body(stream_id) == answer
                self.answered += 1
                del self.wanted[stream_id]
                client.events = [event for event in client.events if getattr(event, "stream_id", None) != stream_id]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_every_answer_is_right(run, threads):
    with run("--threads", str(threads), "--keep-alive", "30") as server:
        until = time.monotonic() + SECONDS
        conversations = [Conversation(server, seed, until) for seed in range(4)]
        for conversation in conversations:
            conversation.start()
        for conversation in conversations:
            conversation.join(SECONDS + 60)
            assert not conversation.is_alive()
        for conversation in conversations:
            if conversation.failure is not None:
                raise conversation.failure
        assert sum(conversation.answered for conversation in conversations) > 20 * SECONDS
        assert "[ERROR]" not in server.log and "Traceback" not in server.log
        assert len(server.workers) == 1
