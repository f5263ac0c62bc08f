"""Services of gRPC and of Connect: a message is read, and answered, before the next one is sent."""
import struct

import h2.events
import pytest

from tests.support.tls_client import Client
from tests.wsgi.asking import answered

STREAMS = ["application/grpc", "application/grpc+proto", "application/grpc-web", "application/connect+json"]
OTHERS = ["application/octet-stream", "application/proto", "application/grpc-web-text"]


def message(octets, flags=0):
    """A message with the prefix that both protocols have."""
    return struct.pack(">BI", flags, len(octets)) + octets


def in_pieces(environ, start_response):
    """Answer each piece that `read` returns, with its size before it."""
    start_response("200 OK", [])
    while piece := environ["wsgi.input"].read(4096):
        yield b"%d:%b;" % (len(piece), piece)


def by_size(environ, start_response):
    """Read each message by its size, and answer it."""
    start_response("200 OK", [])
    while prefix := environ["wsgi.input"].read(5):
        flags, size = struct.unpack(">BI", prefix)
        octets = environ["wsgi.input"].read(size) if size else b""
        assert len(octets) == size
        yield message(octets, flags)


def by_line(environ, start_response):
    """Read a message with `readline` and the next one with `read`."""
    start_response("200 OK", [])
    yield environ["wsgi.input"].readline()
    yield environ["wsgi.input"].read(4096)


def post(client, kind):
    client.request(1, "/", "POST", [("content-type", kind), ("te", "trailers")], end_stream=False)


@pytest.mark.parametrize("kind", STREAMS)
def test_a_message_is_answered_before_the_next_is_sent(serve, kind):
    with Client(serve(in_pieces)) as client:
        post(client, kind)
        expected = b""
        for number in range(5):
            piece = message(b"x" * number * 100)
            client.data(1, piece)
            expected += b"%d:%b;" % (len(piece), piece)
            assert client.read(lambda expected=expected: client.body() == expected, 5)
        client.data(1, b"", end_stream=True)
        assert answered(client, 1, expected)


def test_what_is_returned_early_ends_with_a_message(serve):
    first, second = message(b"a" * 100), message(b"b" * 200)
    expected = b"%d:%b;" % (len(first + second), first + second)
    for at in range(len(first) + 1, len(first + second), 37):
        with Client(serve(in_pieces)) as client:
            post(client, STREAMS[0])
            client.data(1, (first + second)[:at])
            client.ping()
            client.data(1, (first + second)[at:])
            assert client.read(lambda: client.body() == expected, 5)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_a_message_that_is_read_by_its_size_comes_whole(serve, size):
    sent = message(b"", 1) + message(b"y" * 50) + message(b"") + message(b"z")
    with Client(serve(by_size)) as client:
        post(client, STREAMS[0])
        for at in range(0, len(sent), size):
            client.data(1, sent[at : at + size])
        assert client.read(lambda: client.body() == sent, 5)
        client.data(1, b"", end_stream=True)
        assert answered(client, 1, sent)


def test_a_message_larger_than_what_is_asked_for_comes_in_full_pieces(serve):
    sent = message(b"w" * 10_000)
    with Client(serve(in_pieces)) as client:
        post(client, STREAMS[0])
        client.data(1, sent[:5000])
        client.data(1, sent[5000:])
        expected = b"".join(b"%d:%b;" % (len(sent[at : at + 4096]), sent[at : at + 4096]) for at in range(0, 10005, 4096))
        assert client.read(lambda: client.body() == expected, 5)


def test_lines_count_as_read(serve):
    first, second = message(b"line\n"), message(b"more")
    with Client(serve(by_line)) as client:
        post(client, STREAMS[0])
        client.data(1, first)
        assert client.read(lambda: client.body() == first, 5)
        client.data(1, second)
        assert client.read(client.ended(), 5)
        assert client.body() == first + second


@pytest.mark.parametrize("kind", OTHERS)
def test_other_bodies_are_read_to_the_size_that_is_asked_for(serve, kind):
    with Client(serve(in_pieces)) as client:
        client.request(1, "/", "POST", [("content-type", kind), ("content-length", "100000")], end_stream=False)
        client.data(1, message(b"x" * 10))
        client.ping()
        assert not client.found(h2.events.DataReceived, 1)
        client.data(1, b"y" * 4081)
        assert client.read(lambda: client.body() == b"4096:%b;" % (message(b"x" * 10) + b"y" * 4081), 5)


@pytest.mark.parametrize("sent", [b"\xff" * 300, b"\0\xff\xff\xff\xff" + b"x" * 300], ids=["no messages", "too long"])
def test_octets_that_are_no_messages_are_waited_for(serve, sent):
    with Client(serve(in_pieces)) as client:
        post(client, STREAMS[0])
        client.data(1, sent)
        client.ping()
        client.data(1, b"", end_stream=True)
        assert answered(client, 1, b"%d:%b;" % (len(sent), sent))


def test_trailers_have_two_names(serve):
    def function(environ, start_response):
        name = environ["PATH_INFO"][1:]
        start_response("200 OK", [])
        yield b"body"
        environ[name]([("x-sum", "1"), (b"X-Last", b"2")])

    with Client(serve(function)) as client:
        for stream_id, name in ((1, "wsgi.ext.http.send_trailers"), (3, "gunicorn.http2.send_trailers")):
            client.request(stream_id, f"/{name}")
            assert answered(client, stream_id, b"body")
            assert client.found(h2.events.TrailersReceived, stream_id)[0].headers == [("x-sum", "1"), ("x-last", "2")]
