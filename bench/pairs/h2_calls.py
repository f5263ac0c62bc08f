"""Both sides over h2's API, the same code for h2 and for whoever follows it."""
from __future__ import annotations

from types import ModuleType, SimpleNamespace


def pair(config: ModuleType, connection: ModuleType, events: ModuleType) -> SimpleNamespace:
    """Make a pair's functions.

    Args:
        config: The module of the configuration.
        connection: The module of the connection.
        events: The module of the event classes.
    """
    RequestReceived = events.RequestReceived
    ResponseReceived = events.ResponseReceived
    DataReceived = events.DataReceived
    StreamEnded = events.StreamEnded

    def connect():
        client, server = (
            connection.H2Connection(config.H2Configuration(client_side=side, header_encoding=None))
            for side in (True, False)
        )
        client.initiate_connection()
        server.initiate_connection()
        return client, server

    def output(connection):
        return connection.data_to_send()

    def ask(client, requests):
        for fields in requests:
            client.send_headers(client.get_next_available_stream_id(), fields, end_stream=True)

    def serve(server, parts, answer, seen):
        status, fields, _, chunks, last = answer
        for part in parts:
            for event in server.receive_data(part):
                if isinstance(event, RequestReceived):
                    event.headers
                    seen.append(event)
                elif isinstance(event, StreamEnded):
                    stream_id = event.stream_id
                    server.send_headers(stream_id, [(b":status", status), *fields])
                    for chunk in chunks:
                        server.send_data(stream_id, chunk)
                    server.send_data(stream_id, last, end_stream=True)

    def read(client, parts, seen):
        ended = 0
        for part in parts:
            for event in client.receive_data(part):
                if isinstance(event, ResponseReceived):
                    event.headers
                    seen.append(event)
                elif isinstance(event, DataReceived):
                    event.data
                    seen.append(event)
                    client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    ended += 1
        return ended

    def plain(event):
        return event.data if isinstance(event, DataReceived) else [tuple(field) for field in event.headers]

    return SimpleNamespace(connect=connect, output=output, ask=ask, serve=serve, read=read, plain=plain)
