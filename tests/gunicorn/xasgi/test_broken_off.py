"""Requests that their clients break off or slow down: what the application, the client and the log are told."""
import time

import h2.errors
import h2.events
import pytest

from fasth2.gunicorn.dropin.async_stream import AsyncHTTP2Stream
from tests.gunicorn.xasgi.setups import SETUPS, ask, seen, serve
from tests.support.tls_client import Client
from tests.support.waiting import until

CLASSES = [setup for setup in SETUPS if setup.way == "own"]
PLACES = [(setup, "asyncio") for setup in CLASSES] + [(CLASSES[-1], "uvloop")]


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: "-".join(map(str, place)))
def server(request, tmp_path_factory, certificate):
    setup, loop = request.param
    with serve(setup, tmp_path_factory.mktemp("server"), certificate, "--timeout", "3", "--keep-alive", "30",
               "--asgi-loop", loop) as server:
        yield server
        assert "Traceback" not in server.log


def slow_bodies(client, stream_id):
    """How many the server has counted so far."""
    return ask(client, stream_id, "/counted").get("slow_bodies", 0)


def test_an_upload_that_is_broken_off_is_logged_once_and_without_a_traceback(server):
    with Client(server) as client:
        client.request(1, "/reads", "POST", end_stream=False)
        client.data(1, bytes(1000))
        ask(client, 3, "/seen")
        client.conn.reset_stream(1, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        assert until(lambda: "the client left" in server.log)
        ask(client, 5, "/seen")
    assert server.log.count("the client left") == 1


def test_a_client_that_is_silent_in_its_body_is_cancelled(server):
    with Client(server) as client:
        client.request(1, "/reads", "POST", end_stream=False)
        client.data(1, bytes(1000))
        assert client.read(client.ended())
        assert client.found(h2.events.StreamReset, 1)[0].error_code == h2.errors.ErrorCodes.CANCEL
        ask(client, 3, "/seen")


def test_a_client_that_sends_its_body_too_slowly_is_cancelled(server):
    """An octet a quarter of a second is less than MIN_RECEIVE_RATE."""
    with Client(server) as client:
        before = slow_bodies(client, 1)
        client.request(3, "/reads", "POST", end_stream=False)
        for _ in range(80):
            if client.read(client.ended(3), wait=0.25):
                break
            client.data(3, b"x")
        assert client.found(h2.events.StreamReset, 3)[0].error_code == h2.errors.ErrorCodes.CANCEL
        assert slow_bodies(client, 5) == before + 1


def test_one_that_is_answered_meanwhile_needs_no_rate_but_may_not_be_silent(server):
    """Forty octets a second, each answered: a stream in both directions."""
    with Client(server) as client:
        before = slow_bodies(client, 1)
        client.request(3, "/ticks", "POST", end_stream=False)
        began = time.monotonic()
        sent = 0
        while time.monotonic() - began < 6:
            client.data(3, b"0123456789")
            sent += 1
            assert client.read(lambda sent=sent: client.body(3).count(b"tick") == sent)
            assert not client.read(client.ended(3), wait=0.25)
        assert client.read(client.ended(3))
        assert client.found(h2.events.StreamReset, 3)[0].error_code == h2.errors.ErrorCodes.CANCEL
        assert slow_bodies(client, 5) == before + 1


def test_a_minimum_rate_of_0_switches_the_check_off(tmp_path, certificate):
    options = ("--timeout", "3", "--keep-alive", "30")
    with serve(CLASSES[-1], tmp_path, certificate, *options, env={"FASTH2_MIN_BODY_RATE": "0"}) as server:
        with Client(server) as client:
            client.request(1, "/digest", "POST", end_stream=False)
            began = time.monotonic()
            while time.monotonic() - began < 6:
                client.data(1, b"x")
                assert not client.read(client.ended(), wait=0.25)
            client.data(1, b"", end_stream=True)
            assert client.read(client.ended())
            assert client.status() == "200"


def test_one_that_is_fast_enough_may_take_longer_than_the_timeout(server):
    with Client(server) as client:
        client.request(1, "/digest", "POST", end_stream=False)
        began = time.monotonic()
        while time.monotonic() - began < 5:
            client.data(1, b"x" * 400)
            assert not client.read(client.ended(), wait=0.25)
        client.data(1, b"", end_stream=True)
        assert client.read(client.ended())
        assert client.status() == "200"


def test_an_application_that_yields_only_empty_parts_ends_with_its_client(server):
    with Client(server) as client:
        client.request(1, "/torrent?0")
        assert client.read(lambda: client.status(1) == "200")
        client.conn.reset_stream(1, h2.errors.ErrorCodes.CANCEL)
        client.flush()
    assert until(lambda: "torrent" in seen(server)["endings"])


@pytest.mark.parametrize("size", [1, 3, 600, 1025])
def test_a_body_in_small_frames_costs_no_more_than_twice_its_octets(size):
    import sys

    class Connection:
        initial_window_size = 65535

    stream = AsyncHTTP2Stream(1, Connection())
    stream.receive_headers([(":method", "POST"), (":path", "/")])
    for _ in range(65535 // size):
        stream.receive_data(b"x" * size)
    held = sum(map(sys.getsizeof, stream._body_chunks)) + sys.getsizeof(stream._body_chunks)
    assert held <= 2 * 65535
    assert stream.take_body() == b"x" * (65535 // size * size)
