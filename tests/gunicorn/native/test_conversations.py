"""Conversations that a chance makes up, with h2's client, which takes nothing that breaks a rule.

Requests of every kind at once on a few connections: small and large bodies in frames of any size, padding, trailers,
windows that open late, resets, pings and new settings. Each answer that was not reset is compared octet for octet.
"""
from __future__ import annotations

import hashlib
import random

import h2.config
import h2.events
import h2.settings
import pytest

from tests.support.gunicorn_matrix import OWN_WORKER
from tests.support.gunicorn_server import Gunicorn
from tests.support.long_runs import SLOW
from tests.support.tls_client import Client

APP = "tests.gunicorn.native.test_conversations:application"

#: Conversations, of so many requests each.
CONVERSATIONS = 50 if SLOW else 5
REQUESTS = 30


def pattern(size, seed):
    """Octets that say where they are."""
    return bytes((at * 7 + seed) & 0xFF for at in range(256)) * (size // 256) + b"." * (size % 256)


def application(environ, start_response):
    """Answers by the path: a size, how it is made, a pause; and says what came."""
    import time

    _, how, size, seed, pause = environ["PATH_INFO"].split("/")
    body = pattern(int(size), int(seed))
    sha = hashlib.sha256()
    stream = environ["wsgi.input"]
    if how == "unread":
        sha = None
    elif how == "lines":
        for line in stream:
            sha.update(line)
    else:
        while part := stream.read(5000):
            sha.update(part)
    time.sleep(float(pause))
    write = start_response("200 OK", [("x-sha", sha.hexdigest() if sha else "-"), ("x-size", size)])
    if how == "write":
        write(body[:1000])
        return [body[1000:]]
    if how == "parts":
        return (body[at:at + 9000] for at in range(0, len(body), 9000))
    if how == "trailers":
        environ["gunicorn.http2.send_trailers"]([("x-end", seed)])
    return [body]


@pytest.fixture(scope="module", params=["tls", "clear"])
def server(request, tmp_path_factory, certificate):
    """A worker with few threads."""
    with Gunicorn(tmp_path_factory.mktemp("conversations"), APP, *OWN_WORKER, "--threads", "3", "--timeout", "60",
                  "--keep-alive", "60",
                  certificate=certificate if request.param == "tls" else None) as server:
        yield server
        assert "Error" not in server.log


class Asked:
    """A request, and what it is answered with."""

    def __init__(self, chance):
        self.how = chance.choice(["read", "read", "lines", "unread", "write", "parts", "trailers"])
        self.size = chance.choice([0, 1, 13, 1000, 20_000, 70_000, 300_000])
        self.seed = chance.randrange(256)
        self.pause = chance.choice([0, 0, 0, 0, 0.001, 0.003, 0.01])
        self.body = chance.randbytes(chance.choice([0, 0, 1, 100, 20_000, 100_000]))
        self.sent = 0
        self.ended = not self.body
        self.cancelled = False
        self.trailers = chance.random() < 0.1


def converse(server, seed):
    """Have one conversation, and check its answers."""
    chance = random.Random(seed)
    with Client(server, credit=False) as client:
        assert client.read(lambda: client.found(h2.events.SettingsAcknowledged))
        asked, owed = {}, {}
        while len(asked) < REQUESTS or any(not over(client, n, one) for n, one in asked.items()):
            for _ in range(6):
                step(client, chance, asked)
            take(client, chance, owed)
        check(client, asked)


def over(client, stream_id, one):
    return one.cancelled or bool(client.found((h2.events.StreamEnded, h2.events.StreamReset), stream_id))


def step(client, chance, asked):
    """Do something as a client."""
    open_ones = [n for n, one in asked.items() if not one.ended and not over(client, n, one)]
    act = chance.random()
    if len(asked) < REQUESTS and act < 0.4 and client.conn.open_outbound_streams < 90:
        one = Asked(chance)
        stream_id = client.conn.get_next_available_stream_id()
        asked[stream_id] = one
        client.request(stream_id, f"/{one.how}/{one.size}/{one.seed}/{one.pause}", "POST" if one.body else "GET",
                       end_stream=not one.body)
    elif open_ones and act < 0.9:
        stream_id = chance.choice(open_ones)
        one = asked[stream_id]
        padding = chance.choice([None, None, 1, 200])
        room = client.conn.local_flow_control_window(stream_id) - (0 if padding is None else padding + 1)
        n = min(room, chance.choice([1, 500, 10_000, 16_000]), len(one.body) - one.sent)
        if n > 0:
            one.sent += n
            last = one.sent == len(one.body)
            client.conn.send_data(stream_id, one.body[one.sent - n:one.sent], end_stream=last and not one.trailers,
                                  pad_length=padding)
            if last and one.trailers:
                client.conn.send_headers(stream_id, [("x-sum", "1")], end_stream=True)
            one.ended = last
    elif act < 0.9:
        pass  # there is nothing to ask or send
    elif act < 0.91:
        client.conn.ping(b"12345678")
    elif act < 0.92:
        # Not of the frame size: h2 minds the old one until its next read.
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: chance.choice([1000, 65535, 200_000])})
    elif act < 0.95 and asked:
        stream_id, one = chance.choice(list(asked.items()))
        if not over(client, stream_id, one):
            one.cancelled = True
            client.conn.reset_stream(stream_id, 8)
    client.flush()


def take(client, chance, owed):
    """Read a little, and return window late."""
    before = len(client.events)
    client.read(lambda: len(client.events) > before, 0.002)
    for event in client.events[before:]:
        if isinstance(event, h2.events.DataReceived):
            owed[event.stream_id] = owed.get(event.stream_id, 0) + event.flow_controlled_length
    for stream_id in list(owed):
        if chance.random() < 0.5:
            size = owed.pop(stream_id)
            if size:
                client.conn.acknowledge_received_data(size, stream_id)
    client.flush()


def check(client, asked):
    """Everything that was not cancelled was answered in full."""
    for stream_id, one in asked.items():
        if one.cancelled:
            continue
        [response] = client.found(h2.events.ResponseReceived, stream_id)
        values = dict(response.headers)
        assert values[":status"] == "200"
        assert client.body(stream_id) == pattern(one.size, one.seed)
        if one.how == "unread":
            # It may be reset with NO_ERROR once the answer is whole.
            resets = client.found(h2.events.StreamReset, stream_id)
            assert all(int(event.error_code) == 0 for event in resets)
        else:
            assert values["x-sha"] == hashlib.sha256(one.body).hexdigest()
            assert not client.found(h2.events.StreamReset, stream_id)
        if one.how == "trailers":
            [trailers] = client.found(h2.events.TrailersReceived, stream_id)
            assert list(trailers.headers) == [("x-end", str(one.seed))]
        assert client.found(h2.events.StreamEnded, stream_id)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(CONVERSATIONS))
def test_a_conversation(server, seed):
    converse(server, seed)
