"""The PINGs that measure a link meet no limit of nghttpd, grpcio and Envoy, which end a connection with too many."""
import re

import pytest

from tests.programs.downloading import download
from tests.programs.envoy import Envoy
from tests.support.gunicorn_server import Gunicorn
from tests.support.h2load import h2load, succeeded
from tests.support.paths import ROOT
from tests.support.programs import Program, free_port
from tests.support.run import tool
from tests.support.service import ECOSYSTEM

#: Mebibytes.
SIZE = 400 if ECOSYSTEM else 60


def get(path):
    return [(":method", "GET"), (":scheme", "http"), (":authority", "127.0.0.1"), (":path", path)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """nghttpd in the clear, with a file of four mebibytes."""
    directory, port = tmp_path_factory.mktemp("files"), free_port()
    (directory / "file").write_bytes(bytes(4 << 20))
    command = [tool("nghttpd"), "--address=127.0.0.1", "-d", str(directory), "--no-tls", str(port)]
    with Program(directory, command).accepts(port) as server:
        yield server


def assert_undisturbed(seen, ended, octets):
    print(seen)
    assert not seen.faults
    assert (seen.ended, seen.octets) == (ended, octets)
    # There were PINGs, and never more than 50 a second and the first one: a fast machine needs no tenth of a second.
    assert 1 <= seen.pings <= 50 * seen.seconds + 1


def test_a_client_of_nghttpd(files):
    assert_undisturbed(download(files.port, get("/file"), count=SIZE // 4), SIZE // 4, SIZE << 20)


def test_a_client_of_Envoy(files, tmp_path):
    with Envoy(tmp_path, files.port) as envoy:
        assert_undisturbed(download(envoy.port, get("/file"), count=SIZE // 4), SIZE // 4, SIZE << 20)
        assert not unkind(envoy.counters())


def test_a_client_of_grpcio(environment, tmp_path):
    program = environment("grpc").start(tmp_path, str(ROOT / "tests" / "programs" / "grpcio_server.py"), fasth2=False)
    with program.serves(r"port (\d+)") as server:
        asked = b"%d 1000000" % SIZE
        message = b"\n" + bytes([len(asked)]) + asked
        headers = [(":method", "POST"), (":scheme", "http"), (":path", "/fasth2.test.Echo/ServerStream"),
                   (":authority", "127.0.0.1"), ("content-type", "application/grpc"), ("te", "trailers")]
        seen = download(server.port, headers, b"\0" + len(message).to_bytes(4, "big") + message)
    assert not seen.faults
    assert seen.octets > SIZE * 1_000_000
    assert_undisturbed(seen, 1, seen.octets)


def unkind(counters):
    """Return Envoy's counters of what it ends connections for, and of connections that were ended."""
    return {name: count for name, count in counters.items() if re.search(
        r"flood|protocol_error|rx_messaging_error|goaway|cx_destroy_(local|remote)_with_active_rq|rx_reset|tx_reset", name)}


def test_our_worker_behind_Envoy(tmp_path, body_file):
    with Gunicorn(tmp_path, "tests.support.service_wsgi:app", "-k", "fasth2.gunicorn.WSGIWorker", "--threads", "16",
                  "--forwarded-allow-ips", "127.0.0.1") as server, Envoy(tmp_path, server.port) as envoy:
        count = SIZE // 10
        assert succeeded(h2load(envoy, "/digest", "-n", str(count), "-c", "1", "-m", "2", "-d", str(body_file)), count)
        assert succeeded(h2load(envoy, "/hello", "-n", "200", "-m", "20"), 200)
        counters = envoy.counters()
        assert not unkind(counters)
        assert counters["cluster.upstream.upstream_cx_total"] == 1
    assert "Traceback" not in server.log


def test_our_worker_and_grpcios_client(environment, tmp_path):
    with Gunicorn(tmp_path, "tests.programs.connect_service:app", "-k", "fasth2.gunicorn.WSGIWorker", "--threads", "16",
                  "--forwarded-allow-ips", "127.0.0.1", env={"PYTHONPATH": str(environment("grpc").site)}) as server:
        out = environment("grpc").run(
            str(ROOT / "tests" / "programs" / "grpcio_upload.py"), str(server.port), str(SIZE), fasth2=False)
    assert out.split() == ["all", str(SIZE)]
