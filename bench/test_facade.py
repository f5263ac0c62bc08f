"""The façade rows: fasth2's connection class beside gunicorn's own on h2."""
import pytest

from .recorded import CLOCK, run
from .rows import FACADE_CONTESTANTS, FACADE_ROWS


@pytest.mark.benchmark(timer=CLOCK)
@pytest.mark.parametrize("contestant", FACADE_CONTESTANTS)
@pytest.mark.parametrize("row", FACADE_ROWS)
def test_facade(benchmark, pytestconfig, row, contestant):
    run(benchmark, row, contestant, pytestconfig.getoption("--bench-rounds"))
