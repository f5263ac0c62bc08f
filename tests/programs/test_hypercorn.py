"""hypercorn on fasth2, over TLS, to curl and h2load; httpx is in `test_httpx`."""
import hashlib
import json

import pytest

from tests.support.curl import curl
from tests.support.h2load import h2load, succeeded
from tests.support.waiting import until


def engine(server):
    return json.loads(curl(server, "/engine"))


def test_its_spawned_worker_runs_on_fasth2(hypercorn):
    told = engine(hypercorn)
    assert told["pid"] != hypercorn.process.pid
    assert told["active"] and told["class"] == "fasth2", told


def test_curl(hypercorn, body, body_file):
    assert curl(hypercorn, "/hello", "--write-out", " %{http_version}") == b"Hello, world! 2"
    digest = hashlib.sha256(body).hexdigest().encode()
    assert curl(hypercorn, "/digest", "--upload-file", str(body_file)) == digest
    assert len(curl(hypercorn, f"/big?{10 << 20}")) == 10 << 20


def test_h2load(hypercorn, body_file):
    assert succeeded(h2load(hypercorn, "/hello", "-n", "1000", "-c", "2", "-m", "100"), 1000)
    assert succeeded(h2load(hypercorn, "/digest", "-n", "4", "-c", "2", "-m", "2", "-d", str(body_file)), 4)
    counts = h2load(hypercorn, "/big?100000", "-n", "100", "-m", "50", "-w", "14", "-W", "16")
    assert succeeded(counts, 100)
    assert counts["octets"] == 100 * 100_000


def test_its_worker_on_trio(start_hypercorn, body_file, body):
    with start_hypercorn("--worker-class", "trio") as server:
        told = engine(server)
        assert told["active"] and told["class"] == "fasth2", told
        assert succeeded(h2load(server, "/hello", "-n", "500", "-c", "2", "-m", "50"), 500)
        assert curl(server, "/digest", "--upload-file", str(body_file)) == hashlib.sha256(body).hexdigest().encode()
    assert "Traceback" not in server.log


@pytest.mark.ecosystem
@pytest.mark.parametrize("options", [("--workers", "0"), ("--workers", "3"), ("--worker-class", "uvloop"),
                                     ("--worker-class", "trio")], ids=" ".join)
def test_each_kind_of_worker(start_hypercorn, options):
    with start_hypercorn(*options) as server:
        found = {}

        def all_seen():
            told = engine(server)
            found[told["pid"]] = told
            return len(found) == (3 if "3" in options else 1)

        assert until(all_seen, 30)
        assert all(told["active"] and told["class"] == "fasth2" for told in found.values())
        assert (server.process.pid in found) == ("0" in options)
        assert succeeded(h2load(server, "/hello", "-n", "2000", "-c", "4", "-m", "100"), 2000)
        assert succeeded(h2load(server, f"/big?{1 << 20}", "-n", "40", "-c", "2", "-m", "20"), 40)
    assert "Traceback" not in server.log


@pytest.mark.ecosystem
@pytest.mark.parametrize("options", [
    ("/hello", "-n", "7200", "-c", "8", "-m", "100"), ("/hello", "-n", "2000", "-c", "50", "-m", "1"),
    (f"/big?{10 << 20}", "-n", "20", "-c", "4", "-m", "5"), ("/big?100000", "-n", "500", "-m", "100", "-w", "10", "-W", "12"),
    ("/empty", "-n", "1000", "-m", "10"),
], ids=lambda options: " ".join(options))
def test_loads(hypercorn, options):
    path, *rest = options
    count = int(rest[rest.index("-n") + 1])
    assert succeeded(h2load(hypercorn, path, *rest), count)
