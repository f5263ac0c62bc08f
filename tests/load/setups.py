"""The workers and ways in that this directory's servers have, and their applications."""
from __future__ import annotations

from tests.support.gunicorn_matrix import INSTALLED, OWN, OWN_ASGI, WORKER_CLASSES
from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.long_runs import SLOW

WSGI, ASGI = "tests.support.load_wsgi:app", "tests.support.load_asgi:app"

#: Applications of `EVERY_WORKER`.
APPLICATION = ("tests.load.application:wsgi", "tests.load.application:asgi")

#: The last version that hands out requests when they are complete.
OLDER = VERSIONS[2]

#: Each worker of the newest gunicorn by each way in.
SETUPS = [setup for setup in (*INSTALLED, *WORKER_CLASSES) if setup.version is NEWEST]
#: fasth2's worker classes under that older one.
OLDER_CLASSES = [setup for setup in WORKER_CLASSES if setup.version is OLDER]

#: Each worker of the newest gunicorn by each way in, fasth2's classes under each version, and its own worker.
EVERY_WORKER = (*(setup for setup in INSTALLED if setup.version is NEWEST), *WORKER_CLASSES, OWN[0], OWN[-1],
                OWN_ASGI[-1])

#: fasth2's worker classes under the newest gunicorn.
CLASSES = (OWN[-1], OWN_ASGI[-1], *(setup for setup in WORKER_CLASSES if setup.version is NEWEST))

#: Its asyncio worker class under each version.
ASGI_CLASSES = tuple(setup for setup in WORKER_CLASSES if setup.worker == "asgi")


def chosen(setups, *names):
    """All setups for a slow run, else those of the newest gunicorn whose worker and way are named."""
    return [setup for setup in setups if SLOW or str(setup).removeprefix(f"{NEWEST}-") in names]
