"""The certificate of the tests' servers, which of gunicorn's versions a run takes, and what tests need under sanitizers."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.gunicorn_versions import NAMES
from tests.support.sanitized import SANITIZED

SANITIZERS = ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS", "PYTHONMALLOC")

if SANITIZED:
    start = subprocess.Popen.__init__

    def start_suitably(self, args, *rest, **options):
        """Start a program: an interpreter always with the sanitizers, anything else without (curl hangs on them)."""
        env = dict(os.environ if options.get("env") is None else options["env"])
        if isinstance(args, (list, tuple)) and Path(args[0]).name.startswith("python"):
            env = {**{name: os.environ[name] for name in SANITIZERS}, **env}
        else:
            env.pop("LD_PRELOAD", None)
        start(self, args, *rest, **{**options, "env": env})

    subprocess.Popen.__init__ = start_suitably


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """One certificate for the session."""
    # Tests that need no server run without the packages that it needs.
    from tests.support.certificate import Certificate

    return Certificate(tmp_path_factory.mktemp("certificate"))


#: The versions between the oldest and the newest, as the names of tests have them.
BETWEEN = re.compile(rf"\b({'|'.join(map(re.escape, NAMES[1:-1]))})\b")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """``make test`` takes gunicorn's oldest and newest version, ``make test-ecosystem`` those between."""
    between = [item for item in items if BETWEEN.search(item.name)]
    for item in between:
        item.add_marker(pytest.mark.ecosystem)
    if between and os.environ.get("FASTH2_ECOSYSTEM") != "1":
        items[:] = [item for item in items if not BETWEEN.search(item.name)]
        config.hook.pytest_deselected(items=between)
