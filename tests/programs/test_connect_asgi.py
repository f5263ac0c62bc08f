"""A service of connectrpc for ASGI: unary calls and streams, full duplex, by gRPC's clients."""
import json

import pytest

from tests.programs.grpc_expected import EXPECTED
from tests.support.gunicorn_server import Gunicorn
from tests.support.paths import ROOT
from tests.support.uvicorn_server import Uvicorn
from tests.support.uvicorn_versions import NEWEST

FOLDER = ROOT / "tests" / "programs"
SERVICE = "tests.programs.connect_asgi_service:app"


@pytest.fixture(scope="module", params=[
    "uvicorn", pytest.param("gunicorn", marks=pytest.mark.ecosystem)])
def service(request, environment, tmp_path_factory):
    """The service, with HTTP/2 in the clear."""
    directory, site = tmp_path_factory.mktemp(request.param), str(environment("grpc").site)
    if request.param == "uvicorn":
        server = Uvicorn(directory, SERVICE, version=NEWEST, loop="uvloop", paths=(site,))
    else:
        server = Gunicorn(directory, SERVICE, "-k", "fasth2.gunicorn.asgi", "--forwarded-allow-ips", "127.0.0.1",
                          "--http2-cleartext", "prior-knowledge", env={"PYTHONPATH": site})
    with server:
        yield server
        assert "Traceback" not in server.log


@pytest.mark.parametrize("client", ["grpclib", "grpcio"])
def test_every_kind_of_call_of_gRPC(environment, service, client):
    out = environment("grpc").run(str(FOLDER / f"{client}_client.py"), str(service.port), fasth2=client == "grpclib")
    results = json.loads(out)
    results.pop("engine", None)
    assert results == EXPECTED
