"""What idle connections and streams of fasth2 take without a socket is below what is asked for."""
import pytest

from .memory import LEAST, MAKERS, alone


@pytest.mark.parametrize("name", [name for name in MAKERS if "fasth2" in name])
def test_it_is_below_what_is_asked_for(name):
    kind, _ = MAKERS[name]
    assert 0 < alone(name, "tracemalloc") < LEAST[kind] * 1024
    assert 0 < alone(name, "malloc") < LEAST[kind] * 1024
