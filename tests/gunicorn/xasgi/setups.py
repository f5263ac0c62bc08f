"""Each version of gunicorn's asgi worker by each way in, and requests to its servers."""
from __future__ import annotations

import json

from tests.support.gunicorn_matrix import Setup
from tests.support.gunicorn_versions import NEWEST, VERSIONS
from tests.support.tls_client import Client

APP = "tests.gunicorn.xasgi.app:app"
from tests.support.gunicorn_matrix import OWN_ASGI
SETUPS = [OWN_ASGI[0], OWN_ASGI[-1]]

#: Where requests are served as they arrive, each by a task of its own.
CONCURRENT = [setup for setup in SETUPS if True]


def serve(setup, directory, certificate, *options, **kwargs):
    """Start a server by one of the ways."""
    return setup.start(directory, "", APP, *options, certificate=certificate, **kwargs)


def ask(client, stream_id, path, **kwargs):
    """Send a request without a body, wait for its answer and return what is in it as JSON."""
    client.request(stream_id, path, **kwargs)
    assert client.read(client.ended(stream_id))
    return json.loads(client.body(stream_id))


def seen(server):
    """What the application has seen so far."""
    with Client(server) as client:
        return ask(client, 1, "/seen")


def upload(client, stream_id, body):
    """Send a body as windows allow, and end it."""
    view = memoryview(body)
    while view:
        room = min(client.conn.local_flow_control_window(stream_id), 16384, len(view))
        if room:
            client.data(stream_id, bytes(view[:room]))
            view = view[room:]
        else:
            before = len(client.events)
            assert client.read(lambda before=before: len(client.events) > before)
    client.data(stream_id, b"", end_stream=True)
