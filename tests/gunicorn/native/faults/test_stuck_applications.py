"""An application that never returns, and logs that cannot be written."""
import time

import pytest

from tests.gunicorn.native.faults.asking import all_ended, ask
from tests.support.gate import Gate
from tests.support.tls_client import Client
from tests.support.waiting import until


def test_others_are_served_while_a_thread_is_free(run):
    """The worker is not killed for calls that take longer than the time-out, as gthread is not."""
    with run("--threads", "3", "--timeout", "2", "--graceful-timeout", "1", "--keep-alive", "30") as server:
        with Client(server) as stuck, Client(server) as client:
            ask(stuck, "/block", "/block")
            began, stream_id = time.monotonic(), 1
            # Twice the time-out has to pass.
            while time.monotonic() < began + 4:
                ask(client, "/hello", first=stream_id)
                assert client.read(client.ended(stream_id), 5)
                stream_id += 2
                time.sleep(0.1)
        assert len(server.workers) == 1


def test_a_worker_whose_threads_are_all_stuck_is_replaced(run, tmp_path):
    gate = Gate(tmp_path / "gate")
    with run("--threads", "2", "--timeout", "2", "--graceful-timeout", "1") as server:
        with Client(server) as stuck, Client(server) as waiting:
            ask(stuck, *[gate.target] * 2)
            gate.wait_for_calls(2)
            ask(waiting, "/hello")
            assert until(lambda: "WORKER TIMEOUT" in server.log, 15)
            assert until(lambda: len(server.workers) == 2)
        with Client(server) as client:
            ids = ask(client, "/hello", "/hold?0.1")
            assert client.read(all_ended(client, ids))


def test_a_worker_whose_threads_are_all_stuck_lives_while_nobody_waits(run):
    with run("--threads", "2", "--timeout", "2", "--graceful-timeout", "1", "--keep-alive", "30") as server:
        with Client(server) as stuck:
            ask(stuck, "/block", "/block")
            # Twice the time-out has to pass.
            assert not until(lambda: "WORKER TIMEOUT" in server.log, 4)
            stuck.ping()
        assert len(server.workers) == 1


@pytest.mark.parametrize("setting", ["--access-logfile", "--error-logfile"])
def test_the_disk_is_full(run, setting):
    options = ["--access-logfile", "/dev/full"]
    if setting == "--error-logfile":
        options += ["--log-level", "debug"]
    with run(*options, "--keep-alive", "30") as server, Client(server) as client:
        for stream_id in range(1, 41, 2):
            ask(client, "/hold?0.01" if stream_id % 8 == 1 else "/hello", first=stream_id)
        assert client.read(all_ended(client, range(1, 41, 2)))
        assert {client.status(stream_id) for stream_id in range(1, 41, 2)} == {"200"}
        assert len(server.workers) == 1


def test_the_disk_is_full_for_the_error_log(run):
    """Which is where everything else would be said."""
    config = """
def post_fork(server, worker):
    import os
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.dup2(full, 2)
"""
    with run("--access-logfile", "-", "--log-level", "debug", "--keep-alive", "30", config=config) as server:
        with Client(server) as client:
            for stream_id in range(1, 41, 2):
                ask(client, ("/hello", "/hold?0.01", "/fail", "/fail-late")[stream_id // 2 % 4], first=stream_id)
            assert client.read(all_ended(client, range(1, 41, 2)))
            assert [client.status(stream_id) for stream_id in range(1, 7, 2)] == ["200", "200", "500"]
        assert len(server.workers) == 1
