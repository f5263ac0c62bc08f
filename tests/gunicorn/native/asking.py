"""Requests in one line, and waiting for files that an application writes."""
from __future__ import annotations

import h2.events

from tests.support.waiting import until


def ask(client, path, method="GET", headers=(), body=None, stream_id=None):
    """Send a request and read its answer: status, body."""
    stream_id = stream_id or client.conn.get_next_available_stream_id()
    client.request(stream_id, path, method, headers, end_stream=body is None)
    if body is not None:
        client.data(stream_id, body, end_stream=True)
    assert client.read(client.ended(stream_id)), "no answer"
    return client.status(stream_id), client.body(stream_id)


def fields(client, stream_id=1):
    """The fields of a response, those with more than one value as a list."""
    [event] = client.found(h2.events.ResponseReceived, stream_id)
    found = {}
    for name, value in event.headers:
        found[name] = value if name not in found else [*([found[name]] if isinstance(found[name], str) else found[name]), value]
    return found


def reset_code(client, stream_id=1):
    """The code of a stream that the server reset, or ``None``."""
    found = client.found(h2.events.StreamReset, stream_id)
    return int(found[0].error_code) if found else None


def written(path, wait=5.0):
    """The lines of a file, once one is there."""
    until(lambda: path.exists() and path.read_text().endswith("\n"), wait)
    return path.read_text().splitlines()
