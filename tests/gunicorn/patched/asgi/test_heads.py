"""What a response says before its body: Date and Server, Content-Length kept or not, HEAD."""
import re

import h2.errors
import h2.events
import pytest

from tests.gunicorn.patched.asgi.setups import SETUPS
from tests.support.tls_client import Client

CLASSES = [setup for setup in SETUPS if setup.way == "class"]
PLACES = [(setup, "asyncio") for setup in CLASSES] + [(CLASSES[-1], "uvloop")]


@pytest.fixture(params=PLACES, ids=lambda place: "-".join(map(str, place)))
def server(request, servers):
    return servers(*request.param)


def fields(client, stream_id=1):
    """A response's fields, as pairs."""
    [event] = client.found(h2.events.ResponseReceived, stream_id)
    return [tuple(field) for field in event.headers]


def reset_code(client, stream_id=1):
    """The code of the RST_STREAM that ended a response, ``None`` without one."""
    found = client.found(h2.events.StreamReset, stream_id)
    return found[0].error_code if found else None


@pytest.mark.parametrize("path", ["/hello", "/fails", "/silent", "/said?status=204", "/status?304"])
def test_responses_have_a_date_and_a_server(server, path):
    with Client(server) as client:
        client.request(1, path)
        assert client.read(client.ended())
        found = dict(fields(client))
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", found["date"])
        assert found["server"] == "gunicorn/asgi"


def test_those_of_the_application_are_not_doubled(server):
    with Client(server) as client:
        client.request(1, "/said?dated=1&parts=3")
        assert client.read(client.ended())
        found = [(name, value) for name, value in fields(client) if name in ("date", "server")]
        assert sorted(found) == [("date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("server", "mine")]


@pytest.mark.parametrize("query", ["lengths=10&parts=3", "lengths=10", "lengths=10&parts=0", "lengths=3,4&parts=3",
                                   "lengths=x&parts=3", "lengths=-1&parts=3"])
def test_a_Content_Length_that_is_not_kept_becomes_a_500(server, query):
    with Client(server) as client:
        client.request(1, f"/said?{query}")
        assert client.read(client.ended())
        assert (client.status(), client.body()) == ("500", b"Internal Server Error")


def test_it_resets_the_stream_once_a_part_is_out(server):
    with Client(server) as client:
        client.request(1, "/said?lengths=10&parts=3,4")
        assert client.read(client.ended())
        assert client.status() == "200"
        assert client.body() == b"xxx"
        assert reset_code(client) == h2.errors.ErrorCodes.INTERNAL_ERROR


@pytest.mark.parametrize("parts", ["5", "2,3,4", "3,0,1", "4,1,1,0"])
def test_no_more_octets_than_were_announced(server, parts):
    with Client(server) as client:
        client.request(1, f"/said?lengths=3&parts={parts}")
        assert client.read(client.ended())
        assert (client.status(), client.body()) == ("200", b"xxx")
        assert reset_code(client) is None


def test_a_length_that_is_said_twice_is_said_once(server):
    with Client(server) as client:
        client.request(1, "/said?lengths=3,3&parts=3")
        assert client.read(client.ended())
        assert client.body() == b"xxx"
        assert [value for name, value in fields(client) if name == "content-length"] == ["3"]


@pytest.mark.parametrize("query", ["parts=3", "lengths=3&parts=3", "lengths=3"])
def test_HEAD_has_the_length_of_GET(server, query):
    with Client(server) as client:
        client.request(1, f"/said?{query}", "HEAD")
        assert client.read(client.ended())
        assert (client.status(), client.body()) == ("200", b"")
        assert dict(fields(client))["content-length"] == "3"


def test_HEAD_ends_at_once_where_the_body_does_not(server):
    with Client(server) as client:
        client.request(1, "/torrent?1000", "HEAD")
        assert client.read(client.ended())
        assert client.status() == "200"
        assert client.found(h2.events.StreamEnded, 1)
        # And so does the application.
        def over():
            client.events.clear()
            over.stream += 2
            client.request(over.stream, "/seen")
            assert client.read(client.ended(over.stream))
            return b"torrent" in client.body(over.stream)
        over.stream = 1
        assert any(over() for _ in range(200))
