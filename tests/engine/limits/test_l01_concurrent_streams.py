"""L1: concurrent streams, 100, advertised."""
import pytest

from fasth2.exceptions import TooManyStreamsError
from tests.support import frames
from tests.support.fields import request
from tests.support.play import RESPONSE

from .flood import PROTOCOL_ERROR, Victim, both_modes


@both_modes
def test_the_limit_is_advertised(rfc_errors):
    """SETTINGS_MAX_CONCURRENT_STREAMS in the first SETTINGS."""
    for streams in (100, 7, 0):
        victim = Victim(rfc_errors, concurrent_streams=streams)
        assert (frames.MAX_CONCURRENT_STREAMS, streams) in victim.first[0].settings
    assert frames.MAX_CONCURRENT_STREAMS not in dict(Victim(rfc_errors, concurrent_streams=None).first[0].settings)


def test_streams_over_the_limit_are_refused_one_by_one():
    """REFUSED_STREAM each, a counter, and the connection goes on."""
    victim = Victim(True)
    victim.endures(*(request(n) for n in range(1, 201, 2)))
    for stream_id in range(201, 261, 2):
        victim.connection.receive_data(bytes(request(stream_id)))
        assert [(sent.stream_id, sent.error_code) for sent in victim.output()] == [(stream_id, 0x7)]
    assert victim.connection.counters["streams_refused"] == 30
    assert victim.connection.open_inbound_streams == 100
    victim.connection.send_headers(1, RESPONSE[:1], end_stream=True)
    victim.output()
    assert [type(event).__name__ for event in victim.endures(request(261))] == ["RequestReceived", "StreamEnded"]


def test_a_stream_over_the_limit_ends_the_connection_by_default():
    """TooManyStreamsError, as in h2."""
    victim = Victim(False)
    victim.endures(*(request(n) for n in range(1, 201, 2)))
    victim.crosses(request(201), "streams_refused", PROTOCOL_ERROR, TooManyStreamsError)


@both_modes
def test_ninety_streams_at_a_time_are_never_refused(rfc_errors):
    """Nine tenths, over and over."""
    victim = Victim(rfc_errors)
    stream_id = 1
    for _ in range(20):
        batch = list(range(stream_id, stream_id + 180, 2))
        stream_id += 180
        victim.endures(b"".join(bytes(request(n)) for n in batch))
        for n in batch:
            victim.connection.send_headers(n, RESPONSE[:1], end_stream=True)
        victim.output()
    assert victim.connection.counters == {}


@both_modes
def test_none_switches_it_off(rfc_errors):
    """As many streams as the peer likes."""
    victim = Victim(rfc_errors, concurrent_streams=None)
    victim.endures(*(request(n) for n in range(1, 2001, 2)))
    assert victim.connection.open_inbound_streams == 1000
    assert victim.connection.counters == {}


@pytest.mark.parametrize("rfc_errors", [True])
def test_zero_refuses_every_stream(rfc_errors):
    """A server that takes nothing for the time being."""
    victim = Victim(rfc_errors, concurrent_streams=0)
    victim.connection.receive_data(bytes(request(1)))
    assert [sent.error_code for sent in victim.output()] == [0x7]
