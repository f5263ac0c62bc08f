"""The engine rows: every contestant on the same recorded bytes."""
import pytest

from .recorded import CLOCK, run
from .rows import ENGINE_CONTESTANTS, ENGINE_ROWS


@pytest.mark.benchmark(timer=CLOCK)
@pytest.mark.parametrize("contestant", ENGINE_CONTESTANTS)
@pytest.mark.parametrize("row", ENGINE_ROWS)
def test_engine(benchmark, pytestconfig, row, contestant):
    run(benchmark, row, contestant, pytestconfig.getoption("--bench-rounds"))
