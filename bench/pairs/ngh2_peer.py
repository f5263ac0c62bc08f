"""ngh2, a binding of nghttp2, on both sides; it returns credit by itself."""
from ngh2 import Connection, DataReceived, RequestReceived, ResponseReceived, Role


def connect():
    client, server = Connection(Role.CLIENT), Connection(Role.SERVER)
    client.initiate_connection()
    server.initiate_connection()
    return client, server


def output(connection):
    return connection.data_to_send()


def ask(client, requests):
    for fields in requests:
        client.send_request(fields, end_stream=True)


def serve(server, parts, answer, seen):
    status, fields, body, _, _ = answer
    for part in parts:
        server.receive_data(part)
        for event in server.events():
            if isinstance(event, RequestReceived):
                event.headers
                seen.append(event)
                stream_id = event.stream_id
                server.send_response(stream_id, [(b":status", status), *fields])
                server.send_data(stream_id, body, end_stream=True)


def read(client, parts, seen):
    ended = 0
    for part in parts:
        client.receive_data(part)
        for event in client.events():
            if isinstance(event, ResponseReceived):
                event.headers
                seen.append(event)
                ended += event.end_stream
            elif isinstance(event, DataReceived):
                event.data
                seen.append(event)
                ended += event.end_stream
    return ended


def plain(event):
    return event.data if isinstance(event, DataReceived) else [tuple(field)[:2] for field in event.headers]
