"""fasth2, through one call for each action of the user."""
from fasth2.config import H2Configuration
from fasth2.connection import H2Connection

REQUEST = 0
DATA = 1
BLOCK = 65_536
NEARLY_FULL = BLOCK // 2


def connect():
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    return connection


def serve(connection, reads, next_answer, send):
    for data in reads:
        for ready in connection.ready_requests(data):
            kind = ready.kind
            if kind == REQUEST:
                ready.headers
                if not ready.end_stream:
                    continue
            elif kind == DATA:
                ready.data
                connection.consume(ready.stream_id, ready.flow_controlled_length)
                if not ready.end_stream:
                    continue
            else:
                continue
            length, date, body, _, _ = next_answer()
            connection.respond(
                ready.stream_id,
                200,
                [
                    (b"content-type", b"text/plain"),
                    (b"content-length", length),
                    (b"server", b"bench"),
                    (b"date", date),
                ],
                body,
            )
        block = connection.pull(BLOCK)
        send(block)
        # A block that isn't nearly full was the last.
        while len(block) > NEARLY_FULL:
            block = connection.pull(BLOCK)
            send(block)
