"""Go's net/http, as everybody has it, against every worker and the README's loop; what it does is in go/main.go."""
import hashlib

import pytest

from tests.support import go_client, service
from tests.support.service_wsgi import blocks

pytestmark = pytest.mark.ecosystem

FACES = service.chosen((*service.CLASSES, *service.INSTALLED), *service.CLASSES)

#: What it takes to see a client cut off that returns credit after each 4 KiB; whole for make test-ecosystem.
SIZE = 100 << 20 if service.ECOSYSTEM else 8 << 20


def is_whole(seen, size):
    sha = hashlib.sha256()
    for block in blocks(size):
        sha.update(block)
    return seen == {"status": 200, "proto": "HTTP/2.0", "length": size, "sum": sha.hexdigest(),
                    "zipped": seen["zipped"]}


@pytest.mark.parametrize("path", ["/big", "/big-slowly", "/zipped"])
@pytest.mark.parametrize("face", FACES)
def test_a_download(faces, face, path):
    """gzip's reader and many applications read 4 KiB at a time, and for each of them Go returns credit."""
    server = faces(face)
    [seen] = go_client.run("download", f"{server.url}{path}?{SIZE}", server.certificate.authority, wait=280)
    assert is_whole(seen, SIZE)
    assert seen["zipped"] == (path == "/zipped")


@pytest.mark.parametrize("face", FACES)
def test_an_upload(faces, face):
    server = faces(face)
    [seen] = go_client.run("upload", server.url + "/digest", server.certificate.authority, SIZE, wait=280)
    assert (seen["status"], seen["body"]) == (200, seen["sent"])


def test_the_loop_of_the_README():
    """It echoes."""
    with service.example("h2_calls") as url:
        [seen] = go_client.run("upload-in-parts", url + "/", size=SIZE, wait=280)
        assert (seen["status"], seen["length"], seen["sum"]) == (200, SIZE, seen["sent"])
