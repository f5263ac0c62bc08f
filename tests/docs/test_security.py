"""docs/security.md against the limits, the counters and the tests that it names, and who cites it."""
from __future__ import annotations

import inspect
import re

import pytest

from fasth2._engine import errors as _errors
from fasth2.limits import Limits
from tests.support.attacks import ATTACKS as PLAYED
from tests.support.attacks_on_clients import ATTACKS_ON_CLIENTS
from tests.support.gunicorn_server import ROOT
from tests.support.tables import rows

LIMITS = (ROOT / "docs" / "limits.md").read_text()
TEXT = (ROOT / "docs" / "security.md").read_text()
NUMBERS = rows(TEXT, "number", "limit", "keyword", "counter", "test")
HEADING = ("row", "attack", "the peer sends", "fasth2's answer", "counter", "test")

#: Rows without a test: why.
NOT_BUILT: dict[str, str] = {}


def attacks():
    """The cells of every table of attacks."""
    parts = TEXT.split("| " + " | ".join(HEADING) + " |\n")
    return [row for part in parts[1:] for row in rows("| " + " | ".join(HEADING) + " |\n" + part, *HEADING)]


ATTACKS = attacks()


def sources():
    """Everything that may cite a limit, a row or a document, but what only records measurements."""
    for folder in ("src", "tests", "docs", "tools", "bench", "examples"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".pyx", ".pxd", ".pyi", ".md", ".mk", ".sh") and ".work" not in path.parts:
                yield path, path.read_text()
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "setup.py"):
        yield ROOT / name, (ROOT / name).read_text()


def test_the_numbers_are_in_order():
    assert [row[0] for row in NUMBERS] == [f"L{number}" for number in range(1, len(NUMBERS) + 1)]
    assert [row[0] for row in ATTACKS] == [str(number) for number in range(1, len(ATTACKS) + 1)]


def test_every_limit_and_row_that_is_cited_is_there():
    numbers = {row[0] for row in NUMBERS}
    attacks = {row[0] for row in ATTACKS}
    for path, text in sources():
        assert set(re.findall(r"\bL\d{1,2}\b", text)) <= numbers, path
        for cited in re.findall(r"security\.md, rows? (\d+(?:(?:,| and| to) \d+)*)", text):
            assert set(re.findall(r"\d+", cited)) <= attacks, path


def test_every_test_that_is_named_is_there():
    named = re.findall(r"`((?:\w+/)*test_\w+\.py)`", " ".join(row[-1] for row in NUMBERS + ATTACKS))
    assert len(named) > 80
    for name in named:
        assert (ROOT / "tests" / name).is_file(), name


def test_every_row_names_a_test():
    for row in NUMBERS + ATTACKS:
        assert ("`" in row[-1]) is (row[0] not in NOT_BUILT), row[0]


def test_every_test_of_a_limit_is_named_in_its_row():
    """tests/engine/limits/test_lNN_*.py, where NN is the number."""
    for path in (ROOT / "tests" / "engine" / "limits").glob("test_l*.py"):
        [row] = [row for row in NUMBERS if row[0] == f"L{int(path.name[6:8])}"]
        assert path.relative_to(ROOT / "tests").as_posix() in row[-1], path.name


#: Rows that no fixed octets show: what they need.
NOT_OCTETS = {
    9: "an application", 14: "answers", 23: "answers", 25: "memory over time", 26: "a proxy", 27: "time", 28: "answers",
    29: "answers", 33: "time", 36: "other first octets", 38: "memory over time", 41: "every state", 42: "memory over time",
    43: "HTTP/1.1", 44: "threads", 52: "nothing that is refused", 55: "an application", 56: "an application", 57: "a log",
    58: "a handshake", 59: "resets of the server", 65: "an application", 66: "time", 67: "no connection",
}


@pytest.mark.parametrize("attack", PLAYED + ATTACKS_ON_CLIENTS, ids=str)
def test_the_row_of_an_attack_that_is_played_names_its_counter_and_its_test(attack):
    [row] = [row for row in ATTACKS if row[0] == str(attack.row)]
    assert f"`{attack.counter}`" in row[4]
    assert ("`attacks/test_engine.py`" if attack in PLAYED else "`attacks/test_clients.py`") in row[5]


def test_rows_that_are_not_played_say_why():
    assert {attack.row for attack in PLAYED + ATTACKS_ON_CLIENTS} | set(NOT_OCTETS) == {int(row[0]) for row in ATTACKS}
    assert not {attack.row for attack in PLAYED + ATTACKS_ON_CLIENTS} & set(NOT_OCTETS)


@pytest.mark.parametrize("attack", [attack for attack in PLAYED if attack.limit and attack.times > 1], ids=str)
def test_an_attack_that_is_played_crosses_a_limit_of_the_first_table(attack):
    [row] = [row for row in NUMBERS if f"`{attack.counter}`" in row[3] and row[0] != "L3"]
    [cells] = [cells for cells in rows(LIMITS, "limit", "keyword, default", "crossing it", "counter")
               if f"`{attack.counter}`" in cells[3]]
    assert set(re.findall(r"`(\w+)=", cells[1])) & set(re.findall(r"`(\w+)`", row[2]))


def test_every_weakness_has_one_row():
    """An identifier of the catalogue is in one row, once."""
    found = [name for row in ATTACKS for name in re.findall(r"CVE-\S+|RUSTSEC-\S+", row[1])]
    assert all(re.fullmatch(r"CVE-20\d\d-\d{4,6}|RUSTSEC-20\d\d-\d{4}", name.rstrip(",:")) for name in found), found
    assert len(found) == len({name.rstrip(",:") for name in found}) > 40


def test_every_keyword_of_limits_has_one_row():
    named = re.findall(r"`(\w+)`", " ".join(row[2] for row in NUMBERS))
    assert sorted(named) == sorted(inspect.signature(Limits).parameters)


def test_every_counter_that_is_named_counts_something():
    counted = {fault[0] for fault in _errors.FAULTS.values()}
    for heading in re.findall(r"^\| limit \| .* \| counter \|$", LIMITS, re.MULTILINE):
        for row in rows(LIMITS, *heading.strip("| ").split(" | ")):
            counted |= set(re.findall(r"`(\w+)`", row[3]))
    counted |= set(re.findall(r"counted, .* by `(\w+)`", LIMITS))
    for number, *cells in NUMBERS + ATTACKS:
        assert set(re.findall(r"`(\w+)`", cells[-2])) <= counted, number


def test_documents_that_are_cited_are_there():
    """By name, anywhere; `docs/` may be left out."""
    for path, text in sources():
        assert not re.search("THREA" r"TS|\bHOUSE\b|\bDESIGN, contract", text), path
        for name in re.findall(r"(?<![\w/.*-])((?:[\w-]+/)*[\w-]+\.md)\b", text):
            assert any((folder / name).is_file() for folder in (ROOT, ROOT / "docs", path.parent)), (path, name)


@pytest.mark.parametrize("path", [path for path, _ in sources() if path.suffix == ".md"], ids=lambda path: path.name)
def test_paths_in_documents_are_there(path):
    """Whatever looks like a path of the repository's own, in code style."""
    for name in re.findall(r"`((?:src|tests|docs|bench|tools|examples)/[\w./-]+)`", path.read_text()):
        assert (ROOT / name).exists(), name
