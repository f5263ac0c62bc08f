"""The tables of docs/ against what they describe."""
from __future__ import annotations

import ast
import inspect
import re

import pytest

from fasth2._engine import errors as _errors
from fasth2.config import H2Configuration
from fasth2.exceptions import DenialOfServiceError
from fasth2.limits import Limits
from fasth2.server import HTTP2ServerConnection
from tests.support.paths import ROOT
from tests.support.tables import rows

LIMITS = (ROOT / "docs" / "limits.md").read_text()
GUNICORN = (ROOT / "docs" / "gunicorn.md").read_text()
DESIGN = (ROOT / "docs" / "design.md").read_text()

#: Tokens that no fault on the wire counts.
OTHERS = {"unsent_body", "unreleased_requests", "promised_streams"}


def limit_rows():
    return rows(LIMITS, "limit", "keyword, default", "crossing it", "counter")


def test_every_limit_is_documented_with_its_default():
    documented = re.findall(r"`(\w+)=(\w+)`", " ".join(row[1] for row in limit_rows()))
    signature = inspect.signature(Limits).parameters.values()
    assert sorted(documented) == sorted((p.name, str(p.default)) for p in signature)


def test_every_counter_of_a_limit_is_documented():
    tokens = {token for row in limit_rows() for token in re.findall(r"`(\w+)`", row[3])}
    calm = {token for token, _, _, kind, _ in _errors.FAULTS.values() if issubclass(kind, DenialOfServiceError)}
    assert tokens == calm | OTHERS | {"streams_refused", "continuation_frames", "string_size"}
    assert tokens - OTHERS <= {fault[0] for fault in _errors.FAULTS.values()}


@pytest.mark.parametrize("token", sorted({fault[0] for fault in _errors.FAULTS.values()}))
def test_a_connection_error_that_the_table_gives_a_code_has_it(token):
    """ENHANCE_YOUR_CALM where it names none."""
    for row in limit_rows():
        if row[3] == f"`{token}`":
            named = re.search(r"connection error ([A-Z_]+)", row[2])
            expected = named[1] if named else "ENHANCE_YOUR_CALM"
            assert {fault[2].name for fault in _errors.FAULTS.values() if fault[0] == token} == {expected}


def test_the_example_of_limits():
    made = {}
    exec(re.search(r"```python\n(.*?)```", LIMITS, re.DOTALL)[1], made)
    assert isinstance(made["config"], H2Configuration)
    assert made["config"].limits == Limits(reset_burst=200, reset_rate=20)


def test_limits_as_settings(monkeypatch):
    """The configuration file's and the environment's say the same, and so does the table for operators."""
    from fasth2.gunicorn import settings

    written = re.search(r"install\(limits=(\{.*?\})\)", LIMITS)[1]
    settings.set_from_configuration(ast.literal_eval(written), None)
    from_file = settings.current()
    settings.set_from_configuration(None, None)
    monkeypatch.setenv("FASTH2_LIMITS", re.search(r'FASTH2_LIMITS="(.*?)"', LIMITS)[1])
    settings.forget()
    assert settings.current() == from_file
    for argument, variable, _ in rows(GUNICORN, "`install()`", "environment", "effect"):
        name, _, value = argument.strip("`").partition("=")
        settings.set_from_configuration(**{"limits": None, "connection_window": None, name: ast.literal_eval(value)})
        monkeypatch.delenv("FASTH2_LIMITS", raising=False)
        settings.forget()
        from_file = settings.current()
        settings.set_from_configuration(None, None)
        name, _, value = variable.strip("`").partition("=")
        monkeypatch.setenv(name, value.strip('"'))
        settings.forget()
        assert settings.current() == from_file
        assert from_file != settings.Settings()


def test_the_rate_of_slow_readers():
    assert f"`MIN_SEND_RATE = {HTTP2ServerConnection.MIN_SEND_RATE}`" in LIMITS
    assert f"less than {HTTP2ServerConnection.MIN_SEND_RATE} octets a" in GUNICORN


def test_gunicorns_own_limits():
    from fasth2.gunicorn.dropin.contract import installed

    contract = installed()
    text = " ".join(LIMITS.split())
    assert f"{contract.reset_limit} resets in {contract.reset_seconds:g} seconds" in text
    assert f"{contract.control_limit} frames without work in {contract.control_seconds:g} seconds" in text


def test_gunicorns_settings_are_gunicorns():
    from gunicorn.config import Config

    known = Config().settings
    for row in rows(GUNICORN, "setting", "effect on HTTP/2"):
        for name in re.findall(r"`(\w+)`", row[0]):
            assert name in known


def test_the_map_names_every_file_and_no_other():
    package = ROOT / "src" / "fasth2"
    there = {path.stem for kind in ("*.py", "*.pyx", "*.pxd") for path in package.rglob(kind)}
    there -= {"__init__", "_lazy"}
    named = set(re.findall(r"\b[a-z_][a-z0-9_]*\b", DESIGN))
    assert there <= named
    files = re.findall(r"`((?:\w+/)*\w+\.(?:pyx|pxd|py|h))`", DESIGN)
    found = {path.relative_to(package).as_posix() for path in package.rglob("*")}
    tools = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tools").glob("*.py")}
    others = {"setup.py", "differences.py"} | tools
    for name in files:
        if name.startswith("tests/"):
            assert (ROOT / name).is_file(), name
            continue
        assert name in found | others or f"server/{name}" in found, name


def test_the_map_names_every_folder_of_tests():
    tests = ROOT / "tests"
    folders = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")} | {"support"}
    table = " ".join(row[0] for row in rows(DESIGN, "folder in `tests/`", "what"))
    assert set(re.findall(r"`([\w/]+)`", table)) == folders


def test_the_map_is_keyed_by_nouns():
    for behaviour, _, _ in rows(DESIGN, "behaviour", "file", "RFC"):
        assert not re.search(r"\b(?:what|which|who|how|whether|whom)\b", behaviour, re.IGNORECASE), behaviour


def defined(file, name):
    """Whether a file below src/fasth2 defines a name, given with or without its class."""
    source = (ROOT / "src" / "fasth2" / file).read_text()
    return all(re.search(rf"\b(?:cdef|cpdef|def|class)\b[^\n]*\b{part}", source) for part in name.split("."))


def test_functions_on_the_map_are_in_their_files():
    """A name in brackets behind a file, or a file in brackets behind a name."""
    text = " ".join(DESIGN.split())
    for file, brackets in re.findall(r"`((?:\w+/)*\w+\.p(?:y|yx|xd))` \(([^)]*`[^)]*)\)", text):
        for name in re.findall(r"`(\w+?)(?:\*|\.\.\.)?`", brackets):
            assert defined(file, name), (file, name)
    for name, file in re.findall(r"`([\w.]+)(?:\(\))?` \(`((?:\w+/)*\w+\.p(?:y|yx|xd))`\)", text):
        assert defined(file, name), (file, name)
