"""Every server over TLS, started when the first attack needs it."""
import contextlib

import pytest

from tests.attacks.faces import FACES, serve


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


@pytest.fixture(params=FACES)
def face(request):
    """The name of each server."""
    return request.param
