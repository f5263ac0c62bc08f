"""``respond``: a whole response in one call."""
import pytest

from fasth2.exceptions import FlowControlError, NoSuchStreamError, ProtocolError
from tests.support import frames

from .responding import Peer, brief


def test_a_small_response_is_two_frames():
    """HEADERS at once, DATA with END_STREAM behind it."""
    peer = Peer(1)
    assert peer.connection.respond(1, 200, [("content-type", "text/plain"), (b"x", b"\xff")], b"hello") is True
    head, body = peer.output()
    assert head.fields == ((b":status", b"200"), (b"content-type", b"text/plain"), (b"x", b"\xff"))
    assert (body.data, body.end_stream) == (b"hello", True)
    assert peer.connection.open_inbound_streams == 0


@pytest.mark.parametrize("body", [b"", None, bytearray(), memoryview(b"")])
def test_no_body_ends_the_stream_on_headers(body):
    """END_STREAM on HEADERS."""
    peer = Peer(1)
    peer.connection.respond(1, 204, [], body)
    assert brief(peer.output()) == [("HEADERS", 1, None, True)]


def test_the_first_part_leaves_the_stream_open():
    """end_stream=False: more comes with ``write``."""
    peer = Peer(1)
    peer.connection.respond(1, 200, [], b"begin", end_stream=False)
    peer.connection.write(1, b" and end", end_stream=True)
    assert b"".join(one.data for one in peer.output() if one.kind == "DATA") == b"begin and end"
    peer = Peer(1)
    peer.connection.respond(1, 200, [], end_stream=False)
    assert brief(peer.output()) == [("HEADERS", 1, None, False)]


@pytest.mark.parametrize("body", [b"", b"body"])
def test_trailers_end_the_stream(body):
    """After the body, or at once."""
    peer = Peer(1)
    peer.connection.respond(1, 200, [], body, trailers=[("x-sum", "1")])
    sent = peer.output()
    assert [one.kind for one in sent] == ["HEADERS", *(["DATA"] if body else []), "HEADERS"]
    assert sent[-1].fields == ((b"x-sum", b"1"),)
    assert [one.end_stream for one in sent] == [False] * (len(sent) - 1) + [True]
    assert peer.connection.open_inbound_streams == 0


def test_trailers_wait_for_a_body_that_waits():
    """They are encoded when their turn comes, so the table stays in step."""
    peer = Peer(1, 3, window=4)
    peer.connection.respond(1, 200, [("x-one", "first")], b"12345678", trailers=[("x-two", "second")])
    peer.connection.respond(3, 200, [("x-one", "first"), ("x-three", "third")], b"")
    assert brief(peer.output()) == [("HEADERS", 1, None, False), ("HEADERS", 3, None, True), ("DATA", 1, 4, False)]
    peer.feed(frames.window_update(1, 4))
    sent = peer.output()
    assert brief(sent) == [("DATA", 1, 4, False), ("HEADERS", 1, None, True)]
    assert sent[-1].fields == ((b"x-two", b"second"),)


def test_informational_responses_leave_the_stream_to_the_final_one():
    """Any number of them before it."""
    peer = Peer(1)
    peer.connection.respond(1, 103, [("link", "</a>")], end_stream=False)
    peer.connection.respond(1, 100, [], end_stream=False)
    peer.connection.respond(1, 200, [], b"x")
    assert [one.fields[0] for one in peer.output() if one.kind == "HEADERS"] == [
        (b":status", b"103"), (b":status", b"100"), (b":status", b"200")]
    for arguments in ((103, [], b"", None, True), (103, [], b"body", None, False)):
        peer = Peer(1)
        with pytest.raises(ProtocolError):
            peer.connection.respond(1, *arguments)
        assert peer.output() == []


def test_a_stream_that_is_gone_is_told_by_the_result():
    """False: the peer reset it, or it has had its answer."""
    peer = Peer(1, 3)
    peer.feed(frames.rst_stream(1))
    assert peer.connection.respond(1, 200, [], b"too late") is False
    peer.connection.respond(3, 200, [], b"in time")
    assert peer.connection.respond(3, 200, [], b"again") is False
    assert [one.stream_id for one in peer.output()] == [3, 3]


@pytest.mark.parametrize("rfc_errors", [False, True])
def test_a_connection_that_is_over_is_told_by_the_result(rfc_errors):
    """After a connection error; after the peer's GOAWAY only where streams don't go on."""
    peer = Peer(1, rfc_errors=rfc_errors)
    peer.feed(frames.goaway(1))
    assert peer.connection.respond(1, 200, [], b"x") is rfc_errors
    peer = Peer(1, rfc_errors=rfc_errors)
    with pytest.raises(ProtocolError):
        peer.feed(frames.ping(b"bad"))
    assert peer.connection.respond(1, 200, [], b"x") is False


@pytest.mark.parametrize("stream_id", [0, 2, 3, 2**31 - 1])
def test_a_stream_that_never_was_is_an_error(stream_id):
    """The application is wrong."""
    peer = Peer(1)
    with pytest.raises(NoSuchStreamError):
        peer.connection.respond(stream_id, 200, [])
    assert peer.output() == []


def test_a_second_response_is_an_error():
    """While the first is still being sent."""
    peer = Peer(1, window=0)
    peer.connection.respond(1, 200, [], b"waiting")
    with pytest.raises(ProtocolError):
        peer.connection.respond(1, 200, [], b"second")
    assert peer.connection.unsent(1) == 7


@pytest.mark.parametrize("arguments", [
    (200, [("x", "a\r\nb")]), (200, [(":path", "/")]), (200, [(":status", "200")]), (99, []), (1000, []), (-1, []),
    (200, [("x y", "1")]), (200, [("te", "gzip")]), (200, [("", "1")]),
])
def test_a_response_that_breaks_a_rule_leaves_nothing_behind(arguments):
    """Neither octets nor an entry in the encoder's table."""
    peer, fresh = Peer(1), Peer(1)
    with pytest.raises((ProtocolError, ValueError)):
        peer.connection.respond(1, *arguments, b"body")
    assert peer.output() == []
    assert peer.connection.unsent(1) == 0
    for one in (peer, fresh):
        one.connection.respond(1, 200, [("x", "after")], b"body")
    assert peer.connection.pull() == fresh.connection.pull()


@pytest.mark.parametrize("trailers", [[(":status", "200")], [("x", "\n")], [("connection", "close"), ("x y", "")]])
def test_bad_trailers_are_refused_before_anything_is_sent(trailers):
    """The whole call is refused."""
    peer = Peer(1)
    with pytest.raises(ProtocolError):
        peer.connection.respond(1, 200, [], b"body", trailers=trailers)
    assert peer.output() == []
    assert peer.connection.respond(1, 200, [], b"body", trailers=[("x", "y")])


def test_headers_may_be_any_iterable_and_are_normalised():
    """A generator; upper case, white space and connection fields as in ``send_headers``."""
    peer = Peer(1)
    peer.connection.respond(1, 200, (pair for pair in [("X-Upper", " padded "), ("Connection", "close"), ["list", "ok"]]))
    [head] = peer.output()
    assert head.fields == ((b":status", b"200"), (b"x-upper", b"padded"), (b"list", b"ok"))


def test_the_response_may_come_before_the_request_has_ended():
    """The stream stays half-open for the peer."""
    peer = Peer(1, end_stream=False)
    peer.connection.respond(1, 413, [], b"too large")
    peer.output()
    [one] = peer.connection.ready_requests(bytes(frames.data(1, b"rest", end_stream=True)))
    assert one.data == b"rest"
    assert peer.connection.open_inbound_streams == 0


def test_a_body_larger_than_its_window_waits_and_goes_on():
    """As much as the windows take, now and later."""
    peer = Peer(1)
    body = bytes(range(256)) * 800
    peer.connection.respond(1, 200, [], body)
    sent = peer.output()
    assert peer.connection.unsent(1) == len(body) - 65535
    while peer.connection.unsent(1):
        peer.feed(frames.window_update(1, 20000), frames.window_update(0, 20000))
        sent += peer.output()
    assert b"".join(one.data for one in sent if one.kind == "DATA") == body
    assert sent[-1].end_stream
    assert peer.connection.unsent(1) == 0


def test_a_body_of_another_buffer_is_copied():
    """The caller may change it at once."""
    peer = Peer(1, window=0)
    body = bytearray(b"as it was")
    peer.connection.respond(1, 200, [], body)
    body[:] = b"changed!!"
    peer.output()
    peer.feed(frames.window_update(1, 100))
    assert peer.output()[0].data == b"as it was"


def test_send_data_may_not_overtake_what_is_queued():
    """h2's call on a stream with queued body is refused."""
    peer = Peer(1, window=3)
    peer.connection.respond(1, 200, [], b"123456", end_stream=False)
    peer.output()
    with pytest.raises(FlowControlError):
        peer.connection.send_data(1, b"")
    peer.feed(frames.window_update(1, 10))
    assert peer.output()[0].data == b"456"
    peer.connection.send_data(1, b"789", end_stream=True)
    assert peer.output()[0].data == b"789"
