"""A client that stops reading holds up no other, and is cut off after ``timeout``."""
import contextlib
import ssl
import time

import h2.errors
import h2.events
import h2.settings
import pytest

from tests.gunicorn_load.conftest import SETUPS
from tests.support.tls_client import Client

TIMEOUT = 3
SIZE = 50_000_000


def is_served(client, stream_id):
    client.request(stream_id, "/hello")
    return client.read(client.ended(stream_id), wait=2) and client.body(stream_id) == b"Hello, world!"


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_they_are_cut_off_and_others_are_served(setup, serve, tmp_path):
    with serve(setup, "--timeout", str(TIMEOUT), "--keep-alive", "20") as server, contextlib.ExitStack() as stack:
        begin = time.monotonic()
        # One whose window is used up, and one that does not read its socket.
        closed_window = stack.enter_context(Client(server, credit=False))
        closed_window.request(1, f"/stream?{SIZE}")
        assert closed_window.read(lambda: len(closed_window.body()) == 65535)
        silent = stack.enter_context(Client(server, credit=False))
        silent.conn.increment_flow_control_window(2**31 - 1 - 65535)
        silent.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
        ended = tmp_path / "ended"
        silent.request(1, f"/unread?{ended}")
        other = stack.enter_context(Client(server))
        stream_id = 1
        while time.monotonic() - begin < TIMEOUT - 1:
            assert is_served(other, stream_id)
            stream_id += 2
            time.sleep(0.1)
        assert closed_window.read(closed_window.ended(), wait=8)
        assert time.monotonic() - begin > TIMEOUT - 0.5
        [reset] = closed_window.found(h2.events.StreamReset)
        assert reset.error_code == h2.errors.ErrorCodes.CANCEL
        # That connection lives, as far as its window goes.
        closed_window.conn.increment_flow_control_window(1000)
        closed_window.flush()
        assert is_served(closed_window, 3)
        # The other one is closed: what was under way can be read, and is not all.
        deadline = time.monotonic() + 8
        while not ended.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        size = 0
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := silent.sock.recv(1 << 16):
                size += len(data)
        assert size < SIZE
        assert is_served(other, stream_id)
        assert "[CRITICAL] WORKER TIMEOUT" not in server.log


@pytest.mark.parametrize("setup", [setup for setup in SETUPS if setup.worker == "asgi"], ids=str)
def test_one_stream_that_is_not_read_stops_no_other_of_its_connection(setup, servers):
    """More streams than a blocking worker would serve at once, all without window but one."""
    with Client(servers(setup), credit=False) as client:
        client.conn.increment_flow_control_window(1 << 24)
        for stream_id in range(1, 41, 2):
            client.request(stream_id, f"/stream?{SIZE}")
            assert client.read(lambda stream_id=stream_id: len(client.body(stream_id)) == 65535)
        for stream_id in range(41, 61, 2):
            assert is_served(client, stream_id)
        # A stream that waits goes on when its window opens, and the others still wait.
        client.conn.increment_flow_control_window(10_000, stream_id=5)
        client.flush()
        assert client.read(lambda: len(client.body(5)) == 75535)
        assert {len(client.body(stream_id)) for stream_id in range(7, 41, 2)} == {65535}
