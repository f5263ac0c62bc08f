"""L20: streams that a server promises and does not open."""
import pytest

from fasth2.limits import Limits
from tests.support import frames
from tests.support.client import accepted, asks, promise, response, survived

REFUSED_STREAM = 0x7

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def promises(number):
    return [promise(1, 2 * n + 2) for n in range(number)]


@both_modes
def test_as_many_as_the_limit_are_delivered(rfc_errors):
    outcome = accepted(asks(1), *promises(100), rfc_errors=rfc_errors)
    assert outcome.kinds == ["PushedStreamReceived"] * 100


@both_modes
def test_more_are_refused_without_an_event(rfc_errors):
    """The connection goes on, and so does the header table; an opened or a reset one makes room."""
    outcome = survived(asks(1), *promises(4), frames.rst_stream(2), response(4), promise(1, 10), promise(1, 12),
                       promise(1, 14), rfc_errors=rfc_errors, limits=Limits(promised_streams=3))
    assert [event.pushed_stream_id for event in outcome.of("PushedStreamReceived")] == [2, 4, 6, 10, 12]
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [
        (8, REFUSED_STREAM), (14, REFUSED_STREAM)]
    assert outcome.connection.counters == {"promised_streams": 2}


def test_frames_on_a_refused_stream_are_ignored():
    """They were in flight."""
    outcome = survived(asks(1), promise(1, 2), response(2), frames.data(2, b"x"), frames.window_update(2, 1),
                       response(1, end_stream=True), limits=Limits(promised_streams=0))
    assert outcome.kinds == ["ResponseReceived", "StreamEnded"]


def test_refused_promises_count_as_resets():
    """L3."""
    outcome = survived(asks(1), *promises(5), limits=Limits(promised_streams=0, reset_burst=5))
    assert len(outcome.wrote("RST_STREAM")) == 5
