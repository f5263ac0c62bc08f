"""Servers that end with their test, and peers of gunicorn's connection class."""
import tempfile
from pathlib import Path

import pytest
from gunicorn.config import Config

from fasth2.gunicorn import settings
from tests.gunicorn.connection_class import CLASS
from tests.support.facade_peer import Peer, SocketPair
from tests.support.gunicorn_server import Gunicorn

APP = "tests.support.wsgi_app:app"


@pytest.fixture
def start(tmp_path, certificate):
    """Start servers that end with the test; arguments as for ``Gunicorn``."""
    running = []

    def start(*options, app=APP, tls=True, **kwargs):
        directory = tempfile.mkdtemp(dir=tmp_path)
        server = Gunicorn(Path(directory), app, *options, certificate=certificate if tls else None, **kwargs)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module", params=["WSGIWorker", "gthread"])
def server(request, tmp_path_factory, certificate):
    """One server of each of our worker classes with threads, for a module's tests."""
    with Gunicorn(tmp_path_factory.mktemp("server"), APP, "-k", f"fasth2.gunicorn.{request.param}", "--threads", "4",
                  "--keep-alive", "5", certificate=certificate, blocked=("h2", "hpack", "hyperframe")) as server:
        yield server
        assert server.log.count("Traceback") == server.log.count("ValueError: on purpose")


@pytest.fixture(params=["gthread", "gevent"])
def blocking_worker(request):
    """The options of the worker classes that are gunicorn's own blocking ones, patched."""
    return ("-k", f"fasth2.gunicorn.{request.param}", "--http-protocols", "h2,h1")


@pytest.fixture(params=["WSGIWorker", "gthread", "gevent"])
def worker(request):
    """The options of a worker class. With FASTH2_DISABLE=1 in the environment it is gunicorn's own."""
    return ("-k", f"fasth2.gunicorn.{request.param}", "--http-protocols", "h2,h1")


@pytest.fixture(autouse=True)
def environment():
    """What a test sets in the environment is gone after it."""
    yield
    settings.forget()


@pytest.fixture
def connect():
    """Make a peer of a new connection; settings of gunicorn as keywords."""
    def make(sock=None, settings=None, greeted=True, **values):
        cfg = Config()
        for name, value in values.items():
            cfg.set(name, value)
        return Peer(CLASS, cfg, sock, settings, greeted)
    return make


@pytest.fixture
def peer(connect):
    """A peer whose prefaces have been exchanged."""
    return connect()


@pytest.fixture
def pair():
    """Two connected sockets."""
    sockets = SocketPair()
    yield sockets
    sockets.close()
