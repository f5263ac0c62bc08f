"""Servers for this directory's tests: each version by each way in, and uvloop."""
import json

import pytest

from tests.gunicorn.live import certificate, start  # noqa: F401 (fixtures)
from tests.support.gunicorn_matrix import Setup
from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.tls_client import Client

APP = "tests.gunicorn.patched.asgi.app:app"
SETUPS = [Setup(version, "asgi", way) for version in VERSIONS for way in ("install", "class")]

#: Where requests are served as they arrive, each by a task of its own.
CONCURRENT = [setup for setup in SETUPS if setup.way == "class" or setup.version == NEWEST]


def serve(setup, directory, certificate, *options, **kwargs):  # noqa: F811
    """Start a server by one of the ways."""
    return setup.start(directory, "", APP, *options, certificate=certificate, **kwargs)


@pytest.fixture(scope="session")
def servers(tmp_path_factory, certificate):  # noqa: F811
    """Servers by setup and loop, started when first asked for."""
    running = {}

    def server(setup, loop="asyncio"):
        if (setup, loop) not in running:
            directory = tmp_path_factory.mktemp("server")
            options = ("--asgi-loop", loop, "--keep-alive", "5", "--timeout", "20", "--graceful-timeout", "2")
            running[setup, loop] = serve(setup, directory, certificate, *options)
        return running[setup, loop]

    yield server
    for each in running.values():
        each.terminate()
    for each in running.values():
        each.stop()


@pytest.fixture(params=SETUPS, ids=str)
def server(request, servers):
    """A server of each version and way."""
    return servers(request.param)


@pytest.fixture(params=CONCURRENT, ids=str)
def concurrent(request, servers):
    """A server of each version and way that serves the requests of a connection at the same time."""
    return servers(request.param)


def ask(client, stream_id, path, **kwargs):
    """Send a request without a body, wait for its answer and return what is in it as JSON."""
    client.request(stream_id, path, **kwargs)
    assert client.read(client.ended(stream_id))
    return json.loads(client.body(stream_id))


def seen(server):
    """What the application has seen so far."""
    with Client(server) as client:
        return ask(client, 1, "/seen")
