"""A large upload that is read slowly is not held in memory."""
import hashlib
import os

import pytest

from tests.support.long_runs import rounds
from tests.support.tls_client import Client

MEBIBYTE = 1 << 20
#: Of the worker's memory in all. The sanitizers keep freed memory for a while.
LIMIT = 64 * MEBIBYTE if os.environ.get("FASTH2_SANITIZE") != "1" else 1024 * MEBIBYTE
PART = os.urandom(65536)


def memory(pid, name):
    """A value of /proc/PID/status, in octets."""
    with open(f"/proc/{pid}/status") as status:
        [line] = [line for line in status if line.startswith(name + ":")]
    return int(line.split()[1]) * 1024


@pytest.mark.slow
def test_a_gibibyte(server, setup):
    if setup.version.name != "27.0.1" and setup.worker != "asgi":
        # gunicorn 25 and 26 hand out a request once its body is complete.
        size = 8 * MEBIBYTE
    else:
        size = rounds(1024) * MEBIBYTE
    with Client(server) as client:
        client.request(1, "/pid")
        assert client.read(client.ended())
        pid = int(client.body())
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")  # the peak begins anew
        # The application pauses after each part that it reads.
        client.request(3, "/upload?0.0002", "POST", end_stream=False)
        sha = hashlib.sha256()
        for _ in range(0, size, len(PART)):
            sha.update(PART)
            for at in range(0, len(PART), 16384):
                assert client.read(lambda: client.conn.local_flow_control_window(3) >= 16384, wait=60)
                client.data(3, PART[at:at + 16384])
        client.data(3, b"", end_stream=True)
        assert client.read(client.ended(3), wait=60)
        assert client.body(3).decode() == sha.hexdigest()
        assert memory(pid, "VmHWM") < LIMIT
