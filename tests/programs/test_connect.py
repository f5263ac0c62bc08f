"""A service of connectrpc for WSGI on our own worker: unary calls and streams, full duplex, by gRPC's clients."""
import contextlib
import json

import pytest

from tests.programs.grpc_expected import EXPECTED
from tests.support.gunicorn_server import Gunicorn
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "programs"


@contextlib.contextmanager
def served(environment, directory, app, *options, folder=ROOT):
    """Run our worker with a service; it speaks HTTP/2 in the clear."""
    path = f"{environment('grpc').site}:{folder}"
    with Gunicorn(directory, app, "-k", "fasth2.gunicorn.WSGIWorker", "--threads", "16", "--forwarded-allow-ips", "127.0.0.1",
                  *options, env={"PYTHONPATH": path}) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def service(environment, tmp_path_factory):
    """The service with all kinds of calls."""
    with served(environment, tmp_path_factory.mktemp("connect"), "tests.programs.connect_service:app") as server:
        yield server


@pytest.mark.parametrize("client", ["grpclib", "grpcio"])
def test_every_kind_of_call_of_gRPC(environment, service, client):
    out = environment("grpc").run(str(FOLDER / f"{client}_client.py"), str(service.port), fasth2=client == "grpclib")
    results = json.loads(out)
    results.pop("engine", None)
    assert results == EXPECTED


def test_the_example(environment, tmp_path):
    with served(environment, tmp_path, "connect_echo:app", folder=ROOT / "examples") as server:
        out = environment("grpc").run(str(FOLDER / "connect_client.py"), str(server.port), fasth2=False)
    assert json.loads(out) == {"said": ["hello", "5"], "conversation": ["ONE", "TWO", "THREE"]}


@pytest.mark.parametrize("protocol", ["GRPC_WEB", "CONNECT", "GRPC"])
def test_its_own_client(environment, tmp_path, protocol):
    with served(environment, tmp_path, "connect_echo:app", folder=ROOT / "examples") as server:
        out = environment("grpc").run(str(FOLDER / "connect_web_client.py"), str(server.port), protocol, fasth2=False)
    assert json.loads(out) == {"said": "hello", "conversation": ["ONE", "TWO", "THREE"]}
