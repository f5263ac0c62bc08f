"""L16: how a thousand closed streams ended is remembered; ten million short streams cost nothing more."""
import tracemalloc

import pytest

from fasth2.exceptions import StreamClosedError, StreamIDTooLowError
from tests.support import frames
from tests.support.fields import block, request

from .flood import Victim, both_modes

LATE = block([("x", "late")])


def late(stream_id):
    """HEADERS on a stream that is over."""
    return frames.headers(stream_id, LATE, end_stream=True)


def finish(victim, first, count):
    """Opens and answers so many streams."""
    for n in range(count):
        stream_id = first + 2 * n
        victim.endures(request(stream_id))
        victim.connection.send_headers(stream_id, [(":status", "200")], end_stream=True)
        victim.output()
    victim.reader.sent.clear()


@both_modes
def test_the_oldest_of_a_thousand_is_remembered(rfc_errors):
    """Its late HEADERS are frames on a closed stream."""
    victim = Victim(rfc_errors)
    finish(victim, 1, 1000)
    with pytest.raises(StreamClosedError):
        victim.connection.receive_data(bytes(late(1)))


@both_modes
def test_the_oldest_closed_streams_are_forgotten(rfc_errors):
    """Late HEADERS on them are those on a stream that was skipped: a connection error all the same."""
    victim = Victim(rfc_errors)
    finish(victim, 1, 1001)
    with pytest.raises(StreamIDTooLowError):
        victim.connection.receive_data(bytes(late(1)))


@both_modes
def test_frames_on_forgotten_streams_cost_at_most_their_stream(rfc_errors):
    """WINDOW_UPDATE, RST_STREAM and PRIORITY are silent; DATA is reset and its credit returned."""
    victim = Victim(rfc_errors, closed_streams=3)
    finish(victim, 1, 10)
    victim.endures(frames.window_update(1, 5), frames.rst_stream(1), frames.priority(1))
    victim.connection.receive_data(bytes(frames.data(1, b"late")))
    assert [(sent.kind, sent.error_code) for sent in victim.output()] == [("RST_STREAM", 5)]


def test_a_stream_that_was_reset_is_forgotten_too():
    """Frames in flight on it are then answered like those on any closed stream."""
    victim = Victim(True, closed_streams=2)
    for n in (1, 3, 5):
        victim.endures(request(n, end_stream=False))
        victim.connection.reset_stream(n)
        victim.output()
    victim.endures(frames.data(5, b"in flight"))
    assert victim.connection.counters == {}
    victim.connection.receive_data(bytes(frames.data(1, b"in flight")))
    assert [(sent.kind, sent.stream_id) for sent in victim.output()] == [("RST_STREAM", 1)]


@both_modes
def test_memory_is_flat_however_many_streams_there_were(rfc_errors):
    """After the first thousand nothing grows."""
    connection = Victim(rfc_errors).connection

    def serve(first, count):
        for stream_id in range(first, first + 2 * count, 2):
            connection.receive_data(bytes(request(stream_id)))
            connection.send_headers(stream_id, [(":status", "200")], end_stream=True)
            connection.data_to_send()

    tracemalloc.start()
    try:
        serve(1, 1500)
        before = tracemalloc.get_traced_memory()[0]
        serve(3001, 3000)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 4000
    assert connection.streams == {}


@both_modes
def test_the_setting_changes_it(rfc_errors):
    """Two, then none; None remembers all."""
    for kept, expected in ((2, StreamIDTooLowError), (0, StreamIDTooLowError), (None, StreamClosedError)):
        victim = Victim(rfc_errors, closed_streams=kept)
        finish(victim, 1, 1200)
        with pytest.raises(expected):
            victim.connection.receive_data(bytes(late(1)))
