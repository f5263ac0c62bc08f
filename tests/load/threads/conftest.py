"""Servers for each worker: under the newest gunicorn by both ways, under each with fasth2's worker classes."""
import pytest

from tests.gunicorn.live import certificate  # noqa: F401 (fixture)
from tests.support.gunicorn_matrix import INSTALLED, OWN, WORKER_CLASSES
from tests.support.gunicorn_versions import NEWEST

SETUPS = (*(setup for setup in INSTALLED if setup.version == NEWEST), *WORKER_CLASSES, OWN[0], OWN[-1])
APPLICATION = ("tests.load.threads.application:wsgi", "tests.load.threads.application:asgi")


@pytest.fixture(scope="package", params=SETUPS, ids=str)
def setup(request):
    """Each of them."""
    return request.param


@pytest.fixture
def start(setup, tmp_path, certificate):  # noqa: F811
    """Start a server for one test; options of gunicorn."""
    running = []

    def start(*options):
        server = setup.start(tmp_path, *APPLICATION, "--threads", "4", *options, certificate=certificate)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="package")
def server(setup, tmp_path_factory, certificate):  # noqa: F811
    """A server of each setup for the tests that do it no harm."""
    with setup.start(tmp_path_factory.mktemp("server"), *APPLICATION, "--threads", "4", "--timeout", "60",
                     certificate=certificate) as server:
        yield server
        assert "HTTP/2 by fasth2" in server.log
        # gevent writes one for the probe that asks whether it accepts, which is no TLS client.
        assert server.log.count("Traceback") == server.log.count(", in do_handshake\n")
