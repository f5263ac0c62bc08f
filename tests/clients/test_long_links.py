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

#: Octets a second, of a link whose round trip carries 500,000 of them, and octets that are sent over it.
RATE = 10_000_000
LIMITED = 50_000_000 if service.ECOSYSTEM else 3_000_000

#: Octets of the base window.
BASE = 65535


def by_curl(server, size, version):
    body = random.Random(1).randbytes(size)
    answer, [told] = curl(server, "--header", "Expect:", f"--http{version}",
                          "--write-out", "%{stderr}%{http_version} %{http_code} %{time_total}\\n",
                          "--data-binary", "@-", "/digest", data=body)
    spoken, status, seconds = told.split()
    assert (spoken, status) == (version, "200")
    return answer.decode(), hashlib.sha256(body).hexdigest(), float(seconds)


def by_go(server, size, version):
    scenario = "upload" if version == "2" else "upload-by-http1"
    [seen] = go_client.run(scenario, server.url + "/digest", server.certificate.authority, size)
    assert (seen["status"], seen["proto"][:len("HTTP/") + 1]) == (200, f"HTTP/{version[0]}")
    return seen["body"], seen["sent"], seen["seconds"]


def by_node(server, size, version):
    seen = node(server, "long_upload" if version == "2" else "long_upload_by_http1", size, wait=60)
    return seen["answered"], seen["sent"], seen["seconds"]


def upload(server, client, size, rate=None, version="2"):
    """Send a body through a relay; return the seconds until the answer, and the most octets that were on their way."""
    with Relay(server.port, 0.025, rate) as relay:
        far = types.SimpleNamespace(url=f"https://127.0.0.1:{relay.port}", certificate=server.certificate)
        answered, sent, seconds = {"curl": by_curl, "go": by_go, "node": by_node}[client](far, size, version)
    assert answered == sent
    return seconds, relay.peak


@pytest.mark.parametrize(("client", "face"), CASES)
def test_an_upload(faces, client, face):
    _, peak = upload(faces(face), client, SIZE)
    assert peak > 8 * BASE


@pytest.mark.parametrize(("client", "face"), CASES)
def test_an_upload_over_a_link_of_ten_megabytes_a_second(faces, client, face):
    """As fast as over HTTP/1.1, in the long run; how fast is measured by bench.long_links too."""
    server = faces(face)
    ratios = []
    # What else the machine does slows down one pair or another.
    while not ratios or (max(ratios) < 0.8 and len(ratios) < 3):
        seconds, peak = upload(server, client, LIMITED, RATE)
        assert peak > 2 * BASE
        if not service.ECOSYSTEM:
            return
        before, _ = upload(server, client, LIMITED, RATE, "1.1")
        ratios.append(before / seconds)
    assert max(ratios) >= 0.8, ratios
