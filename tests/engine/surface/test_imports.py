"""Each module alone, first, in a fresh interpreter, with warnings as errors.

What the dependency rule says a module may not know must stay unloaded.
"""
from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.modules import COMPILED, MODULES, within

IMPORT = """
import json, sys
for name in {absent!r}:
    sys.modules[name] = None
before = set(sys.modules)
import {module}
new = [
    (name, getattr(sys.modules[name], "__file__", None) or "")
    for name in sorted(set(sys.modules) - before)
    if sys.modules[name] is not None
]
print(json.dumps(new))
"""

REFERENCES = ["h2", "hpack", "hyperframe"]
INPUT_OUTPUT = {"socket", "_socket", "ssl", "_ssl", "asyncio", "selectors", "select", "threading"}


def loaded_by(module: str, absent: list[str]) -> dict[str, str]:
    """Import the module in an interpreter of its own; return what that loaded, name to file."""
    code = IMPORT.format(module=module, absent=absent)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def roots(loaded: dict[str, str]) -> set[str]:
    return {name.partition(".")[0] for name in loaded}


def third_party(loaded: dict[str, str]) -> set[str]:
    return {
        name.partition(".")[0]
        for name, file in loaded.items()
        if "site-packages" in file or "dist-packages" in file
    } - {"fasth2"}


#: Packages of hosts.
HOSTS = ("fasth2.gunicorn", "fasth2.uvicorn")


def is_host(module: str) -> bool:
    return any(within(module, host) for host in HOSTS)


@pytest.mark.parametrize("module", [name for name in MODULES if not is_host(name)])
def test_module_loads_no_package_but_its_own(module):
    loaded = loaded_by(module, [])
    assert third_party(loaded) == set()
    assert roots(loaded).isdisjoint({*REFERENCES, "gunicorn", "uvicorn"})


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in MODULES
        if not any(within(name, face) for face in (
            *HOSTS, "fasth2.server", "fasth2.wsgi", "fasth2.asgi", "fasth2.cli", "fasth2.__main__",
            "fasth2._alias_metadata"))
    ],
)
def test_engine_module_knows_no_input_output(module):
    assert INPUT_OUTPUT.isdisjoint(loaded_by(module, []))


@pytest.mark.parametrize("module", [name for name in MODULES if is_host(name)])
def test_host_module_needs_neither_h2_nor_its_parts(module):
    assert module in loaded_by(module, REFERENCES)


@pytest.mark.parametrize("module", [name for name in MODULES if within(name, "fasth2.uvicorn")])
def test_uvicorn_module_needs_no_gunicorn(module):
    assert "gunicorn" not in roots(loaded_by(module, REFERENCES))


def test_without_uvicorn_the_error_says_which_version_is_needed():
    code = "import sys; sys.modules['uvicorn'] = None; import fasth2.uvicorn"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert run.stderr.endswith("ImportError: fasth2.uvicorn needs uvicorn 0.23 or later: pip install 'uvicorn>=0.23'\n")


def test_importing_the_package_loads_no_compiled_module():
    assert set(COMPILED).isdisjoint(loaded_by("fasth2", []))
