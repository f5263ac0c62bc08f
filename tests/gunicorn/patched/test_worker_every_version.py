"""The worker classes under the other versions of gunicorn."""
from pathlib import Path

import pytest

from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.other_versions import run

HERE = Path(__file__).parent

#: Files, and which of their tests: those that hang on what gunicorn's workers call.
CHOSEN = (
    (("test_remembered_requests.py", "test_remembered_responses.py"), "", 4),
    (("test_worker_overrides.py", "test_worker_writes.py"), "fit or mismatch or one_write or trailers or yields", 13),
)


@pytest.mark.parametrize("version", [version for version in VERSIONS if version is not NEWEST], ids=str)
def test_the_worker_classes(version):
    """The newest version is the environment's, and has all tests without this one."""
    for files, chosen, least in CHOSEN:
        found = run(version, HERE, *files, "-k", chosen)
        assert set(found) == {"PASSED"}
        assert len(found["PASSED"]) >= least
