"""A client that stops reading holds up no other, and is cut off after ``timeout``."""
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import h2.errors
import h2.events
import h2.settings
import pytest

from tests.load.setups import EVERY_WORKER, SETUPS
from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

TIMEOUT = 3
SIZE = 50_000_000

#: Those of whom a client stops reading, for the tests of one stream alone.
OTHERS = [setup for setup in EVERY_WORKER if setup not in SETUPS]


def is_served(client, stream_id):
    client.request(stream_id, "/hello")
    return client.read(client.ended(stream_id), wait=2) and client.body(stream_id) == b"Hello, world!"


@dataclass
class Stalled:
    """A server and two clients of it that stopped reading."""

    server: Gunicorn

    #: Its stream's window is used up.
    closed_window: Client

    #: It does not read its socket.
    silent: Client

    #: The file that is there when the silent one's response has ended.
    ended: Path

    #: When they stopped.
    since: float


@pytest.fixture(scope="module")
def stalled(request, serve, tmp_path_factory):
    """All setups that are tested at once, since it is time that has to pass; others are served meanwhile."""
    tested = {item.callspec.params["setup"] for item in request.session.items if "stalled" in item.fixturenames}
    with contextlib.ExitStack() as stack:
        found = {}
        for setup in tested:
            server = stack.enter_context(serve(setup, "--timeout", str(TIMEOUT), "--keep-alive", "300"))
            since = time.monotonic()
            closed_window = stack.enter_context(Client(server, credit=False))
            closed_window.request(1, f"/stream?{SIZE}")
            assert closed_window.read(lambda client=closed_window: len(client.body()) == 65535)
            silent = stack.enter_context(Client(server, credit=False))
            silent.conn.increment_flow_control_window(2**31 - 1 - 65535)
            silent.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
            ended = tmp_path_factory.mktemp("stalled") / "ended"
            silent.request(1, f"/unread?{ended}")
            with Client(server) as other:
                for stream_id in (1, 3, 5):
                    assert is_served(other, stream_id)
                    time.sleep(0.05)
                assert not ended.exists()
            found[setup] = Stalled(server, closed_window, silent, ended, since)
        yield found
        for each in found.values():
            each.server.terminate()


@pytest.mark.parametrize("setup", [*SETUPS, *OTHERS], ids=str)
def test_a_stream_without_window_is_cut_off_and_its_connection_is_not(setup, stalled):
    client = stalled[setup].closed_window
    assert client.read(client.ended(), wait=8)
    assert time.monotonic() - stalled[setup].since > TIMEOUT - 0.5
    [reset] = client.found(h2.events.StreamReset)
    assert reset.error_code == h2.errors.ErrorCodes.CANCEL
    client.conn.increment_flow_control_window(1000)
    client.flush()
    assert is_served(client, 3)


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_a_connection_that_takes_nothing_is_closed(setup, stalled):
    wait_until(stalled[setup].ended.exists, 8)
    # What was under way can be read, and is not all.
    size = 0
    with contextlib.suppress(OSError):
        while data := stalled[setup].silent.sock.recv(1 << 16):
            size += len(data)
    assert size < SIZE
    with Client(stalled[setup].server) as other:
        assert is_served(other, 1)
    assert "WORKER TIMEOUT" not in stalled[setup].server.log


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
