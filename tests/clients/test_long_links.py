"""Real clients that upload over a link of 50 milliseconds: the windows that they are given fill it."""
import hashlib
import random
import types

import pytest

from tests.clients.programs import curl, node
from tests.support import go_client, service
from tests.support.relay import Relay

pytestmark = pytest.mark.ecosystem

SIZE = (50 << 20) if service.ECOSYSTEM else (8 << 20)
CASES = service.chosen(
    tuple((client, face) for client in ("curl", "go", "node") for face in service.CLASSES),
    ("curl", "WSGIWorker"), ("go", "asgi"), ("node", "gthread"))


def by_curl(server):
    body = random.Random(1).randbytes(SIZE)
    answer, told = curl(server, "--header", "Expect:", "--data-binary", "@-", "/digest", data=body)
    assert [line.split()[:2] for line in told] == [["2", "200"]]
    return answer.decode(), hashlib.sha256(body).hexdigest()


def by_go(server):
    [seen] = go_client.run("upload", server.url + "/digest", server.certificate.authority, SIZE)
    assert seen["status"] == 200
    return seen["body"], seen["sent"]


def by_node(server):
    seen = node(server, "long_upload", SIZE, wait=60)
    return seen["answered"], seen["sent"]


@pytest.mark.parametrize(("client", "face"), CASES)
def test_an_upload(faces, client, face):
    server = faces(face)
    with Relay(server.port, 0.025) as relay:
        far = types.SimpleNamespace(url=f"https://127.0.0.1:{relay.port}", certificate=server.certificate)
        answered, sent = {"curl": by_curl, "go": by_go, "node": by_node}[client](far)
    assert answered == sent
    # The base window is 65,535 octets.
    assert relay.peak > 8 * 65535
