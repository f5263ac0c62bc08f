"""httpx and httpx2 on fasth2, with httpcore and httpcore2, against hypercorn on fasth2, nghttpd and our own worker."""
import json

import pytest

from tests.programs.faulty_server import FaultyServer
from tests.support.paths import ROOT
from tests.support.service import chosen

SCRIPT = str(ROOT / "tests" / "programs" / "httpx_client.py")

EXPECTED = {
    "sequential": 50, "concurrent_tasks": 100, "upload": True, "upload_in_parts": True,
    "download": 10 << 20, "transfers_at_once": [True, True, 10 << 20, 10 << 20],
    "core_only": [200, "HTTP/2", "Hello, world!"],
}

#: What each fault does to its request, and the connection of the next one: as on h2.
FAULTS = {
    "/reset-before": ["RemoteProtocolError", "same"], "/reset-amid": ["RemoteProtocolError", "same"],
    "/refused": ["RemoteProtocolError", "same"], "/goaway-behind": ["answered", "new"],
    "/goaway-unseen": ["answered", "new"], "/close-before": ["RemoteProtocolError", "new"],
    "/close-amid": ["RemoteProtocolError", "new"], "/close-behind": ["answered", "RemoteProtocolError"],
}

#: httpcore 1.0.9 takes a window below nothing for an open one: it fails on h2, too.
SHRINKS = {"httpx": ["taken", "LocalProtocolError"], "httpx2": ["taken", "taken"]}


def client(environment, certificate, url, module, *scenarios):
    out = environment("hypercorn").run(SCRIPT, module, str(certificate.authority), url, *scenarios)
    results = {}
    for line in out.splitlines():
        results |= json.loads(line)
    engine = results.pop("engine")
    assert engine["active"] and engine["class"] == "fasth2", engine
    return results


@pytest.mark.parametrize("module, server", chosen(
    tuple((module, server) for module in ("httpx", "httpx2") for server in ("hypercorn", "nghttpd", "worker")),
    ("httpx", "hypercorn"), ("httpx2", "nghttpd"), ("httpx", "worker")))
def test_requests(request, environment, certificate, module, server):
    server = request.getfixturevalue(server)
    assert client(environment, certificate, server.url, module, *EXPECTED) == EXPECTED


@pytest.mark.parametrize("module", ["httpx", "httpx2"])
def test_a_server_that_resets_sends_GOAWAY_closes_and_shrinks_its_window(environment, certificate, module):
    with FaultyServer(certificate) as server:
        results = client(environment, certificate, server.url, module, "faults", "shrinks")
    assert not server.errors
    assert results == {"faults": FAULTS, "shrinks": SHRINKS[module]}
