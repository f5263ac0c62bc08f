"""TERM, and what becomes of the connections that each worker has."""
import time

import h2.errors
import h2.events
import pytest

from tests.load.setups import ASGI_CLASSES, CLASSES
from tests.support.gunicorn_matrix import INSTALLED, OWN, WORKER_CLASSES
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

#: The last stream id of a GOAWAY that only says that the end comes (RFC 9113 section 6.8).
ANY_STREAM = 2**31 - 1

#: The classes, and the asyncio one under the older versions.
EVERY_CLASS = [*CLASSES, *(setup for setup in ASGI_CLASSES if setup not in CLASSES)]

#: Those whose application blocks; and gunicorn's workers, patched.
BLOCKING = [setup for setup in CLASSES if setup.worker != "asgi"]
PATCHED = [setup for setup in CLASSES if setup not in OWN]


@pytest.fixture
def begun(tmp_path):
    """The file in which the application notes each request that it begins."""
    path = tmp_path / "begun"
    path.touch()
    return path


def goaways(client):
    return client.found(h2.events.ConnectionTerminated)


def last_streams(client):
    return [event.last_stream_id for event in goaways(client)]


def is_answered(client, stream_id, path="/hello"):
    client.request(stream_id, path)
    return client.read(client.ended(stream_id)) and client.body(stream_id) == b"Hello, world!"


@pytest.mark.parametrize("setup", [
    *EVERY_CLASS, *(setup for setup in INSTALLED if setup.worker == "asgi")], ids=str)
def test_a_request_is_finished_and_GOAWAY_said(setup, serve, begun):
    with serve(setup, "--keep-alive", "20", "--graceful-timeout", "4",
               env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        with Client(server, patient=True) as client:
            assert is_answered(client, 1)
            client.request(3, "/slow?0.8", headers=[("x-id", "the third")])
            wait_until(begun.read_text)
            server.terminate()
            assert client.read(client.ended(3))
            assert client.body(3) == b"Hello, world!"
            assert client.read(lambda: last_streams(client)[-1:] == [3])
            assert {event.error_code for event in goaways(client)} == {h2.errors.ErrorCodes.NO_ERROR}
        assert server.process.wait(8) == 0


@pytest.mark.parametrize("setup", EVERY_CLASS, ids=str)
def test_a_request_that_crosses_the_GOAWAY_is_served(setup, serve):
    """The end is announced before a stream is named."""
    with serve(setup, "--keep-alive", "20", "--graceful-timeout", "10") as server:
        with Client(server, patient=True) as client:
            assert is_answered(client, 1)
            server.terminate()
            assert client.read(lambda: goaways(client))
            # On its way when the goodbye came.
            assert is_answered(client, 3, "/slow?0.3")
            assert client.read(lambda: len(goaways(client)) > 1)
            assert last_streams(client)[:2] == [ANY_STREAM, 3]
        assert server.process.wait(15) == 0


@pytest.mark.parametrize("tls", [True, False])
def test_a_request_under_way_does_not_hide_the_warning(serve, begun, tls):
    """With fasth2's own worker, whose warning waits for no request longer than half of the time."""
    with serve(OWN[-1], "--threads", "4", "--graceful-timeout", "10", tls=tls,
               env={"FASTH2_TEST_BEGUN": str(begun)}) as server, Client(server, patient=True) as client:
        client.request(1, "/slow?1", headers=[("x-id", "the first")])
        wait_until(begun.read_text)
        server.terminate()
        assert client.read(lambda: goaways(client))
        [warning] = goaways(client)
        assert (int(warning.error_code), warning.last_stream_id) == (0, ANY_STREAM)
        assert is_answered(client, 3)
        assert client.read(client.ended(1))
        assert client.status(1) == "200"
        client.read(lambda: len(goaways(client)) > 1)
        assert last_streams(client)[-1] == 3
        client.sock.close()
        assert server.process.wait(10) == 0


@pytest.mark.parametrize("setup", BLOCKING, ids=str)
def test_what_was_accepted_is_finished(setup, serve, begun):
    with serve(setup, "--threads", "1", "--graceful-timeout", "20", env={"FASTH2_TEST_BEGUN": str(begun)}) as server, \
            Client(server, patient=True) as client:
        client.request(1, "/slow?1.2", headers=[("x-id", "the first")])
        client.request(3, "/hello")
        wait_until(begun.read_text)
        server.terminate()
        assert client.read(lambda: last_streams(client)[-1:] not in ([], [ANY_STREAM]) and client.ended(1)())
        answered = [n for n in (1, 3) if client.status(n) == "200"]
        # What GOAWAY names was answered; the peer may send the rest elsewhere.
        assert last_streams(client)[-1] == answered[-1]
        assert 1 in answered


@pytest.mark.parametrize("setup", [*OWN, *WORKER_CLASSES], ids=str)
def test_what_waits_behind_a_body_is_served(setup, serve):
    """gunicorn's own class drops it and sends no GOAWAY."""
    with serve(setup, "--threads", "2", "--graceful-timeout", "10") as server, Client(server, patient=True) as client:
        client.request(1, "/echo", "POST", end_stream=False)
        client.request(3, "/hello")
        client.ping()
        server.terminate()
        wait_until(lambda: "Handling signal: term" in server.log)
        client.data(1, b"body", end_stream=True)
        assert client.read(lambda: last_streams(client)[-1:] == [3])
        assert client.body(1) == b"body"
        assert client.body(3) == b"Hello, world!"
        assert {int(event.error_code) for event in goaways(client)} == {0}


@pytest.mark.parametrize(("setup", "keepalive"), [
    *((setup, "60") for setup in EVERY_CLASS), *((setup, "1") for setup in BLOCKING)], ids=str)
def test_idle_connections_hold_nothing_up(setup, serve, keepalive):
    with serve(setup, "--keep-alive", keepalive, "--graceful-timeout", "30") as server:
        with Client(server, patient=True) as client, Client(server, patient=True) as other:
            for each in (client, other):
                assert is_answered(each, 1)
            server.terminate()
            for each in (client, other):
                assert each.read(lambda each=each: last_streams(each)[-1:] == [1], wait=8)
                assert {int(event.error_code) for event in goaways(each)} == {0}
        assert server.process.wait(8) == 0


@pytest.mark.parametrize("setup", BLOCKING, ids=str)
def test_a_reload_loses_no_request(setup, serve, begun):
    with serve(setup, "--keep-alive", "30", "--graceful-timeout", "20",
               env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        with Client(server, patient=True) as idle, Client(server, patient=True) as busy:
            assert is_answered(idle, 1)
            busy.request(1, "/slow?1", headers=[("x-id", "the first")])
            wait_until(begun.read_text)
            server.reload()
            for client in (idle, busy):
                assert client.read(lambda client=client: last_streams(client)[-1:] == [1])
            assert busy.read(busy.ended(1))
            assert busy.body(1) == b"Hello, world!"
        with Client(server) as client:
            assert is_answered(client, 1)


@pytest.mark.parametrize("pause", [0.2, 20])
@pytest.mark.parametrize("setup", PATCHED, ids=str)
def test_an_endless_stream_is_named_after_half_of_graceful_timeout(setup, serve, pause):
    with serve(setup, "--graceful-timeout", "6") as server, Client(server, patient=True) as client:
        client.request(1, f"/ticks?{pause}")
        assert client.read(client.body)
        begin = time.monotonic()
        server.terminate()
        assert client.read(lambda: len(goaways(client)) > 1, 20)
        assert last_streams(client) == [ANY_STREAM, 1]
        assert time.monotonic() - begin > 2
        assert not client.ended()()


@pytest.mark.parametrize("setup", ASGI_CLASSES, ids=str)
def test_a_connection_that_is_always_busy_is_told_in_time(setup, serve):
    with serve(setup, "--keep-alive", "20", "--graceful-timeout", "4") as server:
        with Client(server, patient=True) as client:
            client.request(1, "/ticks?0.02")
            assert client.read(client.body)
            server.terminate()
            assert client.read(lambda: goaways(client), wait=4)
        assert server.process.wait(8) == 0


@pytest.mark.parametrize("setup", EVERY_CLASS, ids=str)
def test_max_requests(setup, serve):
    with serve(setup, "--keep-alive", "20", "--max-requests", "3") as server:
        with Client(server, patient=True) as client:
            for stream_id in (1, 3, 5):
                assert is_answered(client, stream_id)
            assert client.read(lambda: last_streams(client)[-1:] == [5], wait=5)
        for _ in range(4):
            with Client(server) as client:
                assert is_answered(client, 1)
        assert "Autorestarting worker after current request." in server.log
