"""HTTP2Request: what an application reads."""
import pytest

from fasth2.server import HTTP2Request
from tests.support.facade_peer import POST, config

FIELDS = [
    (":method", "POST"), (":scheme", "https"), (":authority", "example.com:8443"), (":path", "/a%20b/c?x=1&y=?2"),
    ("content-type", "text/plain"), ("content-length", "9"), ("x-repeated", "1"), ("x-repeated", "2"),
    ("cookie", "a=1"), ("cookie", "b=2"),
]


@pytest.fixture
def request_(peer):
    peer.request(1, FIELDS, end_stream=False)
    peer.client.send_data(1, b"one\ntwo\n3", end_stream=True)
    [request] = peer.tell()
    return request


def test_the_target(request_):
    assert request_.method == "POST"
    assert request_.scheme == "https"
    assert request_.uri == "/a%20b/c?x=1&y=?2"
    assert (request_.path, request_.query, request_.fragment) == ("/a%20b/c", "x=1&y=?2", "")


@pytest.mark.parametrize("path, parts", [
    ("/", ("/", "")), ("/?", ("/", "")), ("//a/b?c", ("//a/b", "c")), ("/a?b?c", ("/a", "b?c")), ("/?/x", ("/", "/x")),
])
def test_targets(peer, path, parts):
    request = peer.served(1, [*POST[:3], (":path", path)])
    assert (request.path, request.query) == parts
    assert request.uri == path


def test_an_asterisk(peer):
    request = peer.served(1, [(":method", "OPTIONS"), *POST[1:3], (":path", "*")])
    assert request.path == "*"


def test_headers(request_):
    """Upper-case names in order, cookies joined, HOST from :authority at the end."""
    assert request_.headers == [
        ("CONTENT-TYPE", "text/plain"), ("CONTENT-LENGTH", "9"), ("X-REPEATED", "1"), ("X-REPEATED", "2"),
        ("COOKIE", "a=1; b=2"), ("HOST", "example.com:8443"),
    ]


def test_the_authority_takes_the_place_of_host(peer):
    request = peer.served(1, [*POST, ("host", "example.com"), ("x-after", "1")])
    assert request.headers == [("X-AFTER", "1"), ("HOST", "example.com")]


def test_host_without_an_authority(peer):
    request = peer.served(1, [POST[0], POST[1], POST[3], ("host", "example.org")])
    assert request.headers == [("HOST", "example.org")]


def test_get_header(request_):
    assert request_.get_header("x-RePeated") == "1"
    assert request_.get_header("host") == "example.com:8443"
    assert request_.get_header("absent") is None
    assert request_.content_type == "text/plain"
    assert request_.content_length == 9


def test_without_length_and_type(peer):
    request = peer.served()
    assert request.content_length is None
    assert request.content_type is None


def test_the_body_is_a_file(request_):
    body = request_.body
    assert body is request_.body
    assert body.read(2) == b"on"
    assert body.readline() == b"e\n"
    assert body.readlines() == [b"two\n", b"3"]
    body.seek(0)
    assert list(body) == [b"one\n", b"two\n", b"3"]
    assert body.read() == b""


def test_version_stream_and_configuration_are_attributes(request_, peer):
    assert request_.version == (2, 0)
    assert request_.stream is peer.server.streams[1]
    assert request_.cfg is peer.server.cfg
    assert request_.peer_addr == request_.client_addr == request_.remote_addr == ("192.0.2.1", 50000)
    assert request_.req_number == 1
    assert request_.proxy_protocol_info is None
    assert (request_.priority_weight, request_.priority_depends_on) == (16, 0)
    assert request_.trailers == []
    assert not request_.should_close()
    request_.force_close()
    assert request_.should_close() and request_.must_close
    assert repr(request_) == "<HTTP2Request method=POST path=/a%20b/c stream_id=1>"


@pytest.mark.parametrize("name", ["method", "scheme", "uri", "path", "query", "fragment", "headers", "body",
                                  "client_addr", "remote_addr", "req_number", "priority_weight", "custom"])
def test_attributes_can_be_assigned(request_, name):
    marker = object()
    setattr(request_, name, marker)
    _ = request_.get_header("host") if name != "headers" else None
    assert getattr(request_, name) is marker


def test_path_follows_an_assigned_uri(request_):
    request_.uri = "/other?q#f"
    assert (request_.path, request_.query, request_.fragment) == ("/other", "q", "f")


def test_an_unknown_attribute(request_):
    with pytest.raises(AttributeError):
        request_.nothing  # noqa: B018


def test_a_request_made_by_hand():
    from fasth2.server import HTTP2Stream

    class Connection:
        initial_window_size = 65535

    stream = HTTP2Stream(3, Connection())
    stream.receive_headers([(":method", "PUT"), (":path", "/x"), ("a", "b")])
    stream.receive_data(b"body", end_stream=True)
    request = HTTP2Request(stream, config(), ("192.0.2.7", 1))
    assert (request.method, request.path, request.headers) == ("PUT", "/x", [("A", "b")])
    assert request.body.read() == b"body"
    assert request.scheme == "https"
