"""RFC 8336: the ORIGIN frame, which only clients read."""
import pytest

from tests.support import frames
from tests.support.fields import request
from tests.support.play import answer, assert_answered, survived

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("frame", [
    frames.origin(b"https://example.com"), frames.origin(), frames.origin(b"https://a", b"https://b"),
    frames.origin(b"https://example.com", stream_id=1), frames.origin(b"x", stream_id=7),
    frames.origin(b"x").body(b"\0\xffshort"), frames.origin(b"x").body(b"\0"), frames.origin(b"x").flag(0xFF),
], ids=repr)
def test_a_server_ignores_origin(frame, rfc_errors):
    """Section 2.1: the frame is sent by servers; one from a client is an unknown frame, whatever is in it."""
    outcome = survived(request(1, end_stream=False), frame, frames.data(1, b"x", end_stream=True), answer(1), frame,
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "UnknownFrameReceived", "DataReceived", "StreamEnded",
                             "UnknownFrameReceived"]
    assert_answered(outcome, 1)
    assert not outcome.wrote("RST_STREAM")
