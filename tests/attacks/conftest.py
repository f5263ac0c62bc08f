"""Every server over TLS, started when the first attack needs it."""
import contextlib
import os
from pathlib import Path

import pytest

from tests.attacks.faces import FACES, SETUPS, serve
from tests.support.sanitized import SANITIZED
from tests.support.service import ECOSYSTEM

MIB = 2**20

#: By how much all attacks together may let a server grow: what stays is caches and the allocator's.
MOST_GROWTH = 24 * MIB


def resident(server):
    """Memory of the process that serves."""
    process = server.workers[-1] if hasattr(server, "workers") else server.process.pid
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="session")
def servers(tmp_path_factory, certificate):
    """A server of each face, by its name."""
    with contextlib.ExitStack() as stack:
        running, begun = {}, {}

        def server(face):
            if face not in running:
                running[face] = stack.enter_context(serve(face, tmp_path_factory.mktemp("attacked"), certificate))
                begun[face] = resident(running[face])
            return running[face]

        yield server
        for face, each in running.items():
            assert "Traceback" not in each.log, face
            grown = resident(each) - begun[face]
            print(f"{face} has grown by {grown / MIB:.1f} MiB")
            # A sanitizer keeps what was freed.
            assert SANITIZED or grown < MOST_GROWTH, face


@pytest.fixture(scope="session", params=[
    *FACES, *(pytest.param(setup, marks=[pytest.mark.ecosystem]) for setup in SETUPS if ECOSYSTEM)])
def face(request):
    """The name of each server."""
    return request.param
