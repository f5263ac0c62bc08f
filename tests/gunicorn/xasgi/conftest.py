"""Servers for this directory's tests: each version by each way in, and uvloop."""
import pytest

from tests.gunicorn.xasgi.setups import CONCURRENT, SETUPS, serve


@pytest.fixture(scope="session")
def servers(tmp_path_factory, certificate):
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
