"""Headless Chromium, and the servers that it visits."""
import base64
import hashlib
import os
import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import sync_playwright

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
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not installed; tools/install_test_packages.sh installs what the tests need")
    key = x509.load_pem_x509_certificate(certificate.cert.read_bytes()).public_key()
    pin = base64.b64encode(hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest())
    # A sanitizer that is loaded into Python is not for it.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, env=environment,
            # Its own sandbox does not start as root, nor in most containers.
            args=["--no-sandbox", f"--ignore-certificate-errors-spki-list={pin.decode()}"])
        yield browser
        browser.close()


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
