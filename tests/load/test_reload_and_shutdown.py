"""HUP, TERM and ``max_requests`` under load: each request up to the GOAWAY's last stream is answered, and none twice."""
import pytest

from tests.load.clients import Clients
from tests.load.setups import EVERY_WORKER, OLDER_CLASSES, SETUPS, chosen
from tests.support.crowd import Crowd
from tests.support.gunicorn_matrix import OWN, OWN_ASGI
from tests.support.waiting import wait_until

#: Where gunicorn's own worker drops connections whose TLS handshake is under way when it stops: gevent's server closes
#: them, and asgi's ends its loop without knowing of them (test_handshakes_at_stop.py plays that step by step).
DROPS = [setup for setup in SETUPS if setup.worker in ("gevent", "asgi") and setup.way == "install"]

#: All but gunicorn's own gevent worker, which closes connections without GOAWAY; a connection class cannot keep it from
#: that. Of the older versions a worker each.
STOPPED = [setup for setup in EVERY_WORKER if str(setup) in {
    "27.0.1-gthread-install", "27.0.1-gthread-class", "27.0.1-gevent-class", "27.0.1-asgi-install", "27.0.1-asgi-class",
    "26.2.0-gevent-class", "25.3.0-asgi-class", "25.0.3-gthread-class"}]

#: For a slow run every other setup of this folder, too.
RELOADED = [*STOPPED, OWN[-1], OWN_ASGI[-1], *(setup for setup in chosen([*SETUPS, *OLDER_CLASSES]) if setup not in STOPPED)]


def options(setup):
    """Little time for the end; gunicorn's workers but gthread look once a second whether it has come.

    Clients hear of it after half of that time, and requests are cut off after three quarters.
    """
    if setup in (*OWN, *OWN_ASGI):
        return "--keep-alive", "20", "--graceful-timeout", "8", "--threads", "4", "--workers", "2"
    return "--keep-alive", "20", "--graceful-timeout", "4" if setup.worker == "gthread" else "8"


@pytest.fixture
def begun(tmp_path):
    """The file in which the application notes each request that it begins."""
    return tmp_path / "begun"


@pytest.mark.slow
@pytest.mark.parametrize("setup", RELOADED, ids=str)
def test_reload_and_shutdown(setup, serve, begun):
    with serve(setup, *options(setup), env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4, drops=setup in DROPS)
        try:
            crowd.wait_for_answers(100)
            server.reload()
            crowd.wait_for_new_connections()
            crowd.reconnects = False
            server.terminate()
            assert server.process.wait(30) == 0
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
        # The first four by the reload, the others by the end.
        assert all(connection.goodbyes() for connection in crowd.connections if connection.client.events)
    assert "[ERROR]" not in server.log


@pytest.mark.slow
@pytest.mark.parametrize("setup", RELOADED, ids=str)
def test_max_requests(setup, serve, begun):
    jitter = ("--max-requests-jitter", "20") if setup in (*OWN, *OWN_ASGI) else ()
    with serve(setup, *options(setup), "--max-requests", "100", *jitter, env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        first = len(server.workers)
        crowd = Crowd(server, begun, 4, drops=setup in DROPS)
        try:
            while len(server.workers) < (4 if setup in (*OWN, *OWN_ASGI) else first + 1):
                crowd.wait_for_answers(20)
            crowd.wait_for_answers(50)
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
    assert "[ERROR]" not in server.log


# CPython does not close a socket that is reset just before it is wrapped for TLS.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("setup", STOPPED, ids=str, indirect=True)
def test_TERM_while_clients_connect(start):
    server = start("--graceful-timeout", "10")
    with Clients(server, "/slow?0.02", b"slow", expects_refusals=True) as clients:
        wait_until(lambda: clients.answered > 20)
        server.terminate()
        server.process.wait(20)
        clients.stop()
    assert not clients.lost
    assert server.process.returncode == 0
