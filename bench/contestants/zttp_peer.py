"""zttp, whose engine is written in Zig."""
from zttp import HTTP2, NEED_DATA, SERVER, Connection, Data, EndOfMessage, Request


def connect():
    connection = Connection(SERVER, HTTP2)
    connection.initiate_connection()
    return connection


def serve(connection, reads, next_answer, send):
    for data in reads:
        connection.receive_data(data)
        while (event := connection.next_event()) is not NEED_DATA:
            if isinstance(event, Request):
                event.headers
                if not event.end_stream:
                    continue
            elif isinstance(event, Data):
                event.data
                continue
            elif not isinstance(event, EndOfMessage):
                continue
            length, date, body, _, _ = next_answer()
            stream = connection.stream(event.stream_id)
            stream.send_response(
                200,
                [
                    (b"content-type", b"text/plain"),
                    (b"content-length", length),
                    (b"server", b"bench"),
                    (b"date", date),
                ],
            )
            stream.send_data(body)
            stream.end_message()
        send(connection.data_to_send())
