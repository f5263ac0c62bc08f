"""A gibibyte up to an application that reads slowly, and down to a client that does: the worker holds little of it."""
import time

import h2.events
import h2.settings
import pytest

from tests.load.memory import Peak
from tests.load.setups import OLDER_CLASSES, SETUPS, chosen
from tests.support.long_runs import SLOW
from tests.support.payload import BLOCK, fill, is_filled
from tests.support.sanitized import memory_bound
from tests.support.tls_client import Client
from tests.support.waiting import settled

SIZE = 1 << 30 if SLOW else (1 << 30) // 10

#: What a worker may hold: far less than any of the bodies.
LIMIT = 16 << 20

#: Seconds a body may take.
WAIT = SIZE / 2_000_000

#: Of the older gunicorn only fasth2's asyncio worker gives bodies to the application while they arrive.
STREAMING = [*SETUPS, *(setup for setup in OLDER_CLASSES if setup.worker == "asgi")]


@pytest.mark.slow
@pytest.mark.parametrize("setup", chosen(STREAMING, "gthread-install", "gevent-class", "asgi-class"), ids=str)
def test_an_upload_that_is_read_slowly(setup, servers):
    server = servers(setup)
    with Client(server) as client:
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        peak = Peak(server)
        client.request(5, "/read-slowly", "POST", end_stream=False)
        for part in fill(SIZE):
            client.upload(5, part)
        client.data(5, b"", end_stream=True)
        assert client.read(client.ended(5), wait=60)
        assert client.body(5) == b"%d right" % SIZE
        assert peak.growth() < memory_bound(LIMIT)


SMALL, WIDE = (
    [(setup, windows) for setup in chosen([*SETUPS, *OLDER_CLASSES], *names)]
    for windows, names in (("small", ("gevent-install",)), ("wide open", ("gthread-class", "asgi-class")))
)


@pytest.mark.slow
@pytest.mark.parametrize(("setup", "windows"), [*SMALL, *WIDE], ids=str)
def test_a_download_to_a_slow_reader(setup, servers, windows):
    server = servers(setup)
    with Client(server) as client:
        client.request(1, "/hello")
        assert client.read(client.ended(1))
        if windows == "wide open":
            # The socket is what stops the server.
            client.credit = False
            client.conn.increment_flow_control_window(2**31 - 1 - 65535)
            client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
        peak = Peak(server)
        client.request(3, f"/stream?{SIZE}")
        settled(peak.growth)
        size, deadline = 0, time.monotonic() + WAIT
        while size < SIZE and time.monotonic() < deadline:
            client.events.clear()
            assert client.read(lambda: client.found(h2.events.DataReceived, 3))
            for event in client.found(h2.events.DataReceived, 3):
                assert is_filled(event.data, size)
                size += len(event.data)
            if size % (8 * BLOCK) < BLOCK:
                time.sleep(0.002)
        assert size == SIZE
        assert client.read(client.ended(3))
        assert peak.growth() < memory_bound(LIMIT)
