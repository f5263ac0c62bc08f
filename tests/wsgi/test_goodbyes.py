"""GOAWAY in two steps when the loop drains: what is on its way in between is served (RFC 9113 section 6.8)."""
import threading

import pytest

from fasth2.wsgi import loop as wsgi_loop
from tests.support.fields import request
from tests.support.record_peer import Peer
from tests.support.wsgi_serving import Serving

ANY = 2**31 - 1


def hello(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]


@pytest.fixture
def serving(monkeypatch):
    # The tests see to goodbyes themselves, by a clock of their own.
    monkeypatch.setattr(wsgi_loop, "CHECK_INTERVAL", 3600.0)
    with Serving(hello, keepalive=5.0) as serving:
        yield serving


def led(serving, do):
    """Have the loop's thread do something."""
    done = threading.Event()

    def then():
        do()
        done.set()

    serving.loop.do(then)
    assert done.wait(10)


def last_streams(peer):
    return [sent.last_stream_id for sent in peer.wrote("GOAWAY")]


def test_a_loop_that_was_held_up_reads_before_the_last_goodbye(serving):
    with Peer(serving) as peer:
        peer.send(request(1))
        assert peer.read(peer.ended(1))
        [client] = serving.loop.clients.values()
        led(serving, lambda: serving.loop.advance_shutdown(client, 1e6))
        assert peer.read(lambda: last_streams(peer) == [ANY])

        def held_up():
            # The request lies in the socket when the time between the two has long been over.
            peer.send(request(3))
            serving.loop.advance_shutdown(client, 1e6 + 60)

        led(serving, held_up)
        assert peer.read(peer.ended(3))
        led(serving, lambda: serving.loop.advance_shutdown(client, 1e6 + 60.05))
        assert peer.read(lambda: last_streams(peer) == [ANY, 3])


def test_a_time_out_takes_no_step_of_a_goodbye(serving):
    """An idle connection's ``keepalive`` may be over while it is told."""
    with Peer(serving) as peer:
        peer.send(request(1))
        assert peer.read(peer.ended(1))
        [client] = serving.loop.clients.values()
        kept = []

        def looks():
            client.check_timeouts(1e6)
            # The loop itself does not hear of this.
            serving.loop.draining = True
            client.check_timeouts(1e6 + 60)
            kept.append(not client.leaving)
            serving.loop.draining = False

        led(serving, looks)
        assert kept == [True]
        led(serving, lambda: client.check_timeouts(1e6 + 60))
        assert peer.read(lambda: last_streams(peer) == [1])
