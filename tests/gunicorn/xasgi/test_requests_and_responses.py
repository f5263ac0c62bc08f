"""What applications do, by every way and version, and on uvloop: streams, trailers, interim responses, errors."""
import os
import time

import h2.errors
import h2.events
import pytest

from tests.gunicorn.xasgi.setups import CONCURRENT, SETUPS, ask, seen, upload
from tests.support.sanitized import memory_bound
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

#: Every setup on asyncio, and the newest gunicorn on uvloop.
PLACES = [(setup, "asyncio") for setup in SETUPS] + [(setup, "uvloop") for setup in SETUPS[-2:]]
STREAMING = [place for place in PLACES if place[0] in CONCURRENT]

#: Whose workers end a response with its body, so that trailers come too late.
ENDS_WITH_THE_BODY = ("25.3.0-asgi-install", "26.2.0-asgi-install")


def name(value):
    return "-".join(map(str, value))


@pytest.fixture(params=PLACES, ids=name)
def server(request, servers):
    return servers(*request.param)


@pytest.fixture(params=STREAMING, ids=name)
def streaming(request, servers):
    """Where request bodies are read while they arrive."""
    return servers(*request.param)


def test_the_scope(server):
    with Client(server) as client:
        scope = ask(client, 1, "/show?a=b%20c", headers=[("x-thing", "1"), ("cookie", "a=1"), ("cookie", "b=2")])
        assert scope["query"] == "a=b%20c"
        assert scope["raw_path"] == "/show"
        assert scope["method"] == "GET"
        assert scope["scheme"] == "https"
        assert scope["http_version"] == "2"
        assert scope["client"] == "127.0.0.1"
        assert scope["extensions"]["http.response.trailers"] == {}
        fields = scope["headers"]
        assert ["x-thing", "1"] in fields
        assert ["host", "127.0.0.1"] in fields
        assert [value for field, value in fields if field == "cookie"] == ["a=1; b=2"]


def test_many_requests_at_once(server):
    with Client(server) as client:
        for stream_id in range(1, 101, 2):
            client.request(stream_id, "/hello")
        for stream_id in range(1, 101, 2):
            assert client.read(client.ended(stream_id))
            assert client.body(stream_id) == b"Hello, world!"


def test_large_responses_share_the_connection(server):
    with Client(server) as client:
        for stream_id in (1, 3, 5):
            client.request(stream_id, "/big?1048576")
        for stream_id in (1, 3, 5):
            assert client.read(client.ended(stream_id))
            assert client.body(stream_id) == bytes(range(256)) * 4096


def test_parts_are_sent_as_they_come_and_read_as_they_come(streaming):
    with Client(streaming) as client:
        client.request(1, "/ticks", "POST", end_stream=False)
        expected = b""
        for word in (b"a", b"b", b"c"):
            client.data(1, word)
            expected += b"tick " + word
            assert client.read(lambda expected=expected: client.body() == expected)
        client.data(1, b"", end_stream=True)
        assert client.read(client.ended())


def test_an_upload_that_is_read_slowly_is_not_held_in_memory(streaming):
    size = 48 << 20
    with Client(streaming) as client:
        client.request(1, "/slow_reader", "POST", end_stream=False)
        upload(client, 1, bytes(size))
        assert client.read(client.ended(), wait=30)
        got, growth = map(int, client.body().strip(b"[]").split(b","))
        assert got == size
        assert growth < memory_bound(8 << 10)


def test_an_upload_that_is_not_read_stops_no_other(streaming):
    with Client(streaming) as client:
        client.request(1, "/waits", "POST", end_stream=False)
        window = client.conn.local_flow_control_window(1)
        for _ in range(window // 16384):
            client.data(1, bytes(16384))
        client.request(3, "/digest", "POST", end_stream=False)
        upload(client, 3, bytes(200000))
        assert client.read(client.ended(3))
        assert client.body(3).startswith(b"[200000,")
        assert client.read(client.ended(1))


@pytest.mark.parametrize("place", [place for place in PLACES if str(place[0]) not in ENDS_WITH_THE_BODY], ids=name)
def test_trailers_both_ways(place, servers):
    server = servers(*place)
    with Client(server) as client:
        client.request(1, "/trailers", "POST", end_stream=False)
        client.data(1, b"12345")
        client.conn.send_headers(1, [("x-checksum", "1")], end_stream=True)
        client.flush()
        assert client.read(client.ended())
        assert client.body() == b"body" * 10000
        assert client.found(h2.events.TrailersReceived)[0].headers == [("x-sum", "5")]


def test_early_hints(server):
    with Client(server) as client:
        client.request(1, "/hints")
        assert client.read(client.ended())
        hints = client.found(h2.events.InformationalResponseReceived)
        assert [dict(event.headers)["link"] for event in hints] == ["</1>", "</2>"]
        assert client.status() == "200"


def test_100_continue(server):
    with Client(server) as client:
        client.request(1, "/digest", "POST", headers=[("expect", "100-continue")], end_stream=False)
        assert client.read(lambda: bool(client.found(h2.events.InformationalResponseReceived)), wait=3)
        client.data(1, b"x", end_stream=True)
        assert client.read(client.ended())
        assert client.body().startswith(b"[1,")


@pytest.mark.parametrize("code", ["204", "304"])
def test_no_body(server, code):
    with Client(server) as client:
        client.request(1, f"/status?{code}")
        assert client.read(client.ended())
        assert client.status() == code
        assert client.body() == b""


@pytest.mark.parametrize("path", ["/fails", "/silent"])
def test_an_application_that_fails(server, path):
    with Client(server) as client:
        client.request(1, path)
        assert client.read(client.ended())
        assert client.status() == "500"
        assert ask(client, 3, "/show")["method"] == "GET"


def test_an_application_that_fails_in_the_middle(server):
    with Client(server) as client:
        client.request(1, "/fails_late")
        assert client.read(client.ended())
        # The oldest worker sends nothing before the application has returned.
        assert client.body() in (b"beginning", b"")
        reset = client.found(h2.events.StreamReset, 1)
        assert [event.error_code for event in reset] == [h2.errors.ErrorCodes.INTERNAL_ERROR]
        assert ask(client, 3, "/show")["method"] == "GET"


def test_send_raises_when_the_client_has_reset_the_stream(streaming):
    before = seen(streaming)["endings"].count("OSError")
    with Client(streaming) as client:
        client.request(1, "/endless")
        assert client.read(client.body)
        client.conn.reset_stream(1, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        wait_until(lambda: seen(streaming)["endings"].count("OSError") == before + 1)
        assert ask(client, 3, "/show")["method"] == "GET"


def test_send_raises_when_the_client_has_gone(streaming):
    before = seen(streaming)["endings"].count("OSError")
    with Client(streaming) as client:
        client.request(1, "/endless")
        assert client.read(client.body)
    wait_until(lambda: seen(streaming)["endings"].count("OSError") == before + 1)


def test_a_protocol_error_gets_GOAWAY_with_its_code(server):
    with Client(server) as client:
        ask(client, 1, "/show")
        client.sock.sendall(b"\0\0\4\x08\0" + bytes(8))
        client.read(lambda: False, wait=5)
        ended = client.found(h2.events.ConnectionTerminated)
        assert ended[-1].error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR


def test_an_idle_connection_gets_GOAWAY_after_keepalive(servers):
    """Of all servers at the same time."""
    running = [servers(*place) for place in PLACES]
    clients = [Client(server) for server in running]
    start = time.monotonic()
    for client in clients:
        ask(client, 1, "/show")
    for client in clients:
        assert client.read(lambda client=client: bool(client.found(h2.events.ConnectionTerminated)), wait=15)
        assert client.found(h2.events.ConnectionTerminated)[0].error_code == h2.errors.ErrorCodes.NO_ERROR
        assert time.monotonic() - start > 4
        client.sock.close()


def test_random_bodies_come_back(streaming):
    body = os.urandom(200000)
    with Client(streaming) as client:
        client.request(1, "/ticks", "POST", end_stream=False)
        upload(client, 1, body)
        assert client.read(client.ended())
        assert client.body().replace(b"tick ", b"") == body.replace(b"tick ", b"")
