"""mitmproxy on fasth2, as a reverse proxy over HTTP/2 between curl and hypercorn, which is on fasth2 too."""
import hashlib
import json

import pytest

from tests.support.curl import curl
from tests.support.h2load import h2load, succeeded
from tests.support.paths import ROOT

ADDON = str(ROOT / "tests" / "programs" / "mitmproxy_addon.py")


@pytest.fixture(scope="module")
def start(environment, tmp_path_factory, certificate, hypercorn):
    """Start mitmproxy in front of hypercorn."""
    directory = tmp_path_factory.mktemp("mitmproxy")
    both = directory / "both.pem"
    both.write_text(certificate.key.read_text() + certificate.cert.read_text())

    def start(*options):
        settings = {
            "confdir": str(directory), "listen_host": "127.0.0.1", "listen_port": "0", "flow_detail": "0",
            "ssl_verify_upstream_trusted_ca": str(certificate.authority),
        }
        program = environment("mitmproxy")
        arguments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        running = program.start(directory, program.script("mitmdump"), "--mode", f"reverse:{hypercorn.url}", "--certs",
                                f"*={both}", "--scripts", ADDON, *arguments, *options)
        return running.serves(r"(?s)listening at 127\.0\.0\.1:(\d+).*engine {.*}\n", certificate)

    return start


@pytest.fixture(scope="module")
def proxy(start):
    """mitmproxy as it comes: it passes on whole bodies."""
    with start() as proxy:
        yield proxy
        assert "Traceback" not in proxy.log


def test_it_runs_on_fasth2(proxy):
    engine = json.loads(proxy.log.partition("engine ")[2].splitlines()[0])
    assert engine["active"] and engine["class"] == "fasth2", engine


def test_a_flow_that_it_changes(proxy):
    head, _, body = curl(proxy, "/hello", "--include").decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/2 200")
    assert "x-versions: HTTP/2.0 HTTP/2.0" in head.splitlines()
    assert body == "Hello, proxy!"


def both_ways(proxy, body, body_file):
    digest = hashlib.sha256(body).hexdigest().encode()
    assert curl(proxy, "/digest", "--upload-file", str(body_file)) == digest
    assert hashlib.sha256(curl(proxy, f"/big?{10 << 20}")).digest() == hashlib.sha256(bytes(range(256)) * 40960).digest()


def test_ten_mebibytes_both_ways(proxy, body, body_file):
    both_ways(proxy, body, body_file)


def test_many_streams(proxy):
    assert succeeded(h2load(proxy, "/hello", "-n", "200", "-c", "2", "-m", "50"), 200)


@pytest.mark.ecosystem
def test_bodies_that_it_streams(start, body, body_file):
    with start("--set", "stream_large_bodies=1m") as proxy:
        both_ways(proxy, body, body_file)
        assert succeeded(h2load(proxy, f"/big?{4 << 20}", "-n", "40", "-c", "2", "-m", "10"), 40)
        assert succeeded(h2load(proxy, "/digest", "-n", "10", "-c", "2", "-m", "5", "-d", str(body_file)), 10)
        assert "Traceback" not in proxy.log


@pytest.mark.ecosystem
def test_loads(proxy):
    assert succeeded(h2load(proxy, "/hello", "-n", "3000", "-c", "8", "-m", "100"), 3000)
    assert curl(proxy, "/trailers") == b"with trailers"
