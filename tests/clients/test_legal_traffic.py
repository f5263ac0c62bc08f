"""Real clients with their defaults meet no limit: what each uses of the limits is the table of docs/limits.md.

``make test-ecosystem`` takes 100 MiB and 10,000 requests.
"""
import json
import os
import subprocess

import pytest

from tests.clients.programs import node
from tests.support import go_client, service
from tests.support.paths import ROOT
from tests.support.run import run, tool
from tests.support.uvicorn_server import Uvicorn
from tests.support.waiting import until

pytestmark = pytest.mark.ecosystem

SIZE = 100 << 20 if service.ECOSYSTEM else 4 << 20
NUMBER = 10_000 if service.ECOSYSTEM else 500

CLIENTS = service.chosen(("curl", "go", "java", "node"), "curl", "go", "node")

#: Of each limit, the largest share that a client may use: above it a limit would be near.
MOST = 0.5


@pytest.fixture(scope="module")
def usage(tmp_path_factory):
    """A file with a line for each connection."""
    return tmp_path_factory.mktemp("usage") / "usage.jsonl"


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificate, usage):
    """uvicorn on fasth2, which counts what clients send."""
    directory = tmp_path_factory.mktemp("counting")
    keywords = {"host": "127.0.0.1", "port": 0, "ssl_certfile": str(certificate.cert), "ssl_keyfile": str(certificate.key),
                "access_log": False}
    program = ("-m", "tests.support.run_counting", "tests.support.service_asgi:app", json.dumps(keywords))
    with Uvicorn(directory, certificate=certificate, program=program, env={"FASTH2_TEST_USAGE": str(usage)}) as running:
        yield running


def curl(server, *args):
    return run("curl", "--silent", "--no-progress-meter", "--show-error", "--http2", "--cacert",
               str(server.certificate.authority), *args, wait=600).stdout


def java(server, scenario, path, number=0):
    done = run("java", str(ROOT / "tests" / "clients" / "java" / "Client.java"), scenario, server.url + path,
               str(server.certificate.authority), str(number), wait=600)
    return [int(word) for word in done.stdout.split()]


def download(client, server):
    path = f"/big?{SIZE}"
    if client == "curl":
        return len(curl(server, server.url + path))
    if client == "go":
        return go_client.run("download", server.url + path, server.certificate.authority, wait=600)[0]["length"]
    if client == "java":
        return java(server, "download", path)[1]
    return node(server, "download", SIZE, wait=600)["size"]


def upload(client, server, directory):
    if client == "curl":
        body = directory / "body"
        with body.open("wb") as file:
            file.truncate(SIZE)
        return int(curl(server, "--data-binary", f"@{body}", "--output", os.devnull, "--write-out", "%{http_code}",
                        server.url + "/digest"))
    if client == "go":
        return go_client.run("upload", server.url + "/digest", server.certificate.authority, SIZE, wait=600)[0]["status"]
    if client == "java":
        return java(server, "upload", "/digest", SIZE)[0]
    return node(server, "upload_of", SIZE, wait=600)["status"]


def many(client, server, directory):
    """How many of the requests were answered, or cancelled by the client."""
    if client == "curl":
        # It cancels what is longer than it wants.
        config = directory / "requests"
        lines = (f'url = "{server.url}/{"big?200000" if n % 10 == 9 else "hello"}"\noutput = "{os.devnull}"' for n in range(NUMBER))
        config.write_text("\n".join(lines))
        command = [tool("curl"), "--silent", "--http2", "--cacert", str(server.certificate.authority), "--parallel",
                   "--max-filesize", "1000", "--write-out", "%{exitcode}\\n", "--config", str(config)]
        codes = subprocess.run(command, capture_output=True, timeout=600, check=False).stdout.split()
        return codes.count(b"0") + codes.count(b"63")
    if client == "go":
        [seen] = go_client.run("many", server.url + "/hello", server.certificate.authority, NUMBER, wait=600)
        return seen["good"] + seen["cancelled"]
    if client == "java":
        return sum(java(server, "many", "/hello", NUMBER))
    seen = node(server, "many", NUMBER, wait=600)
    return seen["good"] + seen["cancelled"]


def connections(usage, before):
    """What was written of connections since, once the client has gone."""
    assert until(lambda: usage.exists() and len(usage.read_text().splitlines()) > before, 20)
    return [json.loads(line) for line in usage.read_text().splitlines()[before:]]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("traffic", ["download", "upload", "many"])
def test_no_limit_is_met_nor_near(server, usage, tmp_path, client, traffic):
    before = len(usage.read_text().splitlines()) if usage.exists() else 0
    if traffic == "download":
        assert download(client, server) == SIZE
    elif traffic == "upload":
        assert upload(client, server, tmp_path) == 200
    else:
        assert many(client, server, tmp_path) == NUMBER
    seen = connections(usage, before)
    for one in seen:
        # How far windows grow is the server's own affair.
        assert [token for token in one["counters"] if not token.endswith("_window_growth")] == []
        assert max(one["shares"].values()) < MOST, one
    most = {name: max(one["shares"][name] for one in seen) for name in seen[0]["shares"]}
    print(f"\nused by {client}, {traffic}:", {name: f"{share:.1%}" for name, share in most.items() if share},
          {name: sum(one["frames"].get(name, 0) for one in seen) for name in ("WINDOW_UPDATE", "RST_STREAM", "PING")},
          f"connections: {len(seen)}")
