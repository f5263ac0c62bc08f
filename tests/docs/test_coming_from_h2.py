"""docs/coming-from-h2.md: each block and each command is run."""
from __future__ import annotations

import re

import pytest

import fasth2
from tests.docs.readme import blocks
from tests.docs.started_example import started
from tests.support.paths import ROOT
from tests.support.programs_of_python import RUN, python

TEXT = (ROOT / "docs" / "coming-from-h2.md").read_text()
BLOCKS = blocks(TEXT)


def test_each_block_has_a_test():
    assert TEXT.count("\n```") == 2 * len(BLOCKS)
    assert sorted(BLOCKS) == ["httpx", "imports", "took effect"]


def test_imports():
    ours, theirs = {}, {}
    exec(BLOCKS["imports"], ours)
    exec("\n".join(re.findall(r"# (from .*)", BLOCKS["imports"])), theirs)
    assert {name for name in ours if name != "__builtins__"} == {name for name in theirs if name != "__builtins__"}
    for name, value in theirs.items():
        if name != "__builtins__":
            assert ours[name].__module__.startswith("fasth2")
            assert value.__module__.startswith("h2")


def test_the_command_prints_what_stands_below_it():
    command, printed = BLOCKS["took effect"].removeprefix("$ ").split("\n", 1)
    start = "python -m fasth2 run -c "
    assert command.startswith(start)
    ended = python(*RUN, "-c", command.removeprefix(start).strip('"'))
    assert (ended.stdout, ended.stderr) == (printed, "")
    assert fasth2.__version__ in printed


@pytest.mark.parametrize("way", [RUN, []])
def test_httpx(way, tmp_path):
    with started(ROOT / "examples" / "h2_calls.py") as address:
        (tmp_path / "program.py").write_text(BLOCKS["httpx"].replace("http://127.0.0.1:8080/", address))
        ended = python(*way, str(tmp_path / "program.py"), PYTHONPATH=str(ROOT / "src"))
    assert (ended.stdout, ended.stderr) == (f"HTTP/2 200 {bool(way)}\n", "")
    assert f"`{ended.stdout.strip()}`" in TEXT


def test_tests_of_a_program(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import h2.connection\ndef test(): assert h2.connection.__name__ == 'fasth2.connection'\n")
    assert "`python -m fasth2 run -m pytest`" in TEXT
    ended = python(*RUN, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path, PYTHONPATH=str(ROOT / "src"))
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout
    assert python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT))))
def test_links(link):
    name, _, anchor = link.partition("#")
    target = (ROOT / "docs" / name).resolve()
    assert target.is_file()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
