"""Servers for this directory's tests: gunicorn with fasth2's own worker."""
import contextlib
import os
import tempfile
from pathlib import Path

import pytest

from tests.gunicorn.live import certificate  # noqa: F401 (fixture)
from tests.support.gunicorn_server import Gunicorn

APP = "tests.gunicorn.native.faults.application:app"

#: Whether the tests that are marked slow run at full length.
SLOW = os.environ.get("FASTH2_SLOW") == "1"


@pytest.fixture(scope="session")
def run(tmp_path_factory, certificate):  # noqa: F811
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
