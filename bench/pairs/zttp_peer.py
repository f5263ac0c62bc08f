"""zttp, whose engine is written in Zig, on both sides; it takes the pseudo-header fields apart, and returns credit."""
from zttp import CLIENT, HTTP2, NEED_DATA, SERVER, Connection, Data, EndOfMessage, Request, Response


def connect():
    client, server = Connection(CLIENT, HTTP2), Connection(SERVER, HTTP2)
    client.initiate_connection()
    server.initiate_connection()
    return client, server


def output(connection):
    return connection.data_to_send()


def ask(client, requests):
    for (_, method), _, (_, authority), (_, path), *fields in requests:
        client.send_request(method, path, b"2", [(b"host", authority), *fields]).end_message()


def serve(server, parts, answer, seen):
    status, fields, body, _, _ = answer
    for part in parts:
        server.receive_data(part)
        while (event := server.next_event()) is not NEED_DATA:
            if isinstance(event, Request):
                event.headers
                seen.append(event)
                if not event.end_stream:
                    continue
            elif not isinstance(event, EndOfMessage):
                continue
            stream = server.stream(event.stream_id)
            stream.send_response(int(status), [*fields])
            stream.send_data(body)
            stream.end_message()


def read(client, parts, seen):
    ended = 0
    for part in parts:
        client.receive_data(part)
        while (event := client.next_event()) is not NEED_DATA:
            if isinstance(event, Response):
                event.headers
                seen.append(event)
            elif isinstance(event, Data):
                event.data
                seen.append(event)
            elif isinstance(event, EndOfMessage):
                ended += 1
    return ended


def plain(event):
    if isinstance(event, Data):
        return event.data
    fields = [field for field in event.headers if field[0] != b"host"]
    if isinstance(event, Response):
        return [(b":status", b"%d" % event.status_code), *fields]
    authority = dict(event.headers).get(b"host", b"")
    return [(b":method", event.method), (b":scheme", b"https"), (b":authority", authority), (b":path", event.target),
            *(field for field in fields if not field[0].startswith(b":"))]
