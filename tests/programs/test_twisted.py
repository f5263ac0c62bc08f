"""Twisted's HTTP/2 server on fasth2, and Scrapy's HTTP/2 download handler on fasth2 against our own worker."""
import hashlib
import json

import pytest

from tests.support.curl import curl
from tests.support.h2load import h2load, succeeded
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "programs"


@pytest.fixture(scope="module")
def twisted(environment, tmp_path_factory, certificate):
    """Twisted's server over TLS."""
    program = environment("twisted").start(
        tmp_path_factory.mktemp("twisted"), str(FOLDER / "twisted_server.py"), str(certificate.cert), str(certificate.key))
    with program.serves(r"port (\d+)", certificate) as server:
        yield server
        assert "Traceback" not in server.log


def test_curl(twisted, body, body_file):
    engine = json.loads(curl(twisted, "/engine"))
    assert engine["active"] and engine["class"] == "fasth2", engine
    assert curl(twisted, "/hello", "--write-out", " %{http_version}") == b"Hello, world! 2"
    digest = hashlib.sha256(body).hexdigest().encode()
    assert curl(twisted, "/digest", "--upload-file", str(body_file)) == digest
    assert len(curl(twisted, f"/big?{10 << 20}")) == 10 << 20


def test_h2load(twisted, body_file):
    assert succeeded(h2load(twisted, "/hello", "-n", "1000", "-c", "2", "-m", "100"), 1000)
    assert succeeded(h2load(twisted, "/digest", "-n", "4", "-c", "2", "-m", "2", "-d", str(body_file)), 4)
    assert succeeded(h2load(twisted, "/big?100000", "-n", "100", "-m", "50", "-w", "14", "-W", "16"), 100)


def test_Scrapy(environment, worker):
    told = json.loads(environment("twisted").run(str(FOLDER / "scrapy_client.py"), worker.url).splitlines()[-1])
    engine = told.pop("engine")
    assert engine["active"] and engine["class"] == "fasth2", engine
    assert told == {"hello": 100, "protocols": ["h2"], "big": 10 << 20, "digest": True, "trailers": "with trailers",
                    "refused": 413}


@pytest.mark.ecosystem
def test_loads(twisted):
    assert succeeded(h2load(twisted, "/hello", "-n", "10000", "-c", "8", "-m", "100"), 10000)
    assert succeeded(h2load(twisted, f"/big?{4 << 20}", "-n", "40", "-c", "4", "-m", "10"), 40)
