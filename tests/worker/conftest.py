"""Servers with fasth2's own worker."""
import tempfile
from pathlib import Path

import pytest

from tests.gunicorn.live import certificate  # noqa: F401 (fixture)
from tests.support.gunicorn_server import Gunicorn

WORKER = ("-k", "fasth2.gunicorn.Worker")


@pytest.fixture
def start(tmp_path, certificate):  # noqa: F811
    """Start servers that end with the test; the application, gunicorn's options, and what `Gunicorn` takes."""
    running = []

    def start(app, *options, tls=True, worker=WORKER, **kwargs):
        directory = Path(tempfile.mkdtemp(dir=tmp_path))
        server = Gunicorn(directory, app, *worker, *options, certificate=certificate if tls else None, **kwargs)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()
