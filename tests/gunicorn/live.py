"""Servers for this directory's tests, and curl."""
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.gunicorn_server import Certificate, Gunicorn

APP = "tests.support.wsgi_app:app"
INSTALL = "import fasth2.gunicorn\nfasth2.gunicorn.install()\n"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """One certificate for the session."""
    return Certificate(tmp_path_factory.mktemp("certificate"))


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


def tracebacks(server):
    """How many the log has, but for those of TLS handshakes that their client broke off."""
    log = server.log
    return log.count("Traceback") - log.count("failed with SSLEOFError")


def curl(server, path="/", *options, http="--http2", data=None):
    """Run curl; return its output. The HTTP version is checked with ``%{http_version}`` by whoever asks."""
    command = ["curl", "--silent", "--show-error", "--max-time", "30", http,
               "--cacert", str(server.certificate.authority), *options, server.url + path]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout

@pytest.fixture(params=["gthread", "gevent"])
def blocking_worker(request):
    """The options of the worker classes that are gunicorn's own blocking ones, patched."""
    return ("-k", f"fasth2.gunicorn.{request.param}", "--http-protocols", "h2,h1")


@pytest.fixture(params=["WSGIWorker", "gthread", "gevent"])
def worker(request):
    """The options of a worker class. With FASTH2_DISABLE=1 in the environment it is gunicorn's own."""
    return ("-k", f"fasth2.gunicorn.{request.param}", "--http-protocols", "h2,h1")
