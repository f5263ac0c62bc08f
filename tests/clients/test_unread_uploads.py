"""An upload that is answered with 413, while it arrives and without being read, reaches every client, on every face."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.programs import node
from tests.support import go_client, service
from tests.support.facade_server import FacadeServer
from tests.support.run import run

pytestmark = pytest.mark.ecosystem

FACES = service.chosen((*service.CLASSES, *service.INSTALLED, service.FACADE), *service.CLASSES)

#: More than the windows, more than the client has sent when the answer comes, and within the windows.
SIZES = (20_000_000, 200_000, 60_000) if service.ECOSYSTEM else (200_000, 60_000)

#: The smallest once failed in half of the tries only, the others in all.
TIMES = 40 if service.ECOSYSTEM else 1


@pytest.fixture(params=FACES, scope="module")
def server(request, faces):
    return faces(request.param)


def body(server):
    """The body of the answer; the façade refuses by itself, with none."""
    return "" if isinstance(server, FacadeServer) else "too large\n"


@pytest.fixture(params=SIZES)
def upload(request, tmp_path):
    """A file of a size."""
    path = tmp_path / "body"
    path.write_bytes(b"x" * request.param)
    return path


def by_curl(server, upload):
    for _ in range(TIMES):
        done = run("curl", "--silent", "--no-progress-meter", "--http2", "--max-time", "60",
                   "--cacert", str(server.certificate.authority), "--write-out", "%{http_code}",
                   "--data-binary", f"@{upload}", server.url + "/refused", wait=90)
        yield done.stdout.decode() == body(server) + "413"


def by_nghttp(server, upload):
    """Eight at a time: it waits for the reset."""
    def once(_):
        done = run("nghttp", "--no-verify-peer", "--verbose", "--timeout", "60", f"--data={upload}",
                   server.url + "/refused", wait=90)
        return b") :status: 413" in done.stdout and body(server) in done.stdout.decode()

    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(once, range(TIMES))


def by_node(server, upload):
    for seen in node(server, "unread_uploads", f"{upload.stat().st_size} {TIMES}", wait=250):
        yield (seen["status"], seen["body"], seen["code"]) == (413, body(server), 0)


def by_go(server, upload):
    for seen in go_client.run("upload", server.url + "/refused", server.certificate.authority, upload.stat().st_size,
                              TIMES, wait=250):
        yield (seen["status"], seen.get("body", ""), seen.get("error")) == (413, body(server), None)


@pytest.mark.parametrize("client", [by_curl, by_nghttp, by_node, by_go])
def test_the_answer_arrives(server, upload, client):
    answered = list(client(server, upload))
    assert answered == [True] * TIMES
