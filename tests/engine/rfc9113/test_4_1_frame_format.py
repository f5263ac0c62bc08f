"""RFC 9113 section 4.1: frame format."""
import pytest

from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.play import LATER, accepted, answer, assert_answered, play

UNDEFINED = {
    "DATA": 0xF6, "HEADERS": 0xD2, "PRIORITY": 0xFF, "RST_STREAM": 0xFF, "SETTINGS": 0xFE, "PING": 0xFE,
    "GOAWAY": 0xFF, "WINDOW_UPDATE": 0xFF, "CONTINUATION": 0xFB,
}


def flagged(name):
    """Frames of one kind, and the bits that its type leaves undefined."""
    split = frames.headers(3, block(request_fields())[:3], end_headers=False)
    rest = frames.continuation(3, block(request_fields())[3:])
    return {
        "DATA": [request(3, end_stream=False), frames.data(3, b"body").flag(UNDEFINED["DATA"])],
        "HEADERS": [request(3, end_stream=False).flag(UNDEFINED["HEADERS"])],
        "PRIORITY": [frames.priority(3).flag(UNDEFINED["PRIORITY"])],
        "RST_STREAM": [request(3), frames.rst_stream(3).flag(UNDEFINED["RST_STREAM"])],
        "SETTINGS": [frames.settings((frames.MAX_FRAME_SIZE, 20000)).flag(UNDEFINED["SETTINGS"])],
        "PING": [frames.ping(b"12345678").flag(UNDEFINED["PING"])],
        "GOAWAY": [frames.goaway().flag(UNDEFINED["GOAWAY"])],
        "WINDOW_UPDATE": [frames.window_update(0, 1).flag(UNDEFINED["WINDOW_UPDATE"])],
        "CONTINUATION": [split, rest.flag(UNDEFINED["CONTINUATION"])],
    }[name]


@pytest.mark.parametrize("name", sorted(UNDEFINED))
def test_flags_that_a_type_does_not_define_are_ignored(name):
    """"Flags that have no defined semantics for a particular frame type MUST be ignored"."""
    plain = [frame.unflag(UNDEFINED[name]) if frame.flags & UNDEFINED[name] == UNDEFINED[name] else frame
             for frame in flagged(name)]
    marked = play(*flagged(name))
    expected = play(*plain)
    assert marked.error is None
    assert [repr(event) for event in marked.events] == [repr(event) for event in expected.events]
    assert marked.sent == expected.sent


@pytest.mark.parametrize("frame", [
    request(1, end_stream=False), frames.ping(), frames.settings(), frames.window_update(0, 9), frames.priority(1),
    frames.unknown(), frames.unknown(stream_id=5),
])
def test_the_reserved_bit_is_ignored(frame):
    """The bit before the stream identifier "MUST be ignored when receiving"."""
    marked = accepted(frame.reserve())
    expected = accepted(frame)
    assert len(marked.events) == len(expected.events)
    assert [getattr(event, "stream_id", None) for event in marked.events] == \
        [getattr(event, "stream_id", None) for event in expected.events]
    assert marked.sent == expected.sent


@pytest.mark.parametrize("kind", [0x0B, 0x0D, 0x0E, 0x0F, 0x11, 0x42, 0xFF])
@pytest.mark.parametrize("stream_id", [0, 1, 2, LATER])
def test_frames_of_unknown_types_are_ignored(kind, stream_id):
    """"Implementations MUST ignore and discard frames of unknown types"."""
    outcome = accepted(request(1, end_stream=False), frames.unknown(kind, stream_id, b"x" * 100, flags=0xFF),
                       frames.data(1, b"tail", end_stream=True), answer(1))
    assert outcome.kinds == ["RequestReceived", "UnknownFrameReceived", "DataReceived", "StreamEnded"]
    frame = outcome.of("UnknownFrameReceived")[0].frame
    assert (frame.type, frame.stream_id, frame.body) == (kind, stream_id, b"x" * 100)
    assert_answered(outcome, 1)


def test_a_frame_without_payload_is_a_frame():
    """A length of 0 is legal where the type allows it."""
    outcome = accepted(request(1, end_stream=False), frames.data(1), frames.unknown(payload=b""), frames.settings())
    assert outcome.kinds == ["RequestReceived", "DataReceived", "UnknownFrameReceived", "RemoteSettingsChanged"]


def test_frames_that_arrive_back_to_back_are_all_read():
    """Frames follow one another without gaps."""
    stream_ids = range(1, 61, 2)
    octets = b"".join(request(stream_id) + frames.ping(stream_id.to_bytes(8, "big")) for stream_id in stream_ids)
    outcome = accepted(octets)
    assert [event.stream_id for event in outcome.of("RequestReceived")] == list(stream_ids)
    assert [ping.opaque for ping in outcome.wrote("PING")] == [n.to_bytes(8, "big") for n in stream_ids]
