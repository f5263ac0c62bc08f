"""Text in and out: UTF-8, latin-1 where it is none; bytes stay bytes."""
import pytest

from fasth2.server.errors import HTTP2Error
from tests.support.facade_peer import GET


def received(peer, value):
    peer.client.config.validate_outbound_headers = False
    request = peer.served(1, [*GET, ("x-field", value)])
    return request.get_header("x-field")


@pytest.mark.parametrize("octets, text", [
    (b"plain", "plain"),
    ("grün €".encode(), "grün €"),
    ("grün".encode("latin-1"), "grün"),
    (b"\xff\xfe", "\xff\xfe"),
    (b"", ""),
])
def test_values_of_requests(peer, octets, text):
    assert received(peer, octets) == text


def test_one_bad_value_does_not_cost_the_connection(peer):
    assert received(peer, b"\xff") == "\xff"
    assert peer.served(3).method == "GET"


def sent(peer, headers):
    peer.served()
    peer.server.send_response(1, 200, headers)
    peer.client.config.header_encoding = None
    peer.listen()
    return peer.response()[1:]


@pytest.mark.parametrize("make", [list, tuple, iter])
def test_names_are_lower_cased(peer, make):
    assert sent(peer, make([("X-UPPER", "Value"), ("Content-Type", "a/b")])) == [
        (b"x-upper", b"Value"), (b"content-type", b"a/b")]


@pytest.mark.parametrize("name", ["Connection", "keep-alive", "transfer-encoding", "upgrade"])
def test_connection_fields_stay_behind(peer, name):
    assert sent(peer, [(name, "x"), ("x-kept", "y")]) == [(b"x-kept", b"y")]


@pytest.mark.parametrize("value, octets", [
    (13, b"13"),
    (1.5, b"1.5"),
    (True, b"True"),
    ("grün €", "grün €".encode()),
    (b"\xff bytes", b"\xff bytes"),
])
def test_values_are_turned_into_text_unless_they_are_bytes(peer, value, octets):
    assert sent(peer, [("x-value", value)]) == [(b"x-value", octets)]


def test_bytes_names(peer):
    assert sent(peer, [(b"X-Upper", b"v")]) == [(b"x-upper", b"v")]


def test_values_are_turned_into_text_in_every_kind_of_headers(peer):
    peer.served()
    peer.server.send_informational(1, 103, [("Link", 1)])
    peer.server.send_error(1, 500)
    peer.client.config.header_encoding = None
    events = peer.listen()
    assert events[0].headers == [(b":status", b"103"), (b"link", b"1")]


@pytest.mark.parametrize("headers", [
    [("x-split", "a\r\nset-cookie: b")],
    [("x-nul", "a\0b")],
    [("bad name", "v")],
    [(":path", "/")],
])
def test_fields_that_http2_does_not_allow(peer, headers):
    """Nothing goes out and the response can still be sent."""
    peer.served()
    with pytest.raises(HTTP2Error):
        peer.server.send_response(1, 200, headers, b"x")
    assert peer.written() == []
    peer.server.send_response(1, 500, [("x-good", "v")], b"y")
    peer.listen()
    assert peer.response() == [(":status", "500"), ("x-good", "v")]


@pytest.mark.parametrize("status", [0, 99, 1000, -1])
def test_an_invalid_status_is_refused(peer, status):
    peer.served()
    with pytest.raises(HTTP2Error):
        peer.server.send_response(1, status, [], b"x")
    assert peer.written() == []
