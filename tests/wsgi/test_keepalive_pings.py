"""PINGs keep an idle connection where the operator wants it, and only there."""
import threading

import pytest

from fasth2.wsgi import loop as wsgi_loop
from tests.support import frames
from tests.support.fields import request
from tests.support.record_peer import Peer
from tests.support.wsgi_serving import Serving


def hello(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_connection_with_nothing_but_pings(monkeypatch, keeps):
    """The clock is the test's."""
    monkeypatch.setattr(wsgi_loop, "CHECK_INTERVAL", 3600.0)
    with Serving(hello, keepalive=10.0, keepalive_pings=keeps) as serving, Peer(serving) as peer:
        peer.send(request(1))
        assert peer.read(peer.ended(1))
        [client] = serving.loop.clients.values()

        def is_kept(now):
            """Whether a look at that time leaves the connection as it is."""
            looked = threading.Event()

            def look():
                client.check_timeouts(now)
                looked.set()

            serving.loop.do(look)
            assert looked.wait(10)
            return not client.leaving

        kept = []
        for second in range(0, 60, 5):
            pings = len(peer.wrote("PING")) + 1
            peer.send(frames.ping())
            assert peer.read(lambda pings=pings: len(peer.wrote("PING")) == pings)
            kept.append(is_kept(1e6 + second))
            if not kept[-1]:
                break
        assert kept == ([True] * 12 if keeps else [True, True, False])
        if keeps:
            # Without any it is idle again.
            assert is_kept(1e6 + 60)
            assert not is_kept(1e6 + 65)
        assert peer.read(lambda: peer.wrote("GOAWAY"))


@pytest.mark.parametrize(("frame", "counted"), [(frames.ping(), 1), (frames.ping(ack=True), 0)])
def test_PINGs_are_counted_and_their_acknowledgements_are_not(frame, counted):
    with Serving(hello) as serving, Peer(serving) as peer:
        peer.send(frame, request(1))
        assert peer.read(peer.ended(1))
        [client] = serving.loop.clients.values()
        assert client.session.pings == counted
