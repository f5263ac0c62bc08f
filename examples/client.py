"""A small HTTP/2 client with h2's calls; with h2 instead of fasth2 in the imports it is the same.

python examples/client.py PORT PATH...
"""
import socket
import sys

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
)


def fetch(sock, authority, paths):
    """Ask for all paths at once; return the status and the body of each, None for one that failed."""
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    asked = {}  # stream: its path
    status = {}
    bodies = {}
    answers = dict.fromkeys(paths)
    waiting = []  # until the server's SETTINGS have said how many streams there may be
    while True:
        while waiting and connection.open_outbound_streams < connection.remote_settings.max_concurrent_streams:
            stream_id = connection.get_next_available_stream_id()
            asked[stream_id] = path = waiting.pop()
            bodies[stream_id] = []
            connection.send_headers(
                stream_id,
                [(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", path)],
                end_stream=True,
            )
        sock.sendall(connection.data_to_send())
        data = sock.recv(65536)
        for event in connection.receive_data(data):
            if isinstance(event, SettingsAcknowledged):
                waiting = list(paths)
            elif isinstance(event, ResponseReceived):
                status[event.stream_id] = dict(event.headers)[":status"]
            elif isinstance(event, DataReceived):
                bodies[event.stream_id].append(event.data)
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                answers[asked.pop(event.stream_id)] = (status[event.stream_id], b"".join(bodies.pop(event.stream_id)))
            elif isinstance(event, StreamReset):
                asked.pop(event.stream_id, None)
            elif isinstance(event, ConnectionTerminated):
                return answers
        if not data or (connection.highest_outbound_stream_id and not asked and not waiting):
            connection.close_connection()
            sock.sendall(connection.data_to_send())
            return answers


if __name__ == "__main__":
    authority = f"127.0.0.1:{sys.argv[1]}"
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as sock:
        for path, answer in fetch(sock, authority, sys.argv[2:] or ["/"]).items():
            print(path, *([answer[0], len(answer[1])] if answer else ["failed"]))
