"""A small HTTP/2 server with h2's calls; with h2 instead of fasth2 in the imports it is the same.

python examples/h2_calls.py [PORT]
"""
import socketserver
import sys

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from fasth2.exceptions import ProtocolError


def serve(sock):
    """Greet whoever asks, and echo what is posted."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    sock.sendall(connection.data_to_send())
    received = {}  # stream: the parts of its body
    ended = {}  # stream: its answer
    unsent = {}  # stream: what is left of its answer
    while data := sock.recv(65536):
        try:
            events = connection.receive_data(data)
        except ProtocolError:
            sock.sendall(connection.data_to_send())  # GOAWAY says why
            return
        for event in events:
            if isinstance(event, RequestReceived):
                received[event.stream_id] = []
            elif isinstance(event, DataReceived):
                received[event.stream_id].append(event.data)
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                ended[event.stream_id] = b"".join(received.pop(event.stream_id)) or b"Hello over HTTP/2\n"
            elif isinstance(event, StreamReset):
                for streams in (received, ended, unsent):
                    streams.pop(event.stream_id, None)
            elif isinstance(event, ConnectionTerminated):
                return
        while ended:  # not before all events are seen: a reset may follow
            stream_id, body = ended.popitem()
            connection.send_headers(stream_id, [(":status", "200"), ("content-length", str(len(body)))])
            unsent[stream_id] = memoryview(body)
        for stream_id, body in list(unsent.items()):
            while body and (window := connection.local_flow_control_window(stream_id)) > 0:
                size = min(window, connection.max_outbound_frame_size)
                connection.send_data(stream_id, body[:size], end_stream=size >= len(body))
                body = body[size:]
            unsent[stream_id] = body
            if not body:
                del unsent[stream_id]
        sock.sendall(connection.data_to_send())


class Handler(socketserver.BaseRequestHandler):
    """One thread a connection."""

    def handle(self):
        """Serve it."""
        serve(self.request)


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 0), Handler) as server:
        print(f"curl --http2-prior-knowledge http://127.0.0.1:{server.server_address[1]}/", flush=True)
        server.serve_forever()
