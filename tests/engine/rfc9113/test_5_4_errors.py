"""RFC 9113 section 5.4: error handling."""
import pytest

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.describe import describe_all
from tests.support.fields import MARK, marked, request, request_fields
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import LATER, accepted, answer, connection_error, play, server, stream_error, survived

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
def test_a_connection_error_sends_goaway_with_the_last_stream_and_the_reason(rfc_errors):
    """5.4.1: the endpoint "SHOULD first send a GOAWAY frame ... with the stream identifier of the last stream that it
    successfully received from its peer" and "an error code that indicates why".
    """
    outcome = connection_error(request(1), request(7), frames.ping(b"short"), code=0x6, last_stream_id=7,
                               rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "StreamEnded"] * 2


@both_modes
def test_what_was_answered_before_the_error_is_still_sent_in_order(rfc_errors):
    """Nothing that went into the output before the error is lost."""
    outcome = connection_error(request(1), answer(1), frames.ping(b"12345678"), frames.ping(b"short"), code=0x6,
                               rfc_errors=rfc_errors, drain=False)
    assert [sent.kind for sent in outcome.sent[-4:]] == ["HEADERS", "DATA", "PING", "GOAWAY"]


@both_modes
def test_the_exception_carries_the_events_of_the_frames_before_the_bad_one(rfc_errors):
    """No good request depends on how the octets were split."""
    octets = PREFACE + frames.settings() + request(1) + frames.ping() + request(3) + frames.window_update(0, 0)
    connection = server(rfc_errors=rfc_errors)
    with pytest.raises(ProtocolError) as caught:
        connection.receive_data(octets)
    names = [event[0] for event in describe_all(caught.value.events)]
    assert names == ["RemoteSettingsChanged", "RequestReceived", "StreamEnded", "PingReceived", "RequestReceived",
                     "StreamEnded"]


@both_modes
def test_an_exception_without_events_carries_an_empty_list(rfc_errors):
    """``.events`` is always there."""
    connection = server(rfc_errors=rfc_errors)
    connection.receive_data(PREFACE + frames.settings())
    with pytest.raises(ProtocolError) as caught:
        connection.receive_data(bytes(frames.window_update(0, 0)))
    assert caught.value.events == []


@both_modes
def test_after_a_connection_error_calls_that_send_are_refused(rfc_errors):
    """The connection is closed: nothing more goes out, and closing again does no harm."""
    outcome = connection_error(request(1), frames.ping(b"short"), code=0x6, rfc_errors=rfc_errors)
    connection = outcome.connection
    for call in (lambda: connection.send_headers(1, [(":status", "200")]), lambda: connection.send_data(1, b""),
                 lambda: connection.end_stream(1), lambda: connection.reset_stream(1),
                 lambda: connection.ping(b"12345678"), lambda: connection.increment_flow_control_window(1)):
        with pytest.raises(ProtocolError):
            call()
    assert connection.data_to_send() == b""


def test_a_stream_error_resets_that_stream_and_nothing_else():
    """5.4.2: "An endpoint that detects a stream error sends a RST_STREAM frame ... that contains the stream
    identifier of the stream where the error occurred".
    """
    stream_error(marked(3, [(":method", "GET")]), stream_id=3, code=PROTOCOL_ERROR)


def test_a_request_that_is_malformed_ends_the_connection_by_default():
    """h2 makes no difference between stream and connection here; without rfc_errors neither does fasth2."""
    outcome = connection_error(request(1), marked(3, [(":method", "GET")]), code=PROTOCOL_ERROR, rfc_errors=False)
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1]


@both_modes
def test_a_reset_is_never_answered_with_a_reset(rfc_errors):
    """5.4.2: "An endpoint MUST NOT send a RST_STREAM in response to a RST_STREAM frame"."""
    outcome = survived(request(1), request(3, end_stream=False), frames.rst_stream(1), frames.rst_stream(3),
                       frames.rst_stream(1), frames.rst_stream(3), request(5), frames.rst_stream(3),
                       rfc_errors=rfc_errors)
    assert not outcome.sent
    assert len(outcome.of("StreamReset")) == 2


def test_one_reset_is_enough_for_whatever_follows_on_the_stream():
    """5.4.2: "an endpoint SHOULD NOT send more than one RST_STREAM frame for any stream"."""
    bad = marked(3, [(":method", "GET")], end_stream=False)
    stream_error(bad, frames.data(3, b"body"), frames.window_update(3, 1), frames.data(3, b"", end_stream=True),
                 frames.rst_stream(3), stream_id=3, code=PROTOCOL_ERROR)


def test_several_streams_may_fail_and_their_neighbours_live():
    """Each stream error is its own."""
    bad = [marked(n, [*request_fields(), ("connection", "x")]) for n in (3, 7, 11)]
    good = [request(n, MARK) for n in (5, 9, 13)]
    outcome = survived(*[frame for pair in zip(bad, good) for frame in pair], *(answer(n) for n in (5, 9, 13)))
    assert [sent.stream_id for sent in outcome.wrote("RST_STREAM")] == [3, 7, 11]
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [5, 9, 13]
    assert len(outcome.wrote("DATA")) == 3


@both_modes
def test_a_local_call_that_is_refused_changes_nothing(rfc_errors):
    """The connection goes on after a wrong call as if it had not been made."""
    def wrong(connection):
        for call in (
            lambda: connection.send_headers(1, [("no-status", "x")]),
            lambda: connection.send_headers(1, [(":status", "100")], end_stream=True),
            lambda: connection.send_data(99, b"no such stream"),
            lambda: connection.reset_stream(99),
            lambda: connection.send_headers(99, [(":status", "200")]),
        ):
            with pytest.raises(ProtocolError):
                call()

    outcome = accepted(request(1), wrong, request(LATER), answer(1), answer(LATER), rfc_errors=rfc_errors)
    assert len(outcome.wrote("DATA")) == 2
    assert len(outcome.wrote("HEADERS")) == 2


@both_modes
def test_error_codes_of_local_calls_go_out_as_given(rfc_errors):
    """5.4: codes of any value can be carried."""
    outcome = play(request(1), request(3), lambda connection: connection.reset_stream(1, 0xC0FFEE),
                   lambda connection: connection.close_connection(0xBEEF, b"why", 1), rfc_errors=rfc_errors)
    assert [sent.error_code for sent in outcome.wrote("RST_STREAM")] == [0xC0FFEE]
    [goaway] = outcome.wrote("GOAWAY")
    assert (goaway.error_code, goaway.data, goaway.last_stream_id) == (0xBEEF, b"why", 1)


def test_the_reader_of_the_output_sees_whole_frames_at_every_size_of_block():
    """data_to_send(amount) cuts anywhere and loses nothing."""
    whole = server()
    whole.receive_data(PREFACE + frames.settings() + request(1))
    answer(1)(whole)
    expected = whole.data_to_send()
    for amount in (1, 2, 7, 9, 100):
        cut = server()
        cut.receive_data(PREFACE + frames.settings() + request(1))
        answer(1)(cut)
        pieces = []
        while piece := cut.data_to_send(amount):
            assert len(piece) <= amount
            pieces.append(piece)
        assert b"".join(pieces) == expected
    assert [sent.kind for sent in FrameReader().read(expected)] == ["SETTINGS", "SETTINGS", "HEADERS", "DATA"]
