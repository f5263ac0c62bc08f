"""Content-length said twice is one field; trailers without a meaning are none (`rfc_errors`, `ready_requests`)."""
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from tests.support import frames
from tests.support.fields import block, request
from tests.support.frames import PREFACE

LENGTHS = [[("content-length", "5, 5")], [("content-length", "5")] * 2, [("content-length", "5 ,5,\t5")],
           [("content-length", "5, 5"), ("x", "y"), ("content-length", "5")], [("content-length", "05"), ("content-length", "5")]]


def server(**config):
    """A server that has read a preface."""
    connection = H2Connection(H2Configuration(client_side=False, **{"rfc_errors": True, **config}))
    connection.initiate_connection()
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    return connection


@pytest.mark.parametrize("fields", LENGTHS, ids=repr)
@pytest.mark.parametrize("encoding", [None, "utf-8", "latin-1"])
@pytest.mark.parametrize("slim", [False, True])
def test_equal_lengths_are_delivered_as_one(slim, encoding, fields):
    """RFC 9110 section 8.6: "or MUST replace the duplicated field values with a single valid Content-Length"."""
    connection = server(header_encoding=encoding)
    receive = connection.ready_requests if slim else connection.receive_data
    wanted = ("content-length", "5") if encoding else (b"content-length", b"5")
    for n in (1, 3):
        octets = request(n, ("a", "b"), *fields, ("z", "1"), end_stream=False)
        headers = [tuple(field) for field in receive(bytes(octets))[0].headers]
        assert [field for field in headers if field[0] == wanted[0]] == [wanted]
        assert len(headers) == 4 + 3 + sum(name == "x" for name, _ in fields)
    [first, *_] = receive(bytes(frames.data(1, b"12345", end_stream=True)))
    assert first.data == b"12345"
    [reset] = receive(bytes(frames.data(3, b"123456", end_stream=True)))
    assert reset.error_code == 1


def test_a_length_said_once_is_left_as_it_is():
    """Octet for octet."""
    [item] = server().ready_requests(bytes(request(1, ("content-length", "005"), end_stream=False)))
    assert (b"content-length", b"005") in item.headers


def test_lengths_are_left_alone_without_rfc_errors():
    """As h2 does."""
    connection = server(rfc_errors=False)
    [event] = connection.receive_data(bytes(request(1, *LENGTHS[1], end_stream=False)))
    assert len([field for field in event.headers if field[0] == b"content-length"]) == 2


MEANINGLESS = [
    "age", "authorization", "cache-control", "content-encoding", "content-length", "content-range", "content-type",
    "cookie", "expect", "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
    "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "range", "set-cookie", "te", "trailer",
    "www-authenticate",
]


@pytest.mark.parametrize("name", MEANINGLESS)
def test_trailers_without_a_meaning_are_dropped(name):
    """RFC 9110 section 6.5.1: a sender MUST NOT generate such trailers; nothing behind a message may change it."""
    connection = server()
    connection.ready_requests(bytes(request(1, end_stream=False)))
    value = {"te": "trailers", "content-length": "0"}.get(name, "x")
    trailers = [("x-checksum", "1"), (name, value), (name, value), ("x-last", "2")]
    [item] = connection.ready_requests(bytes(frames.headers(1, block(trailers), end_stream=True)))
    assert item.headers == [(b"x-checksum", b"1"), (b"x-last", b"2")]
    # The table is in step.
    connection.ready_requests(bytes(request(3, end_stream=False)))
    [item] = connection.ready_requests(bytes(frames.headers(3, block(trailers), end_stream=True)))
    assert item.headers == [(b"x-checksum", b"1"), (b"x-last", b"2")]


def test_trailers_that_are_nothing_else_end_the_request():
    """An empty list."""
    connection = server()
    connection.ready_requests(bytes(request(1, end_stream=False)))
    [item] = connection.ready_requests(bytes(frames.headers(1, block([("cookie", "a"), ("cookie", "b")]), end_stream=True)))
    assert item.headers == []


def test_the_events_of_h2_have_all_trailers():
    """Same by default."""
    connection = server()
    connection.receive_data(bytes(request(1, end_stream=False)))
    [event, _] = connection.receive_data(bytes(frames.headers(1, block([("host", "a")]), end_stream=True)))
    assert [tuple(field) for field in event.headers] == [(b"host", b"a")]
