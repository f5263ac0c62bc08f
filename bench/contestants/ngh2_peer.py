"""ngh2, a binding of nghttp2."""
from ngh2 import Connection, DataReceived, RequestReceived, Role

BLOCK = 65_536
NEARLY_FULL = BLOCK // 2


def connect():
    connection = Connection(Role.SERVER)
    connection.initiate_connection()
    return connection


def serve(connection, reads, next_answer, send):
    for data in reads:
        connection.receive_data(data)
        for event in connection.events():
            if isinstance(event, RequestReceived):
                event.headers
                if not event.end_stream:
                    continue
            elif isinstance(event, DataReceived):
                event.data
                if not event.end_stream:
                    continue
            else:
                continue
            length, date, body, _, _ = next_answer()
            stream_id = event.stream_id
            connection.send_response(
                stream_id,
                [
                    (b":status", b"200"),
                    (b"content-type", b"text/plain"),
                    (b"content-length", length),
                    (b"server", b"bench"),
                    (b"date", date),
                ],
            )
            connection.send_data(stream_id, body, end_stream=True)
        # In blocks: six times as fast as a megabyte at once.
        block = connection.data_to_send(BLOCK)
        send(block)
        while len(block) > NEARLY_FULL:
            block = connection.data_to_send(BLOCK)
            send(block)
