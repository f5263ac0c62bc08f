"""Servers of `setups`: gunicorn's workers by each way in, older versions, and fasth2's own worker."""
import contextlib
import os
import tempfile
from pathlib import Path

import pytest

from tests.load.setups import APPLICATION, ASGI, EVERY_WORKER, WSGI

#: Long tests of which ``tests/gunicorn/native/asgi`` has a short one for fasth2's own ASGI worker.
LONG = ("test_reload_and_shutdown.py", "test_stops.py", "test_newcomers.py", "test_urgent_answers.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """The ASGI worker's are in ``make test-ecosystem``."""
    long = [item for item in items if item.path.parent.name == "load" and item.path.name in LONG and "asgi-own" in item.name]
    for item in long:
        item.add_marker(pytest.mark.ecosystem)
    if long and os.environ.get("FASTH2_ECOSYSTEM") != "1":
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.fixture(scope="session")
def serve(tmp_path_factory, certificate):
    """Start a server by a setup; a context manager. Each connection has a thread, whatever the worker."""
    def serve(setup, *options, tls=True, **kwargs):
        options = ("--threads", "16", *options) if setup.worker == "gthread" else options
        return setup.start(Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp())), WSGI, ASGI, *options,
                           certificate=certificate if tls else None, **kwargs)
    return serve


@pytest.fixture(scope="session")
def servers(serve):
    """One server for each setup, started when first asked for."""
    with contextlib.ExitStack() as stack:
        running = {}

        def server(setup):
            if setup not in running:
                running[setup] = stack.enter_context(serve(setup, "--keep-alive", "20", "--access-logfile", "-"))
            return running[setup]

        yield server
        for each in running.values():
            assert "[ERROR]" not in each.log
            each.terminate()


@pytest.fixture(scope="package", params=EVERY_WORKER, ids=str)
def setup(request):
    """Each of `EVERY_WORKER`."""
    return request.param


@pytest.fixture
def start(setup, tmp_path, certificate):
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
def server(setup, tmp_path_factory, certificate):
    """A server of each setup for the tests that do it no harm."""
    with setup.start(tmp_path_factory.mktemp("server"), *APPLICATION, "--threads", "4", "--timeout", "60",
                     certificate=certificate) as server:
        yield server
        assert "HTTP/2 by fasth2" in server.log
        # gevent writes one for the probe that asks whether it accepts, which is no TLS client.
        assert server.log.count("Traceback") == server.log.count(", in do_handshake\n")
