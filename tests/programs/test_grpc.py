"""grpclib on fasth2: its server against its client and grpcio's, its client against grpcio's server; all kinds of calls."""
import contextlib
import json

import pytest

from tests.programs.grpc_expected import EXPECTED
from tests.support.paths import ROOT
from tests.support.service import chosen

FOLDER = ROOT / "tests" / "programs"
#: Whether a program runs on fasth2; grpcio is C.
ON_FASTH2 = {"grpclib": True, "grpcio": False}


@pytest.fixture(scope="module")
def servers(environment, tmp_path_factory):
    """A running server of each kind that is asked for."""
    with contextlib.ExitStack() as stack:
        running = {}

        def server(kind):
            if kind not in running:
                program = environment("grpc").start(
                    tmp_path_factory.mktemp(kind), str(FOLDER / f"{kind}_server.py"), fasth2=ON_FASTH2[kind])
                running[kind] = stack.enter_context(program.serves(r"port (\d+)"))
            return running[kind]

        yield server
        for kind, program in running.items():
            # grpclib logs what its handlers raise, so that a service's fault is not missed.
            assert "Traceback" not in program.log.replace("asyncio.exceptions.CancelledError", ""), kind


@pytest.mark.parametrize("server, client", chosen(
    (("grpclib", "grpclib"), ("grpclib", "grpcio"), ("grpcio", "grpclib"), ("grpcio", "grpcio")),
    ("grpclib", "grpclib"), ("grpclib", "grpcio"), ("grpcio", "grpclib")))
def test_every_kind_of_call(environment, servers, server, client):
    program = servers(server)
    out = environment("grpc").run(str(FOLDER / f"{client}_client.py"), str(program.port), fasth2=ON_FASTH2[client])
    results = json.loads(out)
    if ON_FASTH2[client]:
        engine = results.pop("engine")
        assert engine["active"] and engine["class"] == "fasth2", engine
    if (server, client) == ("grpclib", "grpclib"):
        # What grpclib makes of grpclib's answer, which has no gRPC status; so it is on h2.
        assert results.pop("unknown") == "UNKNOWN"
        results["unknown"] = EXPECTED["unknown"]
    assert results == EXPECTED


def test_the_server_runs_on_fasth2(servers):
    engine = json.loads(servers("grpclib").log.partition("engine ")[2].splitlines()[0])
    assert engine["active"] and engine["class"] == "fasth2", engine
