"""Connections of the worker classes under the other versions of gunicorn."""
import pytest

from tests.gunicorn.test_every_version import run
from tests.support.gunicorn_versions import NEWEST, VERSIONS

#: Those that hang on what gunicorn's workers call.
CHOSEN = "no_thread or prolong or half_way or behind_a_body or upgrade or hints"


@pytest.mark.parametrize("version", [version for version in VERSIONS if version is not NEWEST], ids=str)
def test_connections(version):
    """The newest version is the environment's, and has all tests without this one."""
    found = run(version, "test_worker_connections.py", "-k", CHOSEN)
    assert set(found) == {"PASSED"}
    assert len(found["PASSED"]) >= 10
