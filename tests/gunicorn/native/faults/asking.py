"""Requests in one write."""
from __future__ import annotations


def ask(client, *paths, first=1):
    """Send requests in one write; their streams."""
    ids = [first + 2 * number for number in range(len(paths))]
    for stream_id, path in zip(ids, paths):
        client.conn.send_headers(stream_id, [
            (":method", "GET"), (":scheme", client.scheme), (":authority", "127.0.0.1"), (":path", path)],
            end_stream=True)
    client.flush()
    return ids


def all_ended(client, ids):
    """A condition for `Client.read`: all these streams have ended."""
    return lambda: all(client.ended(stream_id)() for stream_id in ids)
