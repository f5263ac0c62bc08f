"""How the worker classes write: whole responses at once, and nothing late."""
import time

import h2.events

from tests.support.tls_client import Client
from tests.support.tls_records import RecordClient

APP = "tests.gunicorn.patched.worker_app:app"


def response(client, stream_id):
    return [type(event) for record in client.writes(stream_id) for event in record
            if getattr(event, "stream_id", None) == stream_id]


def test_a_known_body_leaves_in_one_write(start, worker):
    with RecordClient(start(*worker)) as client:
        client.get("/hello")
        client.read(client.ended(1))
        assert len(client.writes(1)) == 1
        assert response(client, 1) == [h2.events.ResponseReceived, h2.events.DataReceived, h2.events.StreamEnded]


def test_a_response_in_several_parts_leaves_in_one_write(start, worker):
    with RecordClient(start(*worker, app=APP)) as client:
        client.get("/parts")
        client.read(client.ended(1))
        [record] = client.writes(1)
        assert b"".join(e.data for e in record if isinstance(e, h2.events.DataReceived)) == b"onetwothree"


def test_many_answers_share_few_writes(start, worker):
    """Forty requests in one read: gunicorn's own classes write 120 times."""
    with RecordClient(start(*worker)) as client:
        client.get(*["/hello"] * 20)
        client.read(client.ended(*range(1, 40, 2)))
        writes = []
        # On a busy machine a call may be held up so long that fasth2's worker takes it for slow, and some after it.
        for first in range(41, 441, 80):
            streams = range(first, first + 80, 2)
            client.get(*["/hello"] * 40, first=first)
            client.read(client.ended(*streams))
            writes.append(len(client.writes(*streams)))
            if writes[-1] < 30:
                break
        assert writes[-1] < 30, writes


def test_an_answer_does_not_wait_for_a_slow_one(start, worker):
    with RecordClient(start(*worker)) as client:
        client.get(*["/hello"] * 20)
        client.read(client.ended(*range(1, 40, 2)))
        client.get("/hello", "/slow?2", first=41)
        begin = time.monotonic()
        client.read(client.ended(41))
        assert time.monotonic() - begin < 1.5
        assert not client.ended(43)()
        client.read(client.ended(43))


def test_what_an_application_yields_is_not_delayed(start, worker):
    with RecordClient(start(*worker)) as client:
        client.get("/chunks", "/hello")
        client.read(client.ended(1, 3))
        arrived = [b"".join(e.data for e in record if isinstance(e, h2.events.DataReceived) and e.stream_id == 1)
                   for record in client.writes(1)]
        assert [part for part in arrived if part] == [b"first\n", b"second\n"]
        # Fields wait for the first part, never for the second.
        first = [event for event in client.writes(1)[0] if getattr(event, "stream_id", None) == 1]
        assert isinstance(first[0], h2.events.ResponseReceived)


def test_trailers_are_not_lost(start, worker):
    with Client(start(*worker, app=APP)) as client:
        for stream_id, path in ((1, "/trailers"), (3, "/late-trailers"), (5, "/standard-trailers")):
            client.request(stream_id, path)
            assert client.read(client.ended(stream_id))
            assert client.body(stream_id) == b"with trailers"
            [trailers] = client.found(h2.events.TrailersReceived, stream_id)
            assert trailers.headers == [("x-sum", "abc")]


def test_responses_without_a_body(start, worker):
    with Client(start(*worker, app=APP)) as client:
        for stream_id, (method, path) in enumerate([
            ("HEAD", "/hello"), ("GET", "/empty"), ("GET", "/nothing"), ("GET", "/unchanged"),
        ]):
            client.request(2 * stream_id + 1, path, method)
            assert client.read(client.ended(2 * stream_id + 1))
            assert client.body(2 * stream_id + 1) == b""
            assert not client.found(h2.events.StreamReset)
        assert [client.status(n) for n in (1, 3, 5, 7)] == ["200", "204", "200", "304"]


def test_more_than_was_announced_is_cut(start, worker):
    with Client(start(*worker, app=APP)) as client:
        client.request(1, "/too-long")
        assert client.read(client.ended())
        assert client.body() == b"four"


def test_large_bodies_arrive_whole(start, worker):
    with Client(start(*worker, app=APP)) as client:
        for stream_id, path in ((1, "/large"), (3, "/large-parts"), (5, "/hello")):
            client.request(stream_id, path)
        assert client.read(lambda: all(client.ended(n)() for n in (1, 3, 5)))
        assert client.body(1) == bytes(range(256)) * 4096
        assert client.body(3) == bytes(range(256)) * 4096
        assert client.body(5) == b"Hello, world!"


def test_answers_are_held_no_longer_than_windows_allow(start, worker):
    """Each body fits a window, all together do not."""
    with Client(start(*worker, app=APP), credit=False) as client:
        for stream_id in range(1, 41, 2):
            client.request(stream_id, "/4000")
        assert client.read(lambda: sum(map(len, map(client.body, range(1, 41, 2)))) == 65535)
        client.conn.increment_flow_control_window(100_000)
        client.flush()
        assert client.read(lambda: all(client.ended(n)() for n in range(1, 41, 2)))
        assert all(len(client.body(n)) == 4000 for n in range(1, 41, 2))


def test_a_failure_in_a_batch_leaves_its_neighbours(start, worker):
    server = start(*worker)
    with RecordClient(server) as client:
        client.get(*["/hello"] * 20)
        client.read(client.ended(*range(1, 40, 2)))
        client.get("/hello", "/fail", "/hello", first=41)
        client.read(client.ended(41, 43, 45))
        statuses = [dict(event.headers)[":status"] for record in client.writes(41, 43, 45) for event in record
                    if isinstance(event, h2.events.ResponseReceived)]
        assert statuses == ["200", "500", "200"]
    assert "Error handling HTTP/2 request" in server.log
