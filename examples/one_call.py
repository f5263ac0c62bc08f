"""The server of h2_calls.py with one call for each thing it does.

python examples/one_call.py [PORT]
"""
import socketserver
import sys

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from fasth2.ready import DATA, REQUEST, RESET, TRAILERS


def serve(sock):
    """Greet whoever asks, and echo what is posted."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8", rfc_errors=True))
    connection.initiate_connection()
    sock.sendall(connection.pull())
    received = {}  # stream: the parts of its body
    while data := sock.recv(65536):
        try:
            items = connection.ready_requests(data)
        except ProtocolError:
            sock.sendall(connection.pull())  # GOAWAY says why
            return
        for item in items:
            if item.kind == REQUEST:
                received[item.stream_id] = []
            elif item.kind == DATA:
                received[item.stream_id].append(item.data)
                connection.consume(item.stream_id, item.flow_controlled_length)
            elif item.kind == RESET:
                received.pop(item.stream_id, None)
            if item.kind == TRAILERS or (item.kind in (REQUEST, DATA) and item.end_stream):
                body = b"".join(received.pop(item.stream_id)) or b"Hello over HTTP/2\n"
                connection.respond(item.stream_id, 200, [("content-length", str(len(body)))], body)
        while block := connection.pull(65536):
            sock.sendall(block)


class Handler(socketserver.BaseRequestHandler):
    """One thread a connection."""

    def handle(self):
        """Serve it."""
        serve(self.request)


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 0), Handler) as server:
        print(f"curl --http2-prior-knowledge http://127.0.0.1:{server.server_address[1]}/", flush=True)
        server.serve_forever()
