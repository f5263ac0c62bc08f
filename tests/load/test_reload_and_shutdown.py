"""HUP, TERM and ``max_requests`` under load: each request up to the GOAWAY's last stream is answered, and none twice."""
import signal
import socket
import ssl
import time

import h2.connection
import h2.events
import pytest

from tests.load.conftest import OLDER_CLASSES, SETUPS, chosen
from tests.load.crowd import Crowd

CLASSES = ("gthread-class", "gevent-class", "asgi-class")

#: Where gunicorn's own worker drops connections whose TLS handshake is under way when it stops: gevent's server closes
#: them, and asgi's ends its loop without knowing of them (tests/gunicorn/patched/asgi/test_stop.py plays that step by step).
DROPS = [setup for setup in SETUPS if setup.worker in ("gevent", "asgi") and setup.way == "install"]

def options(setup):
    """Little time for the end; gunicorn's workers but gthread look once a second whether it has come."""
    return "--keep-alive", "20", "--graceful-timeout", "3" if setup.worker == "gthread" else "5"


@pytest.fixture
def begun(tmp_path):
    """The file in which the application notes each request that it begins."""
    return tmp_path / "begun"


@pytest.mark.slow
@pytest.mark.parametrize("setup", chosen([*SETUPS, *OLDER_CLASSES], *CLASSES, "gthread-install", "asgi-install"), ids=str)
def test_reload_and_shutdown(setup, serve, begun):
    with serve(setup, *options(setup), env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
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
        assert all(connection.goodbyes() for connection in crowd.connections if connection.client.events)
    assert "[ERROR]" not in server.log


def test_a_handshake_under_way_is_finished_and_said_goodbye_to(serve):
    """gevent's own server drops the connection."""
    [setup] = [setup for setup in SETUPS if (setup.worker, setup.way) == ("gevent", "class")]
    with serve(setup, *options(setup)) as server:
        # The master listens before there is a worker that takes connections.
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as first:
            context = ssl.create_default_context(cafile=str(server.certificate.authority))
            context.set_alpn_protocols(["h2"])
            context.wrap_socket(first, server_hostname="127.0.0.1").close()
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain:
            time.sleep(0.3)
            server.terminate()
            time.sleep(1.5)  # the worker looks each second
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                conn = h2.connection.H2Connection()
                conn.initiate_connection()
                sock.sendall(conn.data_to_send())
                events = []
                while data := sock.recv(65536):
                    events += conn.receive_data(data)
                [goodbye] = [event for event in events if isinstance(event, h2.events.ConnectionTerminated)]
                assert (int(goodbye.error_code), goodbye.last_stream_id) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("setup", chosen([*SETUPS, *OLDER_CLASSES], *CLASSES), ids=str)
def test_max_requests(setup, serve, begun):
    with serve(setup, *options(setup), "--max-requests", "100", env={"FASTH2_TEST_BEGUN": str(begun)}) as server:
        crowd = Crowd(server, begun, 4, drops=setup in DROPS)
        try:
            while server.log.count("Booting worker") < 2:
                crowd.wait_for_answers(20)
            crowd.wait_for_answers(50)
        finally:
            crowd.stopped = True
            faults = crowd.end()
        assert not faults
    assert "[ERROR]" not in server.log
