"""Servers with fasth2's own worker."""
import tempfile
from pathlib import Path

import pytest

from tests.support.gunicorn_matrix import OWN_WORKER
from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client


@pytest.fixture
def start(tmp_path, certificate):
    """Start servers that end with the test; the application, gunicorn's options, and what `Gunicorn` takes."""
    running = []

    def start(app, *options, tls=True, worker=OWN_WORKER, **kwargs):
        directory = Path(tempfile.mkdtemp(dir=tmp_path))
        server = Gunicorn(directory, app, *worker, *options, certificate=certificate if tls else None, **kwargs)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module", params=["tls", "clear"])
def server(request, tmp_path_factory, certificate):
    """A server for a module's tests: with TLS and four threads, and in the clear with one."""
    tls = request.param == "tls"
    with Gunicorn(tmp_path_factory.mktemp("server"), "tests.gunicorn.native.wsgi_application:app", *OWN_WORKER,
                  "--threads", "4" if tls else "1", certificate=certificate if tls else None) as server:
        yield server
        assert "without being closed" not in server.log, "an iterable was not closed"


@pytest.fixture
def client(server):
    """A connection to it, with h2's client."""
    with Client(server) as client:
        yield client
