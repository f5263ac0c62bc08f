"""HUP, TERM and ``max_requests`` under load: each request up to the GOAWAY's last stream is answered, and none twice."""
import signal

import pytest

from tests.gunicorn_load.conftest import OLDER_CLASSES, SETUPS, chosen
from tests.gunicorn_load.crowd import Crowd

CLASSES = ("gthread-class", "gevent-class", "asgi-class")

#: Where gevent drops connections whose TLS handshake is under way when the worker stops.
DROPS = [setup for setup in SETUPS if setup.worker == "gevent" and setup.way == "install"]

OPTIONS = ("--keep-alive", "20", "--graceful-timeout", "3")


@pytest.fixture
def begun(tmp_path):
    """The file in which the application notes each request that it begins."""
    return tmp_path / "begun"


@pytest.mark.slow
@pytest.mark.parametrize("setup", chosen([*SETUPS, *OLDER_CLASSES], *CLASSES, "gthread-install", "asgi-install"), ids=str)
def test_reload_and_shutdown(setup, serve, begun):
    with serve(setup, *OPTIONS, env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 8, drops=setup in DROPS)
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


@pytest.mark.slow
@pytest.mark.parametrize("setup", chosen([*SETUPS, *OLDER_CLASSES], *CLASSES), ids=str)
def test_max_requests(setup, serve, begun):
    with serve(setup, *OPTIONS, "--max-requests", "100", env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4, drops=setup in DROPS)
        try:
            while server.log.count("Booting worker") < 3:
                crowd.wait_for_answers(20)
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
    assert "[ERROR]" not in server.log
