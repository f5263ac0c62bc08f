"""The rows of whole exchanges and of the client's side: every package with the same requests."""
import pytest

from . import exchanges
from .checking import WrongAnswer
from .recorded import CLOCK, QUICK_SCALE


@pytest.mark.benchmark(timer=CLOCK)
@pytest.mark.parametrize("contestant", exchanges.CONTESTANTS)
@pytest.mark.parametrize("row", exchanges.ROWS)
def test_exchange(benchmark, pytestconfig, row, contestant):
    if benchmark.disabled:
        assert benchmark.pedantic(exchanges.run_once, args=(row, contestant, QUICK_SCALE)) > 0
        return
    benchmark.group = row
    CLOCK.replay(benchmark, exchanges.samples(row, pytestconfig.getoption("--bench-rounds"))[contestant])


@pytest.mark.parametrize("row", exchanges.ROWS)
def test_a_wrong_answer_is_refused(row):
    here = exchanges.Runner(row, "h2", 100)
    answers = here.answers()
    exchanges.check(here, answers)
    with pytest.raises(WrongAnswer):
        exchanges.check(here, [*answers[:-1], answers[-1][:-2] + b"?'"])
