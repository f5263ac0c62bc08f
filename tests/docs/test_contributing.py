"""The rules of CONTRIBUTING.md that a text can show to be kept."""
from __future__ import annotations

import ast
import re

from tests.support.gunicorn_server import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
SOURCE = ROOT / "src" / "fasth2"


def python_tests():
    return [path for path in sorted((ROOT / "tests").rglob("*.py")) if ".work" not in path.parts]


def test_every_package_is_in_the_table_of_floors_with_its_floor():
    """The floors of tests/engine/surface/test_layers.py."""
    layers = (ROOT / "tests" / "engine" / "surface" / "test_layers.py").read_text()
    floors = ast.literal_eval(re.search(r"^FLOORS = (\{.*?^\})", layers, re.MULTILINE | re.DOTALL)[1])
    told = {}
    for floor, packages in re.findall(r"^\| (\d) \| ([^|]+) \|", TEXT, re.MULTILINE):
        told |= {name.strip("/"): int(floor) for name in re.findall(r"`([\w/]+)`", packages.partition(";")[0])}
    assert {name: floors[name] for name in told} == told
    assert {path.parent.name for path in SOURCE.glob("*/__init__.py")} <= set(told)


def test_directives_stand_in_setup_py():
    for path in (path for kind in ("*.py", "*.pyx", "*.pxd") for path in SOURCE.rglob(kind)):
        assert not re.search(r"^#\s*cython:|cython\.(?:boundscheck|wraparound|cdivision)", path.read_text(), re.MULTILINE), path


def test_no_test_is_expected_to_fail_or_skips_itself():
    for path in python_tests():
        found = re.findall(r"pytest\.(?:skip|xfail)\(|mark\.xfail", path.read_text())
        assert not found, path


def test_every_skip_has_its_reason():
    for path in python_tests():
        text = path.read_text()
        for start in re.finditer(r"mark\.skip(?:if)?\(", text):
            assert "reason=" in text[start.end():start.end() + 300], path
