"""Uploads that fasth2's own worker answers without reading them: every client gets the answer."""
import pytest

from tests.clients.test_curl import curl
from tests.clients.test_nghttp import nghttp
from tests.clients.test_node import node
from tests.support.gunicorn_server import Gunicorn

APP = "tests.support.wsgi_app:app"


@pytest.fixture(scope="module")
def own(tmp_path_factory, certificate):
    """fasth2's own worker."""
    with Gunicorn(tmp_path_factory.mktemp("own"), APP, "-k", "fasth2.gunicorn.Worker", "--threads", "4",
                  certificate=certificate) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="module", params=[60_000, 200_000])
def upload(request, tmp_path_factory):
    """A file: within the window, and past it."""
    path = tmp_path_factory.mktemp("upload") / "file"
    path.write_bytes(bytes(request.param))
    return path


def test_curl(own, upload):
    out, told = curl(own, "/refused", "--data-binary", f"@{upload}")
    assert (out, told) == (b"no such path\n", ["2 404 1 0"])


def test_nghttp(own, upload):
    assert nghttp(own, f"--data={upload}", "/refused") == b"no such path\n"


def test_node(own, upload):
    seen = node(own, "unread", upload)
    assert (seen["status"], seen["body"], seen["code"]) == (404, "no such path\n", 0)
