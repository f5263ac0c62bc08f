"""Loops that end with their test."""
import contextlib

import pytest

from fasth2.wsgi import loop as wsgi_loop
from tests.support.wsgi_serving import Serving


@pytest.fixture
def serve(monkeypatch):
    """Serve an application until the test ends; nothing that should wake the leader is found by its look at the clock."""
    monkeypatch.setattr(wsgi_loop, "CHECK_INTERVAL", 60.0)
    with contextlib.ExitStack() as stack:
        paths = []

        def serve(application, **options):
            paths.append(application)
            return stack.enter_context(Serving(application, **options))

        yield serve
        for each in paths:
            for gate in getattr(each, "gates", {}).values():
                gate.set()
