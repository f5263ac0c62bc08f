"""Uploads that are answered without being read: every client gets the answer, from each face with threads."""
import pytest

from tests.clients.programs import curl, nghttp, node
from tests.support.facade_server import FacadeServer
from tests.support.gunicorn_server import Gunicorn

APP = "tests.support.wsgi_app:app"


@pytest.fixture(scope="module")
def gevent(tmp_path_factory, certificate):
    """Our worker class with greenlets."""
    with Gunicorn(tmp_path_factory.mktemp("gevent"), APP, "-k", "fasth2.gunicorn.gevent",
                  certificate=certificate) as server:
        yield server


@pytest.fixture(scope="module")
def facade(certificate):
    """The façade, with a bound for bodies that every upload here crosses."""
    with FacadeServer(certificate, lambda connection, request: None, max_body=1000) as server:
        yield server
        assert server.faults == []


@pytest.fixture(params=["server", "installed", "gevent", "facade"])
def face(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module", params=[60_000, 200_000])
def upload(request, tmp_path_factory):
    """A file: within the window, and past it."""
    path = tmp_path_factory.mktemp("upload") / "file"
    path.write_bytes(bytes(request.param))
    return path


def answer(face):
    """The body that an upload gets back."""
    return b"" if isinstance(face, FacadeServer) else b"too large"


def test_curl(face, upload):
    assert curl(face, "/too-large", "--data-binary", f"@{upload}") == (answer(face), ["2 413 1 0"])


def test_nghttp(face, upload):
    assert nghttp(face, f"--data={upload}", "/too-large") == answer(face)


def test_node(face, upload):
    assert node(face, "unread_upload", upload) == {"status": 413, "body": answer(face).decode(), "code": 0}
