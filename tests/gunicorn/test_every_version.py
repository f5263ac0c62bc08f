"""The tests of the connection class under the other versions of gunicorn, and its faults shown on gunicorn's own."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gunicorn import test_faults_of_gunicorns_class as faults
from tests.support.gunicorn_versions import NEWEST, ROOT, VERSIONS

HERE = Path(__file__).parent
FILES = ("test_responses.py", "test_request_bodies_are_streamed.py", "test_request_bodies_are_whole.py",
         "test_connection_ends.py", "test_faults_of_gunicorns_class.py", "test_settings.py", "test_counters.py",
         "test_unread_uploads.py")


def run(version, *files, **env):
    """Run files with a version of gunicorn, with options of pytest; return the tests' names by outcome."""
    command = [sys.executable, "-m", "pytest", "-q", "-rpfEs", "-p", "no:cacheprovider", "-p", "no:randomly",
               "--tb=short", *(str(HERE / file) if file.endswith(".py") else file for file in files)]
    done = subprocess.run(command, cwd=ROOT, env={**version.environment(), **env}, capture_output=True, text=True,
                          timeout=300)
    print(done.stdout[-20000:], done.stderr)
    found = {}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S*::(\S+)", done.stdout, re.M):
        found.setdefault(outcome, set()).add(name)
    return found


@pytest.mark.parametrize("version", [version for version in VERSIONS if version is not NEWEST], ids=str)
def test_the_connection_class(version):
    """The newest version is the environment's, and has these tests without this one."""
    found = run(version, *FILES)
    assert set(found) == {"PASSED"}
    assert len(found["PASSED"]) > 60


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_the_faults_are_gunicorns(version):
    found = run(version, "test_faults_of_gunicorns_class.py", FASTH2_TEST_STOCK="1")
    noted = {name for name, test in vars(faults).items() if version.name in getattr(test, "fault", ())}
    assert noted
    assert found["FAILED"] == noted
    assert "ERROR" not in found
