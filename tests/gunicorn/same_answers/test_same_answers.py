"""Several hundred requests have the same answers on h2 and on fasth2, under every version and worker of gunicorn.

What the application sees, the response and the line of the access log are compared field by field. What differs is
in `differences.py` and the modules named after it, and with its reason in docs/differences.md.
"""
import pytest

from tests.gunicorn.same_answers import (  # noqa: F401 (their rules are registered)
    differences_of_the_blocking_workers,
    differences_of_the_own_worker,
)
from tests.gunicorn.same_answers.cases import CASES
from tests.gunicorn.same_answers.differences import RULES, compare
from tests.gunicorn.same_answers.play import answers_of
from tests.support.gunicorn_matrix import INSTALLED, OWN, STOCK, WORKER_CLASSES
from tests.support.paths import ROOT
from tests.support.tables import rows

#: What is compared: fasth2's ways, each with gunicorn's own classes; its own worker with gthread.
PAIRS = [(theirs, setup) for theirs in STOCK for setup in (*INSTALLED, *WORKER_CLASSES, *OWN)
         if (theirs.version, theirs.worker) == (setup.version, setup.worker)]


@pytest.fixture(scope="module")
def stock(tmp_path_factory, certificate):
    """The answers of gunicorn's own classes, asked for once for each setup."""
    found = {}

    def stock(setup):
        if setup not in found:
            found[setup] = answers_of(setup, CASES, tmp_path_factory.mktemp("stock"), certificate)[0]
        return found[setup]

    return stock


@pytest.mark.parametrize("theirs, setup", PAIRS, ids=[str(setup) for _, setup in PAIRS])
def test_answers_are_gunicorns_but_for_documented_differences(stock, theirs, setup, tmp_path, certificate):
    wanted = stock(theirs)
    seen, log = answers_of(setup, CASES, tmp_path, certificate)
    assert "HTTP/2 by fasth2" in log
    unexplained, shown = compare(setup, CASES, wanted, seen)
    assert not unexplained, "\n".join(unexplained)
    expected = {rule.name for rule in RULES if rule.applies(setup) and rule.always}
    assert expected <= shown, f"these do not differ any more: {expected - shown}"


def test_there_are_several_hundred_cases():
    assert len(CASES) > 400


def test_every_difference_is_documented():
    text = (ROOT / "docs" / "differences.md").read_text()
    documented = [row[0].strip("`") for row in rows(text, "id", "gunicorn on h2", "gunicorn on fasth2", "where", "why")]
    assert sorted(documented) == sorted(rule.name for rule in RULES)
