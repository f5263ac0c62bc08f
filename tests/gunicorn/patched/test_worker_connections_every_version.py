"""Connections of the worker classes under the other versions of gunicorn."""
from pathlib import Path

import pytest

from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.other_versions import run

HERE = Path(__file__).parent

#: Those that hang on what gunicorn's workers call.
CHOSEN = "no_thread or prolong or half_way or upgrade or hints"


@pytest.mark.parametrize("version", [version for version in VERSIONS if version is not NEWEST], ids=str)
def test_connections(version):
    """The newest version is the environment's, and has all tests without this one."""
    found = run(version, HERE, "test_worker_connections.py", "-k", CHOSEN)
    assert set(found) == {"PASSED"}
    assert len(found["PASSED"]) >= 10
