"""An urgent answer overtakes a large one of its connection (RFC 9218), however much the kernel would buffer."""
import socket
import time

import h2.events
import h2.settings
import pytest

from tests.load.setups import EVERY_WORKER
from tests.support.gunicorn_matrix import OWN, OWN_ASGI
from tests.support.gunicorn_versions import NEWEST
from tests.support.tls_client import Client

#: The workers that answer the requests of a connection at the same time.
SETUPS = [setup for setup in (*EVERY_WORKER, *OWN, *OWN_ASGI)
          if setup.version is NEWEST and (setup.way == "own" or (setup.worker, setup.way) == ("asgi", "class"))]

WINDOW = 16 << 20


@pytest.mark.parametrize("setup", dict.fromkeys(SETUPS), ids=str)
@pytest.mark.parametrize("urgency", [0, 5])
def test_it_does_not_wait_for_what_the_kernel_buffers(setup, servers, urgency):
    with Client(servers(setup)) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW})
        client.conn.increment_flow_control_window(WINDOW)
        client.request(1, f"/stream?{WINDOW}", headers=[("priority", "u=5, i")])
        assert client.read(lambda: client.found(h2.events.DataReceived))
        # The server writes what its socket takes.
        time.sleep(0.5)
        client.request(3, "/hello", headers=[("priority", f"u={urgency}")])
        before = len(client.body(1))
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
        # The client's buffer and the kernel's for what is on its way, and little more.
        assert len(client.body(1)) - before < 700_000
        assert client.read(lambda: len(client.body(1)) == WINDOW)
