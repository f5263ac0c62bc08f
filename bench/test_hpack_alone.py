"""The rows of HPACK alone: every package on the same fields."""
import pytest

from . import hpack_alone
from .checking import WrongAnswer
from .recorded import CLOCK, QUICK_SCALE


@pytest.mark.benchmark(timer=CLOCK)
@pytest.mark.parametrize("contestant", hpack_alone.CONTESTANTS)
@pytest.mark.parametrize("row", hpack_alone.ROWS)
def test_hpack(benchmark, pytestconfig, row, contestant):
    if benchmark.disabled:
        assert benchmark.pedantic(hpack_alone.run_once, args=(row, contestant, QUICK_SCALE)) > 0
        return
    benchmark.group = row
    CLOCK.replay(benchmark, hpack_alone.samples(row, pytestconfig.getoption("--bench-rounds"))[contestant])


@pytest.mark.parametrize("row", hpack_alone.ROWS)
def test_a_wrong_answer_is_refused(row):
    answers = hpack_alone.Runner(row, "hpack", 100).answers()
    hpack_alone.check(row, answers)
    with pytest.raises(WrongAnswer):
        hpack_alone.check(row, [answers[0], *answers[:-1]])
