"""docs/security.md, L3: a client that opens hundreds of streams before it knows how many are allowed."""
import pytest

from fasth2.config import Limits
from fasth2.server.errors import HTTP2ProtocolError
from tests.support import frames
from tests.support.facade_peer import config
from tests.support.facade_peer import frames as sent_frames
from tests.support.fields import request
from tests.support.frames import PREFACE


def burst(connect, count, **values):
    """A peer, and the server's requests of a burst."""
    peer = connect(config(**values), greeted=False)
    peer.server.initiate_connection()
    octets = PREFACE + frames.settings() + b"".join(bytes(request(2 * n + 1)) for n in range(count))
    return peer, peer.server.receive_data(octets)


def serve(peer, requests):
    """Answer them; what was written, by kind."""
    for one in requests:
        stream_id = one.stream.stream_id
        peer.server.send_response(stream_id, 200, [], b"Hello")
        peer.server.cleanup_stream(stream_id)
    written = [sent for write in peer.written() for sent in sent_frames(write)]
    return {kind: [sent for sent in written if sent.kind == kind] for kind in ("DATA", "RST_STREAM", "GOAWAY")}


@pytest.mark.parametrize("count", [301, 1000])
def test_a_hundred_are_answered_and_the_others_refused(connect, count):
    peer, requests = burst(connect, count)
    written = serve(peer, requests)
    assert (len(written["DATA"]), len(written["RST_STREAM"]), written["GOAWAY"]) == (100, count - 100, [])
    assert not peer.server.is_closed


@pytest.mark.parametrize("count", [1101, 3000])
def test_what_was_admitted_is_answered_before_the_connection_goes(connect, count):
    peer, requests = burst(connect, count)
    assert len(requests) == 100
    assert not peer.server.is_closed
    written = serve(peer, requests)
    assert len(written["DATA"]) == 100
    [goaway] = written["GOAWAY"]
    assert (goaway.error_code, goaway.payload[8:]) == (0xB, b"early_refusals")
    assert peer.server.is_closed
    with pytest.raises(HTTP2ProtocolError) as caught:
        peer.server.receive_data()
    assert caught.value.error_code == 0xB
    assert peer.server.counters["early_refusals"] == 1


def test_it_is_closed_at_once_where_nothing_was_admitted(connect):
    peer = connect(config(http2_max_concurrent_streams=0), greeted=False)
    peer.server.initiate_connection()
    octets = PREFACE + frames.settings() + b"".join(bytes(request(2 * n + 1)) for n in range(1001))
    with pytest.raises(HTTP2ProtocolError):
        peer.server.receive_data(octets)
    assert peer.server.is_closed
    [goaway] = [sent for write in peer.written() for sent in sent_frames(write) if sent.kind == "GOAWAY"]
    assert goaway.payload[8:] == b"early_refusals"


def test_goaways_of_the_facades_limits_name_them(connect):
    peer = connect(config(http2_max_concurrent_streams=1))
    peer.request(1)
    peer.tell()
    peer.client.reset_stream(1)
    peer.tell()
    options = peer.server.protocol.options
    peer.server.protocol.options = options._replace(limits=Limits(concurrent_streams=1, reset_burst=0))
    peer.request(3)
    with pytest.raises(HTTP2ProtocolError):
        peer.tell()
    [goaway] = [sent for write in peer.written() for sent in sent_frames(write) if sent.kind == "GOAWAY"]
    assert (goaway.error_code, goaway.payload[8:]) == (0xB, b"unreleased_requests")
