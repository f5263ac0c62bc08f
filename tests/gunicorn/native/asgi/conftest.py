"""Servers with fasth2's own ASGI worker: gunicorn's oldest version on asyncio, the newest on uvloop."""
import tempfile
from pathlib import Path

import pytest

from tests.support.gunicorn_matrix import OWN_ASGI

APP = "tests.support.uvicorn_app:app"

PLACES = [(setup, "uvloop" if setup is OWN_ASGI[-1] else "asyncio") for setup in OWN_ASGI]


def launch(place, directory, *options, app=APP, **keywords):
    setup, loop = place
    return setup.start(directory, "", app, "--asgi-loop", loop, *options, **keywords)


@pytest.fixture(scope="package", params=PLACES, ids=lambda place: "-".join(map(str, place)))
def place(request):
    """A version and a loop."""
    return request.param


@pytest.fixture(scope="package")
def server(place, tmp_path_factory, certificate):
    """A server over TLS that many tests share."""
    with launch(place, tmp_path_factory.mktemp("server"), certificate=certificate) as running:
        yield running


def starter(place, tmp_path, certificate):
    running = []

    def start(*options, tls=True, **keywords):
        directory = Path(tempfile.mkdtemp(dir=tmp_path))
        running.append(launch(place, directory, *options, certificate=certificate if tls else None, **keywords))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def serve(place, tmp_path, certificate):
    """Start servers of each version that end with the test."""
    yield from starter(place, tmp_path, certificate)


@pytest.fixture
def start(tmp_path, certificate):
    """Start servers of the newest version that end with the test."""
    yield from starter(PLACES[-1], tmp_path, certificate)
