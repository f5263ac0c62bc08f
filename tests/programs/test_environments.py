"""The programs run in environments where nobody can import h2, and their h2 is fasth2."""
import json
import subprocess

import pytest

from tests.support.programs import ABSENT

#: A module of each program that imports h2, by the environment that the program is in.
PROGRAMS = {
    "hypercorn": ["hypercorn.protocol.h2", "httpcore._sync.http2", "httpcore2._async.http2", "aiosonic.http2",
                  "aioapns.connection"],
    "grpc": ["grpclib.protocol"],
    "mitmproxy": ["mitmproxy.proxy.layers.http._http2"],
    "twisted": ["twisted.web._http2", "scrapy.core._http2.protocol"],
}


@pytest.mark.parametrize("name", [*PROGRAMS, "envoy"])
def test_h2_is_not_there(environment, name):
    for package in ABSENT:
        done = subprocess.run([environment(name).python, "-c", f"import {package}"], capture_output=True, text=True)
        assert f"No module named '{package}'" in done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_programs_h2_is_fasth2(environment, tmp_path, name):
    script = tmp_path / "script.py"
    script.write_text(
        "import importlib, json, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "from tests.programs.asgi_app import engine\n"
        "print(json.dumps(engine()))\n")
    told = json.loads(environment(name).run(str(script), *PROGRAMS[name]).splitlines()[-1])
    assert told["active"], told
    assert told["class"] == "fasth2"
