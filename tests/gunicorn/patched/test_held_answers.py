"""Answers that a worker's connection holds for a moment, so that they share a write."""
import h2.events
import pytest
from gunicorn.config import Config

from fasth2.gunicorn.patched.batching import BatchingConnection
from tests.gunicorn.connection_class import on_headers
from tests.support.facade_peer import GET, POST, Peer


@pytest.fixture
def peer():
    return Peer(BatchingConnection, Config())


def body(peer, stream_id):
    return b"".join(event.data for event in peer.events
                    if isinstance(event, h2.events.DataReceived) and event.stream_id == stream_id)


@on_headers
@pytest.mark.parametrize("size", [13, 16384])
def test_an_answer_to_a_request_whose_body_was_not_read_arrives_whole(peer, size):
    """The stream is reset with NO_ERROR later, which must not overtake the answer."""
    server = peer.server
    server.unread_upload_seconds = 0.0
    peer.request(1, POST, end_stream=False)
    peer.request(3, GET)
    assert len(peer.tell()) == 2
    server.more_waiting = True
    assert server.send_whole(1, 200, [], bytes(size))
    server.cleanup_stream(1)
    server.flush()
    peer.listen()
    assert body(peer, 1) == bytes(size)
    assert not any(isinstance(event, h2.events.StreamReset) for event in peer.events)
    assert server.give_up()
    peer.listen()
    [reset] = [event for event in peer.events if isinstance(event, h2.events.StreamReset)]
    assert reset.error_code == 0


def test_an_answer_is_held_until_it_is_flushed(peer):
    server = peer.server
    peer.request(1, GET)
    peer.request(3, GET)
    assert len(peer.tell()) == 2
    peer.listen()
    server.more_waiting = True
    assert server.send_whole(1, 200, [], bytes(16384))
    server.cleanup_stream(1)
    assert peer.written() == []
    server.flush()
    peer.listen()
    assert body(peer, 1) == bytes(16384)
