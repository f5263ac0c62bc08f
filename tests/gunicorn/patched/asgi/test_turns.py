"""A response that never waits lets others have their turn."""
import threading
import time

import pytest

from tests.gunicorn.patched.asgi.setups import CONCURRENT, ask
from tests.support.tls_client import Client

PLACES = [(setup, "asyncio") for setup in CONCURRENT] + [(setup, "uvloop") for setup in CONCURRENT[-1:]]


@pytest.mark.parametrize(("place", "size"), [
    # gunicorn's own worker keeps empty parts to itself.
    (place, size) for place in PLACES for size in (0, 10, 16000) if size or place[0].way == "class"
], ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else str(value))
def test_others_are_answered_while_one_takes_as_fast_as_it_comes(servers, place, size):
    server = servers(*place)
    with Client(server) as greedy, Client(server) as other:
        ask(other, 1, "/show")
        # Much window, so that the client's credit is no reason to wait.
        greedy.conn.increment_flow_control_window((1 << 31) - 1 - 65535)
        greedy.flush()
        greedy.request(1, f"/torrent?{size}")
        greedy.conn.increment_flow_control_window((1 << 31) - 1 - 65535, 1)
        greedy.flush()
        stop = threading.Event()

        def take():
            greedy.sock.settimeout(0.2)
            while not stop.is_set():
                try:
                    if not greedy.sock.recv(1 << 20):
                        return
                except TimeoutError:
                    pass

        taker = threading.Thread(target=take)
        taker.start()
        try:
            began = time.monotonic()
            for stream_id in range(3, 23, 2):
                other.request(stream_id, "/hello")
                assert other.read(other.ended(stream_id), wait=5)
            # Ten in a row, on a machine that is busy: without turns one alone takes seconds, or for ever.
            assert time.monotonic() - began < 10
        finally:
            stop.set()
            taker.join()
