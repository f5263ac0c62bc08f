"""The environments, and servers: hypercorn on fasth2, nghttpd, and our own worker."""
import os
from pathlib import Path

import pytest

from tests.support.gunicorn_server import Gunicorn
from tests.support.programs import ABSENT, Environment, Program, free_port
from tests.support.run import tool
from tests.support.service import ECOSYSTEM


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """``make test-ecosystem`` runs every test of this folder; those that are marked themselves are for it alone."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    alone = [item for item in here if item.get_closest_marker("ecosystem")]
    for item in here:
        item.add_marker(pytest.mark.ecosystem)
    if alone and not ECOSYSTEM:
        items[:] = [item for item in items if item not in alone]
        config.hook.pytest_deselected(items=alone)


@pytest.fixture(scope="session")
def environment():
    """Find the environment of a name."""
    return Environment


@pytest.fixture(scope="package")
def start_hypercorn(tmp_path_factory, certificate):
    """Start hypercorn over TLS with `asgi_app`."""
    def start(*options):
        environment = Environment("hypercorn")
        program = environment.start(
            tmp_path_factory.mktemp("hypercorn"), "-m", "hypercorn", "--bind", "127.0.0.1:0", "--certfile",
            str(certificate.cert), "--keyfile", str(certificate.key), *options, "tests.programs.asgi_app:app")
        return program.serves(r"Running on https://127\.0\.0\.1:(\d+)", certificate)

    return start


@pytest.fixture(scope="package")
def hypercorn(start_hypercorn):
    """hypercorn with its default worker, which is a spawned process."""
    with start_hypercorn() as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="package")
def nghttpd(tmp_path_factory, certificate):
    """nghttpd over TLS, which answers an upload with the same octets."""
    directory, port = tmp_path_factory.mktemp("nghttpd"), free_port()
    for name, octets in (("hello", b"Hello, world!"), ("big", bytes(10 << 20)), ("digest", b"")):
        (directory / name).write_bytes(octets)
    command = [tool("nghttpd"), "--address=127.0.0.1", "-d", str(directory), "--echo-upload", str(port),
               str(certificate.key), str(certificate.cert)]
    with Program(directory, command).accepts(port, certificate) as server:
        yield server


@pytest.fixture(scope="package")
def worker(tmp_path_factory, certificate):
    """Our own worker over TLS."""
    with Gunicorn(tmp_path_factory.mktemp("worker"), "tests.programs.wsgi_app:app", "-k", "fasth2.gunicorn.WSGIWorker",
                  "--threads", "16", certificate=certificate, blocked=ABSENT) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="session")
def body():
    """Ten mebibytes."""
    return os.urandom(10 << 20)


@pytest.fixture(scope="session")
def body_file(tmp_path_factory, body):
    """A file of ten mebibytes."""
    path = tmp_path_factory.mktemp("body") / "body"
    path.write_bytes(body)
    return path
