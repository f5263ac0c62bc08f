"""Proxies in front of gunicorn, started when they are asked for; a context manager of clients."""
import contextlib

import pytest

from tests.support import service
from tests.support.proxies import HTTP1, Proxy


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """gunicorn by a face, in the clear; none has logged an error at its end."""
    with contextlib.ExitStack() as stack:
        running = {}

        def upstream(face, http2):
            if (face, http2) not in running:
                running[face, http2] = stack.enter_context(
                    service.start(face, tmp_path_factory.mktemp("upstream"), http2=http2))
            return running[face, http2]

        yield upstream
        for each in running.values():
            assert "Traceback" not in each.log


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, certificate, upstream):
    """A proxy by the name of its configuration, in front of a face."""
    with contextlib.ExitStack() as stack:
        running = {}

        def proxy(name, face):
            if (name, face) not in running:
                running[name, face] = stack.enter_context(
                    Proxy(name, tmp_path_factory.mktemp("proxy"), upstream(face, name != HTTP1).port,
                          certificate))
            return running[name, face]

        yield proxy


