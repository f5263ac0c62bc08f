"""What works without a proxy works behind each of docs/proxies.md, configured as it says there."""
import hashlib
import random
import re

import pytest

from tests.clients.proxies.through_proxy import curl, start_curl
from tests.support import go_client, proxies, service
from tests.support.proxies import HTTP1
from tests.support.service_wsgi import blocks
from tests.support.waiting import wait_until

pytestmark = pytest.mark.ecosystem

#: nginx of Debian sid is fetched for make test-ecosystem only.
NAMES = service.chosen(tuple(proxies.CONFIGURATIONS), *(name for name in proxies.CONFIGURATIONS if name != "nginx"))

TIMES = 20 if service.ECOSYSTEM else 1

SIZE = 5 << 20 if service.ECOSYSTEM else 1 << 20


@pytest.fixture(params=service.chosen(service.CLASSES, "WSGIWorker", "asgi"), scope="module")
def face(request):
    return request.param


@pytest.fixture(params=NAMES, scope="module")
def behind(request, face, proxy):
    """The proxy."""
    return proxy(request.param, face)


@pytest.fixture(scope="module")
def body(tmp_path_factory):
    """A file."""
    path = tmp_path_factory.mktemp("body") / "body"
    path.write_bytes(random.Random(1).randbytes(SIZE))
    return path


def test_the_page_has_each_proxy_in_its_table():
    sections = re.findall(r"^## (\w+)$", proxies.PAGE, re.MULTILINE)
    table = re.findall(r"^\| (?!proxy|---)(\w+)", proxies.PAGE, re.MULTILINE)
    assert list(dict.fromkeys(table)) == sections
    assert {name.split()[0] for name in proxies.CONFIGURATIONS} == {name.lower() for name in sections}
    assert len(table) == len(proxies.CONFIGURATIONS)


def test_the_application_knows_scheme_and_protocol(behind):
    code, status, out = curl(behind, "/scheme")
    assert (code, status) == (0, 200)
    scheme, host, protocol = out.decode().split()
    assert (scheme, protocol) == ("https", "HTTP/1.1" if behind.name == HTTP1 else "HTTP/2.0")
    assert host.startswith("127.0.0.1")


def test_GET(behind):
    assert curl(behind, "/hello") == (0, 200, b"Hello, world!")


def test_HEAD(behind):
    code, status, out = curl(behind, "/hello", "--head")
    assert (code, status) == (0, 200)
    # nginx's module for gRPC knows no HEAD: it says what it has read.
    size = 0 if behind.name == "nginx grpc_pass" else 13
    assert b"content-length: %d\r\n" % size in out.lower()


def test_204_and_304(behind):
    assert curl(behind, "/empty") == (0, 204, b"")
    code, status, out = curl(behind, "/unchanged", "--header", 'If-None-Match: "same"', "--include")
    assert (code, status) == (0, 304)
    assert b'etag: "same"' in out.lower()


def test_POST(behind, body):
    expected = hashlib.sha256(body.read_bytes()).hexdigest().encode()
    assert curl(behind, "/digest", "--data-binary", f"@{body}") == (0, 200, expected)


def test_a_download(behind):
    code, status, out = curl(behind, f"/big?{SIZE}")
    assert (code, status, len(out)) == (0, 200, SIZE)
    assert hashlib.sha256(out).digest() == hashlib.sha256(b"".join(blocks(SIZE))).digest()


@pytest.mark.parametrize("size", [60_000, SIZE])
def test_an_upload_that_is_answered_unread(behind, size):
    """By Go's client: curl 7.88 gives up when a proxy answers and resets the stream, whatever is behind the proxy."""
    for seen in go_client.run("upload", behind.url + "/refused", behind.certificate.authority, size, TIMES, wait=200):
        if behind.name == HTTP1 and seen["status"] == 502:
            # gunicorn's own code for HTTP/1.1 closes a connection with octets unread, which resets it.
            continue
        assert (seen["status"], seen["body"]) == (413, "too large\n")


def test_an_event_stream_is_not_held_back(behind, tmp_path):
    """Each event is made only when the one before it has come."""
    process = start_curl(behind, f"/events?{tmp_path}")
    try:
        for number in range(3):
            (tmp_path / str(number)).touch()
            assert process.stdout.readline() == b"data: %d\n" % number
            assert process.stdout.readline() == b"\n"
        assert process.stdout.read() == b""
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_trailers(behind):
    if behind.name == HTTP1:
        # gunicorn has them for HTTP/2 only.
        return
    code, status, out = curl(behind, "/trailers", "--include", "--header", "TE: trailers")
    assert (code, status) == (0, 200)
    assert out.partition(b"\r\n\r\n")[2] == b"with trailersx-sum: abc\r\n"


def test_a_request_that_the_client_cancels(behind, tmp_path):
    """The application sees it."""
    closed = tmp_path / "closed"
    process = start_curl(behind, f"/endless?{closed}")
    try:
        assert process.stdout.read(4096)
        assert not closed.exists()
    finally:
        process.kill()
        process.communicate()
    wait_until(closed.exists)
    assert curl(behind, "/hello") == (0, 200, b"Hello, world!")
