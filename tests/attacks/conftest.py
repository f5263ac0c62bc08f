"""Every server over TLS, started when the first attack needs it."""
import contextlib

import pytest

from tests.attacks.faces import FACES, SETUPS, serve
from tests.support.service import ECOSYSTEM


@pytest.fixture(scope="session")
def servers(tmp_path_factory, certificate):
    """A server of each face, by its name."""
    with contextlib.ExitStack() as stack:
        running = {}

        def server(face):
            if face not in running:
                running[face] = stack.enter_context(serve(face, tmp_path_factory.mktemp("attacked"), certificate))
            return running[face]

        yield server
        for face, each in running.items():
            assert "Traceback" not in each.log, face


@pytest.fixture(scope="session", params=[
    *FACES, *(pytest.param(setup, marks=[pytest.mark.ecosystem]) for setup in SETUPS if ECOSYSTEM)])
def face(request):
    """The name of each server."""
    return request.param
