"""Clients that stop reading or sending, floods."""
import time

import h2.errors
import h2.events
import h2.settings

from tests.support.tls_client import Client

WORKER = ("-k", "fasth2.gunicorn.gthread", "--threads", "2")


def goaway(client):
    """Those that name the last stream; one that only says that the end comes (RFC 9113 section 6.8) may be before it."""
    return [event for event in client.found(h2.events.ConnectionTerminated) if event.last_stream_id != 2**31 - 1]


def test_an_idle_connection_gets_GOAWAY_after_keepalive(start):
    server = start(*WORKER, "--keep-alive", "1")
    with Client(server) as client:
        client.request(1, "/hello")
        assert client.read(client.ended())
        begin = time.monotonic()
        assert client.read(lambda: goaway(client))
        assert 0.8 < time.monotonic() - begin < 5
        [event] = goaway(client)
        assert (int(event.error_code), event.last_stream_id) == (0, 1)


def test_a_client_that_stops_reading_is_cancelled_and_others_are_served(start):
    server = start(*WORKER, "--timeout", "1", "--keep-alive", "5")
    with Client(server, credit=False) as stalled, Client(server) as other:
        stalled.request(1, "/big?1000000")
        begin = time.monotonic()
        other.request(1, "/hello")
        assert other.read(other.ended())
        assert stalled.read(lambda: stalled.found(h2.events.StreamReset))
        assert 0.8 < time.monotonic() - begin < 6
        [reset] = stalled.found(h2.events.StreamReset)
        assert reset.error_code == h2.errors.ErrorCodes.CANCEL
        # The connection lives, as far as its window goes.
        stalled.conn.increment_flow_control_window(1000)
        stalled.request(3, "/hello")
        assert stalled.read(stalled.ended(3))
    assert "Traceback" not in server.log


def test_a_client_that_stops_sending_is_cancelled(start):
    server = start(*WORKER, "--timeout", "1")
    with Client(server) as client:
        client.request(1, "/echo", "POST", end_stream=False)
        client.data(1, b"part")
        assert client.read(client.ended())
        [reset] = client.found(h2.events.StreamReset)
        assert reset.error_code == h2.errors.ErrorCodes.CANCEL
    assert "Traceback" not in server.log


def test_a_flood_of_resets_is_stopped(start):
    server = start(*WORKER)
    with Client(server) as client:
        for stream_id in range(1, 2 * 400, 2):
            client.conn.send_headers(stream_id, [
                (":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/hello")], end_stream=False)
            client.conn.reset_stream(stream_id)
        client.flush()
        assert client.read(lambda: goaway(client))
        assert goaway(client)[0].error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
    assert "Traceback" not in server.log


def test_prior_knowledge_without_TLS(start):
    server = start("-k", "fasth2.gunicorn.gthread", "--http2-cleartext", "prior-knowledge",
                   "--forwarded-allow-ips", "127.0.0.1", tls=False)
    with Client(server) as client:
        client.request(1, "/echo", "POST", end_stream=False)
        client.data(1, b"body", end_stream=True)
        assert client.read(client.ended())
        assert client.body() == b"body"
