"""uvicorn's oldest and newest version in ``make test``, those between in ``make test-ecosystem``; both loops."""
import contextlib
from pathlib import Path

import pytest

from tests.support.service import ECOSYSTEM, chosen
from tests.support.uvicorn_server import Uvicorn
from tests.support.uvicorn_versions import NAMES, VERSIONS

#: Version and loop.
EVERY = tuple(f"{name}-{loop}" for name in NAMES for loop in ("asyncio", "uvloop"))
SETUPS = chosen(EVERY, f"{NAMES[0]}-asyncio", f"{NAMES[-1]}-uvloop")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """What is marked ecosystem here is for ``make test-ecosystem`` alone."""
    alone = [item for item in items
             if Path(__file__).parent in item.path.parents and item.get_closest_marker("ecosystem")]
    if alone and not ECOSYSTEM:
        items[:] = [item for item in items if item not in alone]
        config.hook.pytest_deselected(items=alone)


def start(setup, directory, **keywords):
    name, _, loop = setup.rpartition("-")
    return Uvicorn(directory, version=VERSIONS[name], loop=loop, **keywords)


@pytest.fixture(scope="package", params=[
    pytest.param(setup, marks=[pytest.mark.ecosystem] if setup not in SETUPS[:1] + SETUPS[-1:] else []) for setup in SETUPS])
def setup(request):
    """A version and a loop."""
    return request.param


@pytest.fixture(scope="package")
def server(setup, tmp_path_factory, certificate):
    """A server over TLS that many tests share."""
    with start(setup, tmp_path_factory.mktemp("uvicorn"), certificate=certificate) as running:
        yield running


@pytest.fixture(params=chosen(EVERY, EVERY[-1]))
def serve_one(request, tmp_path):
    """The same for what hardly depends on the version and the loop: the newest, or all in ``make test-ecosystem``."""
    with contextlib.ExitStack() as stack:
        yield lambda **keywords: stack.enter_context(start(request.param, tmp_path, **keywords))


@pytest.fixture
def serve(setup, tmp_path):
    """Start servers that end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **keywords: stack.enter_context(start(setup, tmp_path, **keywords))
