"""aiosonic, and aioapns, a client of Apple's push service, on fasth2."""
import json

import pytest

from tests.support.paths import ROOT
from tests.support.service import chosen

FOLDER = ROOT / "tests" / "programs"


@pytest.mark.parametrize("server", chosen(("worker", "hypercorn"), "worker"))
def test_aiosonic(request, environment, server):
    url = request.getfixturevalue(server).url
    told = json.loads(environment("hypercorn").run(str(FOLDER / "aiosonic_client.py"), url))
    engine = told.pop("engine")
    assert engine["active"] and engine["class"] == "fasth2", engine
    assert told == {"sequential": 20, "together": 100, "big": 10 << 20, "taken": True}


def test_aioapns(environment, worker, certificate):
    out = environment("hypercorn").run(str(FOLDER / "aioapns_client.py"), str(certificate.authority), str(worker.port))
    told = json.loads(out)
    engine = told.pop("engine")
    assert engine["active"] and engine["class"] == "fasth2", engine
    assert told == {"200 None": 180, "400 BadDeviceToken": 20}
