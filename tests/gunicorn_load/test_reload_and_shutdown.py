"""HUP, TERM and ``max_requests`` under load: each request up to the GOAWAY's last stream is answered, and none twice."""
import signal

import pytest

from tests.gunicorn_load.conftest import OLDER_CLASSES, SETUPS
from tests.gunicorn_load.crowd import Crowd

everywhere = pytest.mark.parametrize("setup", [*SETUPS, *OLDER_CLASSES], ids=str)

OPTIONS = ("--keep-alive", "20", "--graceful-timeout", "4")


@pytest.fixture
def begun(tmp_path):
    """The file in which the application notes each request that it begins."""
    return tmp_path / "begun"


@everywhere
def test_reload_and_shutdown(setup, serve, begun):
    with serve(setup, *OPTIONS, env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 8)
        try:
            crowd.wait_for_answers(100)
            server.process.send_signal(signal.SIGHUP)
            crowd.wait_for_new_connections()
            crowd.reconnects = False
            server.terminate()
            assert server.process.wait(30) == 0
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
        # The first eight by the reload, the others by the end.
        assert all(connection.goodbyes() for connection in crowd.connections)
    assert "[ERROR]" not in server.log


@everywhere
def test_max_requests(setup, serve, begun):
    with serve(setup, *OPTIONS, "--max-requests", "100", env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4)
        try:
            for _ in range(2):
                crowd.wait_for_new_connections()
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
        assert server.log.count("Autorestarting worker") >= 2
    assert "[ERROR]" not in server.log
