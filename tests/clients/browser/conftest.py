"""Headless Chromium, and the servers that it visits."""
import pytest

from tests.support.browser import headless_chromium
from tests.support.gunicorn_matrix import INSTALLED, WORKER_CLASSES
from tests.support.gunicorn_versions import NEWEST

#: Each worker of the newest gunicorn, by both ways, and one of each other version. With gunicorn's own workers, 25
#: joins a whole response before it sends any of it, and 26.2 goes on with one that the peer has reset: neither would
#: end the endless one.
SETUPS = (*(setup for setup in (*INSTALLED, *WORKER_CLASSES) if setup.version == NEWEST),
          *(setup for setup in (*INSTALLED, *WORKER_CLASSES) if str(setup) in
            {"25.0.3-gthread-class", "25.3.0-asgi-install", "26.2.0-gevent-class"}))


@pytest.fixture(scope="package")
def chromium(certificate):
    """A browser that trusts the tests' certificate, and no other that is not good."""
    with headless_chromium(certificate) as browser:
        yield browser


@pytest.fixture(scope="package", params=SETUPS, ids=str)
def server(request, tmp_path_factory, certificate):
    """Each server, for a package's tests."""
    with request.param.start(tmp_path_factory.mktemp("server"), "tests.clients.browser.pages:wsgi", "tests.clients.browser.pages:asgi",
                             "--threads", "4", certificate=certificate) as server:
        yield server
        assert "HTTP/2 by fasth2" in server.log
        # gevent prints one for each connection that ends before it began; browsers open some in case they need them.
        own = server.log.count(", in do_handshake\n")
        if request.param.version.name == "25.3.0":
            # Its asgi worker answers an upload that was reset half-way, with any engine.
            own += server.log.count("exceptions.StreamClosedError: ")
        assert server.log.count("Traceback") == own


@pytest.fixture
def page(chromium, server):
    """A tab of its own, without anything cached, on the site's first page."""
    context = chromium.new_context()
    page = context.new_page()
    failures = []
    page.on("pageerror", lambda error: failures.append(error))  # it takes functions only
    page.goto(server.url + "/stopped")
    yield page
    context.close()
    assert not failures
