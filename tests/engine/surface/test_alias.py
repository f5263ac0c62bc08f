"""`alias_h2`: fasth2's modules under h2's and hpack's names, in one process."""
from __future__ import annotations

import pkgutil

import h2
import hpack
import pytest

import fasth2
from fasth2.alias import _HPACK_VERSION, _MODULES
from tests.support.programs_of_python import python

#: Modules of h2 that its documentation does not name: nothing outside h2 needs them.
INTERNAL = {"_typing", "windows"}


def run(code: str, **environment: str) -> list[str]:
    """Run code in a fresh interpreter; return the lines that it printed on both streams."""
    ended = python("-W", "error", "-c", code, **environment)
    assert ended.returncode == 0, ended.stderr
    return (ended.stdout + ended.stderr).splitlines()


def test_every_module_has_its_place():
    assert set(_MODULES["h2"]) == {module.name for module in pkgutil.iter_modules(h2.__path__)} - INTERNAL
    assert set(_MODULES["hpack"]) == {module.name for module in pkgutil.iter_modules(hpack.__path__)}


def test_hpack_version_is_the_one_compared_with():
    assert _HPACK_VERSION == hpack.__version__ == fasth2.hpack.__version__


ALIASED = f"""
import importlib, importlib.util, sys
import fasth2
assert fasth2.alias_h2() is True
assert fasth2.alias_h2() is True
assert not [name for name in sys.modules if name.startswith(("h2", "hpack", "fasth2._engine"))], "loaded before it is used"
assert len([finder for finder in sys.meta_path if type(finder).__module__ == "fasth2.alias"]) == 1
import h2, hpack
assert h2.__version__ == fasth2.H2_VERSION == "{h2.__version__}"
assert hpack.__version__ == "{hpack.__version__}"
for package, names in {_MODULES!r}.items():
    ours = "fasth2" if package == "h2" else "fasth2.hpack"
    for name in names:
        module = importlib.import_module(package + "." + name)
        assert sys.modules[package + "." + name] is sys.modules[ours + "." + name] is module, name
        assert getattr(sys.modules[package], name) is module, name
        assert module.__name__ == module.__spec__.name == ours + "." + name
    assert importlib.util.find_spec(package) is not None
    assert importlib.util.find_spec(package + ".exceptions") is not None
    assert importlib.util.find_spec(package + ".no_such_module") is None
    assert set(names) <= set(dir(sys.modules[package]))
for name in ("h2.no_such_module", "h2._engine", "hpack.fields", "hpack.decoder"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name == name
    else:
        raise AssertionError(name)
try:
    h2.nothing
except AttributeError as error:
    assert str(error) == "module 'h2' has no attribute 'nothing'"
assert "hyperframe" not in sys.modules
status = fasth2.alias_status()
assert status and status.active and str(status) == status.reason
print(status)
"""


def test_every_module_is_fasth2s():
    assert run(ALIASED) == [f"h2 and hpack are fasth2 {fasth2.__version__}"]


WAYS_TO_IMPORT = [
    "import h2.connection; h2.connection.H2Connection",
    "import h2; h2.connection.H2Connection",
    "from h2 import connection; connection.H2Connection",
    "from h2.connection import H2Connection",
    "import hpack; hpack.Encoder().encode([]); hpack.hpack.Encoder",
    "from hpack import *; Encoder; Decoder; HeaderTuple",
    "from hpack.struct import HeaderTuple",
    "import hpack.hpack as inner; inner.Encoder",
    "import pickle, h2.events; pickle.loads(pickle.dumps(h2.events.DataReceived)) is h2.events.DataReceived or 1 / 0",
    "import importlib, h2.errors; importlib.reload(h2.errors); h2.errors.ErrorCodes",
]


@pytest.mark.parametrize("code", WAYS_TO_IMPORT)
def test_ways_to_import(code):
    assert run(f"import fasth2; fasth2.alias_h2()\n{code}\nassert fasth2.alias_status()") == []


def test_the_packages_have_the_names_of_the_originals():
    code = """
import fasth2
fasth2.alias_h2()
import h2, hpack
print(sorted(name for module in (h2, hpack) for name in vars(module) if not name.startswith("_")))
"""
    expected = {name for name in (*vars(h2), *vars(hpack)) if not name.startswith("_")}
    [printed] = run(code)
    names = eval(printed)
    assert {name for name in vars(hpack) if not name.startswith("_")} - {"annotations"} <= set(names) <= expected


@pytest.mark.parametrize("module", ["h2", "h2.events", "hpack", "hpack.struct"])
def test_refuses_when_the_original_is_imported(module):
    code = f"""
import {module}, fasth2
try:
    fasth2.alias_h2()
except RuntimeError as error:
    print(error)
print(fasth2.alias_status())
assert not fasth2.alias_status()
assert {module}.__file__.endswith(".py")
"""
    package = module.partition(".")[0]
    error, status = run(code)
    # h2.events imports hpack.
    name = next(name for name in ("h2", "hpack") if error.startswith(f"{name} "))
    assert name == package
    assert error.startswith(f"{name} is already imported from /")
    assert error.endswith(f"call fasth2.alias_h2() before anything imports {name}")
    assert status.startswith(f"{name} is imported from /")


def test_an_original_that_comes_in_later_is_seen():
    code = """
import sys, fasth2
fasth2.alias_h2()
sys.meta_path.append(sys.meta_path.pop(0))
import h2
print(fasth2.alias_status())
"""
    [line] = run(code)
    assert line.startswith("h2 is imported from /")


def test_before_it_is_called():
    assert run("import fasth2; print(fasth2.alias_status())") == [
        "h2 and hpack are not replaced: fasth2.alias_h2() was not called"]


def test_stands_aside_when_disabled():
    code = """
import logging, sys
logging.basicConfig(format="%(name)s: %(message)s")
import fasth2
assert fasth2.alias_h2() is False
assert "h2" not in sys.modules
assert not fasth2.alias_status()
import h2.connection
assert h2.connection.__name__ == "h2.connection"
print(fasth2.alias_status().reason.partition(" from ")[0])
"""
    assert run(code, FASTH2_DISABLE="1") == ["h2 is imported", "fasth2: FASTH2_DISABLE=1: alias_h2() leaves h2 as it is"]
    assert run("import fasth2; print(fasth2.alias_status())", FASTH2_DISABLE="1") == [
        "h2 and hpack are not replaced: FASTH2_DISABLE=1"]


def test_metadata_of_installed_packages_is_untouched():
    code = """
from importlib import metadata
import fasth2
def view():
    names = [found.metadata["Name"] for found in metadata.distributions()]
    return metadata.version("h2"), metadata.version("hpack"), metadata.files("h2"), names
before = view()
fasth2.alias_h2()
assert view() == before
"""
    assert run(code) == []
