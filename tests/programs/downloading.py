"""Downloads by fasth2's client role, with windows that grow with the link, and the PINGs that measure it."""
from __future__ import annotations

import dataclasses
import socket
import time

from fasth2.config import AdaptiveWindows, H2Configuration, WindowBudget
from fasth2.connection import H2Connection
from fasth2.events import ConnectionTerminated, DataReceived, StreamEnded, StreamReset
from tests.support.frames import ACK, PING, PREFACE, split_frames


@dataclasses.dataclass
class Seen:
    """What came of downloads on one connection."""

    octets: int = 0
    ended: int = 0
    pings: int = 0
    seconds: float = 0.0
    window: int = 0
    faults: list[object] = dataclasses.field(default_factory=list)


def download(port: int, headers: list[tuple[str, str]], body: bytes = b"", count: int = 1, wait: float = 60.0) -> Seen:
    """Send requests one after another over one connection in the clear; read what comes.

    Args:
        port: The server's, on 127.0.0.1.
        headers: Of each request.
        body: Of each request.
        count: How many.
        wait: Seconds at most.
    """
    windows = AdaptiveWindows(stream=8 << 20, connection=16 << 20, budget=WindowBudget(64 << 20))
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8", adaptive_windows=windows))
    seen, began = Seen(), time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as sock:
        connection.initiate_connection()
        sock.sendall(connection.data_to_send())

        def flush() -> None:
            data = connection.data_to_send()
            if data:
                frames = split_frames(data.removeprefix(PREFACE))
                seen.pings += sum(frame.type == PING and not frame.flags & ACK for frame in frames)
                sock.sendall(data)

        for _ in range(count):
            stream_id = connection.get_next_available_stream_id()
            connection.send_headers(stream_id, headers, end_stream=not body)
            if body:
                connection.send_data(stream_id, body, end_stream=True)
            flush()
            open_stream = True
            while open_stream and not seen.faults:
                data = sock.recv(1 << 18)
                if not data:
                    seen.faults.append("closed")
                for event in connection.receive_data(data):
                    if isinstance(event, DataReceived):
                        seen.octets += len(event.data)
                        connection.acknowledge_received_data(event.flow_controlled_length, stream_id)
                    elif isinstance(event, StreamEnded):
                        seen.ended += 1
                        open_stream = False
                    elif isinstance(event, (StreamReset, ConnectionTerminated)):
                        seen.faults.append(event)
                flush()
    seen.seconds = time.monotonic() - began
    seen.window = connection.inbound_flow_control_window
    return seen
