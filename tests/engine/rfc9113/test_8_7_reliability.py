"""RFC 9113 section 8.7: request reliability."""
import pytest

from fasth2.settings import SettingCodes
from tests.support import frames
from tests.support.fields import marked, request
from tests.support.play import accepted, connection_error, play, survived

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
def test_goaway_never_excludes_a_request_that_was_handed_out(rfc_errors):
    """"The GOAWAY frame indicates the highest stream number that might have been processed": "A server MUST NOT
    indicate that a stream has not been processed unless it can guarantee that fact".
    """
    outcome = connection_error(request(1), request(9), frames.ping(b"bad"), code=0x6, rfc_errors=rfc_errors)
    handed_out = max(event.stream_id for event in outcome.of("RequestReceived"))
    assert outcome.wrote("GOAWAY")[0].last_stream_id >= handed_out == 9
    closed = play(request(1), request(9), lambda connection: connection.close_connection(), rfc_errors=rfc_errors)
    assert closed.wrote("GOAWAY")[0].last_stream_id == 9


def test_refused_streams_were_never_handed_out():
    """"The REFUSED_STREAM error code can be included in a RST_STREAM frame to indicate that the stream is being closed
    prior to any processing having occurred".
    """
    def one(connection):
        connection.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})

    outcome = survived(frames.settings_ack(), one, frames.settings_ack(), *(request(n) for n in range(1, 40, 2)))
    refused = {sent.stream_id for sent in outcome.wrote("RST_STREAM") if sent.error_code == 0x7}
    handed_out = {event.stream_id for event in outcome.of("RequestReceived")}
    assert handed_out == {1}
    assert refused == set(range(3, 40, 2))


def test_a_malformed_request_is_never_handed_out():
    """Its reset says PROTOCOL_ERROR: the client must not simply try again."""
    outcome = survived(marked(1, [(":method", "GET")]), request(3))
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [3]
    assert [sent.error_code for sent in outcome.wrote("RST_STREAM")] == [0x1]


@both_modes
def test_pings_work_without_any_stream(rfc_errors):
    """"The PING frame ... provides a way for a client to easily test a connection"."""
    outcome = accepted(frames.ping(b"pingping"), rfc_errors=rfc_errors)
    assert outcome.wrote("PING")[0].opaque == b"pingping"
