"""A gibibyte up to an application that reads slowly, and down to a client that does: the worker holds little of it."""
import re
from pathlib import Path

import h2.events
import h2.settings
import pytest

from tests.support.long_runs import SLOW
from tests.support.payload import fill, is_filled
from tests.support.sanitized import memory_bound
from tests.support.tls_client import Client
from tests.support.waiting import settled

SIZE = 1 << 30 if SLOW else 1 << 28

#: What the worker may hold, the interpreter and the application included.
LIMIT = 64 << 20


def most_held(server):
    """The most memory that the worker has held, in octets."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc", str(server.workers[-1]), "status").read_text())[1]) << 10


@pytest.fixture
def fresh(run):
    with run() as server:
        yield server


@pytest.mark.slow
def test_an_upload_that_is_read_slowly(fresh):
    with Client(fresh) as client:
        client.request(1, "/read-slowly", "POST", end_stream=False)
        for part in fill(SIZE):
            client.upload(1, part)
        client.data(1, b"", end_stream=True)
        assert client.read(client.ended(), wait=60)
        assert client.body() == b"%d right" % SIZE
    assert most_held(fresh) < memory_bound(LIMIT)


@pytest.mark.slow
@pytest.mark.parametrize("windows", ["small", "wide open"])
def test_a_download_to_a_slow_reader(fresh, windows):
    with Client(fresh, credit=windows == "small") as client:
        size, wanted = 0, SIZE if windows == "wide open" else SIZE >> 2
        if windows == "wide open":
            # The socket is what stops the server.
            client.conn.increment_flow_control_window(2**31 - 1 - 65535)
            client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
        client.request(1, f"/stream?{wanted}")
        settled(lambda: most_held(fresh))
        with Client(fresh) as other:
            other.request(1, "/hello")
            assert other.read(other.ended())
        while size < wanted:
            client.events.clear()
            assert client.read(lambda: client.found(h2.events.DataReceived, 1), wait=30)
            for event in client.found(h2.events.DataReceived, 1):
                assert is_filled(event.data, size)
                size += len(event.data)
    assert most_held(fresh) < memory_bound(LIMIT)
