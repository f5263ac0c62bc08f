"""RFC 9113 section 5.1.2: stream concurrency."""
import pytest

from fasth2.exceptions import TooManyStreamsError
from fasth2.settings import SettingCodes
from tests.support import frames
from tests.support.fields import MARK, request, request_fields
from tests.support.play import accepted, answer, assert_answered, connection_error, fields_of, stream_error, survived

PROTOCOL_ERROR = 0x1
REFUSED_STREAM = 0x7

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def allow(streams):
    """A step that announces SETTINGS_MAX_CONCURRENT_STREAMS."""
    return lambda connection: connection.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: streams})


def two_at_a_time():
    """Steps after which two streams are allowed."""
    return (frames.settings_ack(), allow(2), frames.settings_ack())


def test_a_stream_over_the_limit_is_refused_under_rfc_errors():
    """"An endpoint that receives a HEADERS frame that causes its advertised concurrent stream limit to be exceeded
    MUST treat this as a stream error ... of type PROTOCOL_ERROR or REFUSED_STREAM".
    """
    outcome = survived(*two_at_a_time(), request(1), request(3), request(5), request(7), answer(1), answer(3),
                       request(9), answer(9))
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [
        (5, REFUSED_STREAM), (7, REFUSED_STREAM)]
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1, 3, 9]
    assert [(event.stream_id, int(event.error_code), event.remote_reset) for event in outcome.of("StreamReset")] == [
        (5, REFUSED_STREAM, False), (7, REFUSED_STREAM, False)]
    for stream_id in (1, 3, 9):
        assert_answered(outcome, stream_id)


def test_a_stream_over_the_limit_ends_the_connection_by_default():
    """h2 raises TooManyStreamsError; without rfc_errors so does fasth2."""
    outcome = connection_error(*two_at_a_time(), request(1), request(3), request(5), code=PROTOCOL_ERROR,
                               exception=TooManyStreamsError, last_stream_id=3, rfc_errors=False)
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1, 3]


@both_modes
def test_half_closed_streams_count_and_closed_ones_do_not(rfc_errors):
    """"Streams that are in the "open" state or in either of the "half-closed" states count"."""
    outcome = accepted(*two_at_a_time(), request(1), request(3, end_stream=False), answer(1), request(5), answer(5),
                       request(7), rfc_errors=rfc_errors)
    assert outcome.connection.open_inbound_streams == 2
    assert len(outcome.of("RequestReceived")) == 4


@both_modes
def test_a_stream_the_peer_reset_frees_its_place(rfc_errors):
    """A reset stream is closed and no longer counts."""
    outcome = survived(*two_at_a_time(), request(1), request(3), frames.rst_stream(1), request(5), answer(5),
                       rfc_errors=rfc_errors)
    assert_answered(outcome, 5)
    assert not outcome.wrote("RST_STREAM")


@both_modes
def test_the_limit_holds_only_once_the_peer_has_acknowledged_it(rfc_errors):
    """Streams that the peer opened before it saw the setting are legal."""
    outcome = accepted(frames.settings_ack(), allow(1), request(1), request(3), request(5), frames.settings_ack(),
                       answer(1), answer(3), answer(5), request(7), rfc_errors=rfc_errors)
    assert len(outcome.of("RequestReceived")) == 4


@both_modes
def test_streams_above_a_reduced_limit_live_on(rfc_errors):
    """"An endpoint that wishes to reduce the value ... can either close streams that exceed the new value or allow
    streams to complete".
    """
    outcome = accepted(frames.settings_ack(), request(1, end_stream=False), request(3), request(5), allow(1),
                       frames.settings_ack(), frames.data(1, b"more", end_stream=True), answer(1), answer(3), answer(5),
                       rfc_errors=rfc_errors)
    for stream_id in (1, 3, 5):
        assert_answered(outcome, stream_id)


def test_the_block_of_a_refused_stream_still_changes_the_table():
    """Refusing a request doesn't excuse from decoding it."""
    import hpack
    encoder = hpack.Encoder()
    sent = [frames.headers(n, encoder.encode(request_fields(("x-n", str(n)), MARK)), end_stream=True)
            for n in (1, 3, 5, 7)]
    last = frames.headers(9, encoder.encode(request_fields(("x-n", "5"), MARK)), end_stream=True)
    outcome = survived(*two_at_a_time(), *sent, answer(1), last)
    assert fields_of(outcome.of("RequestReceived", 9)[0]) == request_fields(("x-n", "5"), MARK)


def test_data_for_a_refused_stream_is_discarded_and_its_credit_returned():
    """The body of a refused request may be in flight: it costs neither the connection nor its window."""
    body = [frames.data(5, b"b" * 16000)] * 30
    outcome = survived(*two_at_a_time(), request(1), request(3), request(5, end_stream=False), *body,
                       frames.data(5, b"", end_stream=True), answer(1), request(7), answer(7))
    assert [sent.stream_id for sent in outcome.wrote("RST_STREAM")] == [5]
    assert not outcome.of("DataReceived")
    assert_answered(outcome, 7)


def test_trailers_and_resets_for_a_refused_stream_are_ignored():
    """Whatever else was in flight for a refused stream."""
    outcome = survived(*two_at_a_time(), request(1), request(3), request(5, end_stream=False),
                       frames.window_update(5, 1), frames.priority(5), frames.rst_stream(5), answer(1), request(7))
    assert [sent.stream_id for sent in outcome.wrote("RST_STREAM")] == [5]
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1, 3, 7]


def test_the_default_limit_is_a_hundred_streams():
    """L1: 100 requests at a time, the next is refused, and answering one makes room."""
    streams = list(range(3, 201, 2))
    stream_error(*(request(n) for n in streams), request(201), answer(streams[0]), stream_id=201, code=REFUSED_STREAM)
