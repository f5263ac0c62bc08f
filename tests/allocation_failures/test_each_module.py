"""Each allocation that a module's work needs fails: no crash, no leak, and what it left can be closed."""
import os

import pytest

from tests.support.heap import alone
from tests.support.long_runs import SLOW
from tests.support.modules import COMPILED

from .scenarios import SCENARIOS

#: Every allocation under FASTH2_SLOW=1 and in the builds that look closely, else one in three.
STEP = 1 if SLOW or os.environ.get("FASTH2_SANITIZE") else 3


def test_every_compiled_module_has_a_scenario():
    """Those of the package, and no others."""
    assert {name.split(" ")[0] for name in SCENARIOS} == {name.removeprefix("fasth2.") for name in COMPILED}


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_failure_crashes_or_leaks(name):
    """In an interpreter of its own."""
    from .failing import fail_each

    found = alone(fail_each, name, STEP)
    assert found["failures"] > 0
    assert found["swallowed"] == []
    assert found["leaked"] < 32, found
