"""A server's loop over h2's API, the same code for h2 and for whoever follows it."""


def loop_over(events):
    """Make a contestant's ``serve``.

    Args:
        events: The module of the event classes.
    """
    RequestReceived = events.RequestReceived
    DataReceived = events.DataReceived
    StreamEnded = events.StreamEnded

    def serve(connection, reads, next_answer, send):
        for data in reads:
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    event.headers
                elif isinstance(event, DataReceived):
                    event.data
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    length, date, _, chunks, last = next_answer()
                    stream_id = event.stream_id
                    connection.send_headers(
                        stream_id,
                        [
                            (b":status", b"200"),
                            (b"content-type", b"text/plain"),
                            (b"content-length", length),
                            (b"server", b"bench"),
                            (b"date", date),
                        ],
                    )
                    for chunk in chunks:
                        connection.send_data(stream_id, chunk)
                    connection.send_data(stream_id, last, end_stream=True)
            send(connection.data_to_send())

    return serve
