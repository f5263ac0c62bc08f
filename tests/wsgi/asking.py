"""Requests in one write, and their answers."""
from __future__ import annotations

import h2.events


def get(client, *paths, first=1):
    """Send requests in one write."""
    for number, path in enumerate(paths):
        client.conn.send_headers(first + 2 * number, [
            (":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)], end_stream=True)
    client.flush()


def answered(client, stream_id, body, wait=5.0):
    """Whether a stream's answer comes and is that."""
    client.read(client.ended(stream_id), wait)
    return bool(client.found(h2.events.StreamEnded, stream_id)) and client.body(stream_id) == body
