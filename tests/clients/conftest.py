"""The servers that the clients talk to: gunicorn 27 with gthread on fasth2, over TLS, and every other face."""
import contextlib
import os

import pytest

from tests.support import service
from tests.support.facade_server import FacadeServer
from tests.support.gunicorn_server import Gunicorn
from tests.support.service_wsgi import blocks

APP = "tests.support.wsgi_app:app"
WORKER = ("-k", "fasth2.gunicorn.gthread", "--threads", "8")
NO_H2 = ("h2", "hpack", "hyperframe")
INSTALL = 'import fasth2.gunicorn\nfasth2.gunicorn.install()\nhttp_protocols = "h2,h1"\nworker_class = "gthread"\n'


@pytest.fixture(scope="package")
def server(tmp_path_factory, certificate):
    """Our worker class, in a process that cannot import the h2 package."""
    with Gunicorn(tmp_path_factory.mktemp("server"), APP, *WORKER, certificate=certificate, blocked=NO_H2) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="package")
def installed(tmp_path_factory, certificate):
    """gunicorn's own gthread worker, with ``install()`` in the configuration file."""
    with Gunicorn(tmp_path_factory.mktemp("installed"), APP, "--threads", "8", certificate=certificate,
                  config=INSTALL) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="package")
def impatient(tmp_path_factory, certificate):
    """As ``server``, with 2 seconds for a stream to make progress."""
    with Gunicorn(tmp_path_factory.mktemp("impatient"), APP, *WORKER, "--timeout", "2", certificate=certificate,
                  blocked=NO_H2) as server:
        yield server
        assert "Traceback" not in server.log


def answer(connection, request):
    """The façade's application: the paths of `service` that need no body; larger ones it refuses by itself."""
    body = b"".join(blocks(int(request.query))) if request.path == "/big" else b"Hello, world!"
    connection.send_response(request.stream.stream_id, 200, [("content-length", str(len(body)))], body)


@pytest.fixture(scope="package")
def faces(tmp_path_factory, certificate):
    """A server for each name of a face, with `service`'s application, started when it is asked for."""
    with contextlib.ExitStack() as stack:
        running = {}

        def start(face):
            if face not in running:
                running[face] = stack.enter_context(
                    FacadeServer(certificate, answer, max_body=1000) if face == service.FACADE else
                    service.start(face, tmp_path_factory.mktemp("face"), certificate=certificate))
            return running[face]

        yield start
        for face, server in running.items():
            if face == service.FACADE:
                continue
            # gevent's own server has a traceback for a connection that checks the port.
            assert face == "install-gevent" or "Traceback" not in server.log


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
