"""Several hundred requests have the same answers on h2 and on fasth2, under every version and worker of gunicorn.

What the application sees, the response and the line of the access log are compared field by field. What differs is
in `differences.py`, and with its reason in docs/differences.md.
"""
import pytest

from tests.examples.test_docs import rows
from tests.same_answers.cases import CASES
from tests.same_answers.differences import RULES, compare
from tests.same_answers.play import answers_of
from tests.support.gunicorn_matrix import INSTALLED, STOCK, WORKER_CLASSES
from tests.support.gunicorn_server import ROOT


@pytest.fixture(scope="module", params=STOCK, ids=lambda setup: f"{setup.version}-{setup.worker}")
def stock(request, tmp_path_factory, certificate):
    """gunicorn's own classes: the setup and its answers."""
    return request.param, answers_of(request.param, CASES, tmp_path_factory.mktemp("stock"), certificate)[0]


@pytest.mark.parametrize("way", ["install", "class"])
def test_they_are_the_same(stock, way, tmp_path, certificate):
    theirs, wanted = stock
    [setup] = [each for each in (*INSTALLED, *WORKER_CLASSES)
               if (each.version, each.worker, each.way) == (theirs.version, theirs.worker, way)]
    seen, log = answers_of(setup, CASES, tmp_path, certificate)
    assert "HTTP/2 by fasth2" in log
    unexplained, shown = compare(setup, CASES, wanted, seen)
    assert not unexplained, "\n".join(unexplained)
    expected = {rule.name for rule in RULES if rule.applies(setup) and rule.always}
    assert expected <= shown, f"these do not differ any more: {expected - shown}"


def test_there_are_several_hundred():
    assert len(CASES) > 400


def test_every_difference_is_documented():
    text = (ROOT / "docs" / "differences.md").read_text()
    documented = [row[0].strip("`") for row in rows(text, "id", "gunicorn on h2", "gunicorn on fasth2", "where", "why")]
    assert sorted(documented) == sorted(rule.name for rule in RULES)
