"""Servers for this directory's tests: each worker of the newest gunicorn by each way in, and one older gunicorn."""
import contextlib
import os
import tempfile
from pathlib import Path

import pytest

from tests.gunicorn.live import certificate  # noqa: F401 (a fixture)
from tests.support.gunicorn_matrix import INSTALLED, WORKER_CLASSES
from tests.support.gunicorn_versions import NEWEST, VERSIONS

WSGI, ASGI = "tests.load.wsgi:app", "tests.load.asgi:app"

#: The last version that hands out requests when they are complete.
OLDER = VERSIONS[2]

SETUPS = [setup for setup in (*INSTALLED, *WORKER_CLASSES) if setup.version is NEWEST]
OLDER_CLASSES = [setup for setup in WORKER_CLASSES if setup.version is OLDER]

#: Whether the tests that are marked slow run at full length, for every setup.
SLOW = os.environ.get("FASTH2_SLOW") == "1"


def chosen(setups, *names):
    """All setups for a slow run, else those of the newest gunicorn whose worker and way are named."""
    return [setup for setup in setups if SLOW or str(setup).removeprefix(f"{NEWEST}-") in names]


@pytest.fixture(scope="session")
def serve(tmp_path_factory, certificate):  # noqa: F811
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
                running[setup] = stack.enter_context(serve(setup, "--keep-alive", "20"))
            return running[setup]

        yield server
        for each in running.values():
            assert "[ERROR]" not in each.log
            each.terminate()
