"""``ready_requests``: what a server acts on, as few slim objects, in order."""
import pytest

from fasth2._engine import ready as _ready
from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import MARK, block, marked, request, request_fields
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import CUTS, server
from tests.support.slim import slim_facts

REQUEST, DATA, TRAILERS, RESET, GOAWAY, PRIORITY = range(6)


def ready(*octets, rfc_errors=True, **config):
    """The facts of what ``ready_requests`` returns, the same however the octets are cut."""
    seen = []
    for cut in CUTS:
        connection = server(rfc_errors=rfc_errors, **config)
        connection.ready_requests(PREFACE + frames.settings() + frames.settings_ack())
        objects = []
        for piece in cut(b"".join(bytes(one) for one in octets)):
            objects += connection.ready_requests(piece)
        seen.append(slim_facts(objects))
    assert seen[0] == seen[1] == seen[2]
    return seen[0]


def test_the_kinds_are_small_numbers_of_the_classes():
    """A loop branches on ``kind``."""
    assert tuple(range(6)) == (_ready.REQUEST, _ready.DATA, _ready.TRAILERS, _ready.RESET, _ready.GOAWAY, _ready.PRIORITY)
    classes = (_ready.Request, _ready.Data, _ready.Trailers, _ready.Reset, _ready.Goaway, _ready.Priority)
    assert [one.kind for one in classes] == list(range(6))


def test_the_objects_are_read_only():
    """Nobody changes what the engine hands out, and nothing can be taken out of it."""
    connection = server(rfc_errors=True)
    found = connection.ready_requests(b"".join(bytes(one) for one in (
        PREFACE, frames.settings(), request(1, end_stream=False), frames.data(1, b"x"),
        frames.headers(1, block([("x", "1")]), end_stream=True), frames.priority(1), frames.rst_stream(1),
        frames.goaway(0))))
    assert [one.kind for one in found] == [REQUEST, DATA, TRAILERS, PRIORITY, RESET, GOAWAY]
    for one in found:
        names = [name for name in dir(one) if not name.startswith("_")]
        assert len(names) > 2
        for name in names:
            before = getattr(one, name)
            with pytest.raises((AttributeError, TypeError)):
                setattr(one, name, None)
            with pytest.raises((AttributeError, TypeError)):
                delattr(one, name)
            assert getattr(one, name) is before and (before is not None or name == "priority")


def test_a_request_is_one_object_of_plain_pairs():
    """Pseudo-headers first, a tuple each, not a subclass."""
    connection = server()
    connection.ready_requests(PREFACE + frames.settings())
    [one] = connection.ready_requests(bytes(request(1, ("x", "1"))))
    assert (one.kind, one.stream_id, one.end_stream, one.priority) == (REQUEST, 1, True, None)
    assert one.headers == request_fields(("x", "1"))
    assert {type(field) for field in one.headers} == {tuple}
    assert type(one.headers) is list


def test_crumbs_are_joined():
    """One cookie field with "; " between the crumbs."""
    [fact] = ready(request(1, ("cookie", "a"), ("x", "1"), ("cookie", "b"), ("cookie", "c")))
    assert fact[2] == request_fields(("x", "1"), ("cookie", "a; b; c"))


def test_headers_are_text_under_an_encoding():
    """The façade's configuration."""
    connection = server(header_encoding="utf-8", header_fallback_encoding="latin-1")
    connection.ready_requests(PREFACE + frames.settings())
    [one] = connection.ready_requests(bytes(request(1, (b"x", b"\xff"), ("y", "\u20ac"))))
    assert one.headers[-2:] == [("x", "\xff"), ("y", "\u20ac")]
    assert {type(field) for field in one.headers} == {tuple}


def test_a_body_and_its_end():
    """Data with its cost, and the end on the last of it."""
    assert ready(request(1, end_stream=False), frames.data(1, b"hello").pad(9), frames.data(1, b"", end_stream=True)) == [
        (REQUEST, 1, request_fields(), False, None), (DATA, 1, b"hello", 15, True)]


def test_data_of_different_streams_keeps_its_order():
    """Requests and their bodies, as they came."""
    facts = ready(request(1, end_stream=False), request(3, end_stream=False), frames.data(3, b"three"),
                  frames.data(1, b"one"), frames.data(3, b"", end_stream=True), frames.data(1, b"", end_stream=True))
    assert [fact[:3] for fact in facts[2:]] == [(DATA, 3, b"three"), (DATA, 1, b"one"), (DATA, 3, b""), (DATA, 1, b"")]


def test_trailers_end_the_request():
    """No flag is needed."""
    assert ready(request(1, end_stream=False), frames.headers(1, block([MARK]), end_stream=True))[1:] == [
        (TRAILERS, 1, [MARK])]


def test_resets_of_either_side():
    """``remote`` tells them apart."""
    facts = ready(request(1), frames.rst_stream(1, 0x8), marked(3, [(":method", "GET")]), request(5),
                  frames.window_update(5, 0), request(7), frames.rst_stream(7, 0xC0FFEE))
    assert [fact for fact in facts if fact[0] == RESET] == [
        (RESET, 1, 0x8, True), (RESET, 3, 0x1, False), (RESET, 5, 0x1, False), (RESET, 7, 0xC0FFEE, True)]


def test_goaway_and_priority():
    """What the peer says about the connection and its streams."""
    facts = ready(request(1), frames.priority(3, 200, 1, True), frames.goaway(7, 0xB, b"bye"),
                  frames.headers(3, block(request_fields()), end_stream=True, priority=(9, 1, False)))
    assert facts[1:] == [(PRIORITY, 3, 200, 1, True), (GOAWAY, 0xB, 7, b"bye"),
                         (REQUEST, 3, request_fields(), True, (9, 1, False))]


def test_frames_that_a_server_need_not_know_of_make_no_object():
    """They are handled inside: acknowledgements go out, windows move."""
    connection = server(rfc_errors=True)
    octets = (frames.settings((frames.MAX_FRAME_SIZE, 20000)) + frames.ping(b"12345678") + frames.window_update(0, 5)
              + frames.settings_ack() + frames.ping(ack=True) + frames.unknown() + frames.altsvc(0)
              + frames.priority_update(1))
    assert connection.ready_requests(PREFACE + octets) == []
    sent = FrameReader().read(connection.data_to_send())
    assert [(one.kind, one.ack) for one in sent] == [("SETTINGS", False), ("SETTINGS", True), ("PING", True)]
    assert connection.outbound_flow_control_window == 65540
    assert connection.max_outbound_frame_size == 20000


def test_credit_is_not_returned_by_itself():
    """Only ``consume`` gives it."""
    connection = server(rfc_errors=True)
    connection.ready_requests(PREFACE + frames.settings() + request(1, end_stream=False))
    connection.data_to_send()
    connection.ready_requests(frames.data(1, b"x" * 16384) * 3)
    assert connection.data_to_send() == b""
    assert connection.remote_flow_control_window(1) == 65535 - 3 * 16384


@pytest.mark.parametrize("rfc_errors", [False, True])
def test_a_connection_error_carries_the_objects_before_it(rfc_errors):
    """As ``receive_data`` does with events."""
    connection = server(rfc_errors=rfc_errors)
    with pytest.raises(ProtocolError) as caught:
        connection.ready_requests(PREFACE + frames.settings() + request(1) + frames.data(1 + 2, b"idle"))
    assert [(one.kind, one.stream_id) for one in caught.value.events] == [(REQUEST, 1)]
    assert connection.ready_requests(bytes(request(3))) == []


def test_both_ways_of_reading_may_be_mixed():
    """One connection, one state."""
    connection = server(rfc_errors=True)
    assert [type(event).__name__ for event in connection.receive_data(PREFACE + frames.settings())] == [
        "RemoteSettingsChanged"]
    half = bytes(request(1, end_stream=False))
    assert connection.ready_requests(half[:10]) == []
    [event] = connection.receive_data(half[10:])
    assert type(event).__name__ == "RequestReceived"
    [one] = connection.ready_requests(bytes(frames.data(1, b"x", end_stream=True)))
    assert (one.kind, one.data, one.end_stream) == (DATA, b"x", True)


def test_data_is_a_copy():
    """The receive buffer may be used again."""
    connection = server(rfc_errors=True)
    connection.ready_requests(PREFACE + frames.settings())
    buffer = bytearray(request(1, ("x", "kept"), end_stream=False) + frames.data(1, b"precious"))
    one, two = connection.ready_requests(buffer)
    buffer[:] = b"\0" * len(buffer)
    assert one.headers[-1] == (b"x", b"kept")
    assert two.data == b"precious"


def test_objects_outlive_the_connection():
    """They hold what they need."""
    connection = server(rfc_errors=True)
    objects = connection.ready_requests(PREFACE + frames.settings() + request(1, ("x", "y" * 100), end_stream=False)
                                        + frames.data(1, b"z" * 100) + frames.rst_stream(1))
    del connection
    assert slim_facts(objects)[0][2][-1] == (b"x", b"y" * 100)
    assert objects[1].data == b"z" * 100
    assert all(repr(one) for one in objects)
