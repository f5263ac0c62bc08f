"""Servers for this directory's tests: gunicorn with fasth2's own worker."""
import contextlib
import tempfile
from pathlib import Path

import pytest

from tests.support.gunicorn_server import Gunicorn

APP = "tests.gunicorn.native.faults.application:app"


@pytest.fixture(scope="session")
def run(tmp_path_factory, certificate):
    """Start a server; a context manager. Options are gunicorn's."""
    def run(*options, tls=True, **kwargs):
        return Gunicorn(Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp())), APP, "-k", "fasth2.gunicorn.WSGIWorker",
                        "--threads", "4", *options, certificate=certificate if tls else None, **kwargs)
    return run


@pytest.fixture(scope="session")
def server(run):
    """A server with four threads for the tests that do it no harm."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(run("--keep-alive", "30"))
        yield server
        assert "[ERROR]" not in server.log
        assert "Traceback" not in server.log
