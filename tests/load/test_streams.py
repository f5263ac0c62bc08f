"""Parts of responses as they are made, responses that are cut off, and connections that the client ends."""

import h2.errors
import h2.events
import h2.settings

from tests.load.application import PART
from tests.support.tls_client import Client
from tests.support.waiting import wait_until


def test_events_arrive_as_they_are_made(server, tmp_path):
    """The application makes the next one when the client has the one before."""
    go = tmp_path / "go"
    with Client(server) as client:
        client.request(1, f"/events?{go}")
        for number in range(3):
            expected = "".join(f"data: {n}\n\n" for n in range(number + 1)).encode()
            assert client.read(lambda expected=expected: client.body() == expected)
            go.with_name(f"go{number + 1}").touch()
        assert client.read(client.ended())


def test_a_reset_in_mid_response_stops_the_application(server, tmp_path):
    with Client(server) as client:
        for stream_id in (1, 3, 5):
            closed = tmp_path / f"closed{stream_id}"
            client.request(stream_id, f"/endless?{closed}")
            assert client.read(lambda stream_id=stream_id: len(client.body(stream_id)) > 100_000)
            client.conn.reset_stream(stream_id, h2.errors.ErrorCodes.CANCEL)
            client.flush()
            wait_until(closed.exists)
        client.request(7, "/?3")
        assert client.read(client.ended(7))
        assert client.body(7) == 3 * PART


def test_a_connection_that_goes_in_mid_response_stops_the_application(server, tmp_path):
    closed = tmp_path / "closed"
    with Client(server) as client:
        client.request(1, f"/endless?{closed}")
        assert client.read(lambda: len(client.body()) > 100_000)
    wait_until(closed.exists)


def test_a_clients_GOAWAY_lets_its_requests_finish(server):
    with Client(server) as client:
        for stream_id in (1, 3, 5):
            client.request(stream_id, "/slow?0.1")
        # As h2 sends none and goes on: the frame by hand.
        client.sock.sendall(b"\0\0\x08\x07\0\0\0\0\0" + bytes(8))
        assert client.read(lambda: all(client.ended(stream_id)() for stream_id in (1, 3, 5)))
        assert [client.body(stream_id) for stream_id in (1, 3, 5)] == [b"slow"] * 3


def test_many_large_responses_with_small_windows(server):
    """Each waits for window again and again, and all arrive whole."""
    with Client(server) as client:
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 5000})
        client.flush()
        ids = range(1, 21, 2)
        for stream_id in ids:
            client.request(stream_id, "/?10")
        assert client.read(lambda: all(client.ended(stream_id)() for stream_id in ids), wait=30)
        assert all(client.body(stream_id) == 10 * PART for stream_id in ids)
