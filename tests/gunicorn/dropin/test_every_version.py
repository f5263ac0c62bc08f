"""The tests of the connection class under the other versions of gunicorn, and its faults shown on gunicorn's own."""
from pathlib import Path

import pytest

from tests.gunicorn.dropin import test_faults_of_gunicorns_class as faults
from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.other_versions import run

HERE = Path(__file__).parent
FILES = ("test_responses.py", "test_request_bodies_are_streamed.py", "test_request_bodies_are_whole.py",
         "test_connection_ends.py", "test_faults_of_gunicorns_class.py", "test_settings.py", "test_counters.py",
         "test_unread_uploads.py")


@pytest.mark.parametrize("version", [version for version in VERSIONS if version is not NEWEST], ids=str)
def test_the_connection_class(version):
    """The newest version is the environment's, and has these tests without this one."""
    found = run(version, HERE, *FILES)
    assert set(found) == {"PASSED"}
    assert len(found["PASSED"]) > 60


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_the_faults_are_gunicorns(version):
    found = run(version, HERE, "test_faults_of_gunicorns_class.py", FASTH2_TEST_STOCK="1")
    noted = {name for name, test in vars(faults).items() if version.name in getattr(test, "fault", ())}
    assert noted
    assert found["FAILED"] == noted
    assert "ERROR" not in found
