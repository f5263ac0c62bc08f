"""What connection classes over a blocking socket and in an event loop have in common: each holds a `ServerProtocol`."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ._handler import held, held_option
from ._options import Options
from ._protocol import ServerProtocol

__all__ = ["HolderAttributes", "holds_protocol"]

C = TypeVar("C", bound=type)


class ProtocolHolder:
    """The attributes and methods that `holds_protocol` gives to a class."""

    # Attributes of the protocol that hosts read and assign.
    h2_conn: Any = held("engine")
    streams: dict[int, Any] = held("streams")
    pending_requests: list[Any] = held("pending_requests")
    initial_window_size: int = held_option("initial_window_size")
    max_concurrent_streams: int = held_option("max_concurrent_streams")
    max_frame_size: int = held_option("max_frame_size")
    max_header_list_size: int = held_option("max_header_list_size")
    stream_timeout: float | None = held_option("stream_timeout")
    idle_timeout: float | None = held_option("idle_timeout")
    unread_upload_octets: int = held_option("unread_upload_octets")
    unread_upload_seconds: float = held_option("unread_upload_seconds")
    draining: bool = held("draining")
    counters: dict[str, int] = held("counters", read_only=True)
    is_closed: bool = held("closed", read_only=True)
    _closed: bool = held("closed")
    errors: Any = held_option("errors")
    closed_state: Any = held_option("closed_state")
    _initialized: bool = held("initialized")

    #: The last stream id of the peer's GOAWAY, about streams that this side opened; ``None`` before.
    peer_last_stream_id: int | None = None

    #: The sans-I/O protocol of the connection.
    protocol: ServerProtocol

    def _make_options(self, cfg: Any) -> Options:
        raise NotImplementedError

    # Called by the protocol (`fasth2.server._handler.Handler`)

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _handed_out(self, stream: Any) -> bool:
        return True

    def _goaway_read(self, last_stream_id: int) -> None:
        self.peer_last_stream_id = last_stream_id

    def _connection_lost(self) -> None:
        raise NotImplementedError

    def _close_quietly(self) -> None:
        raise NotImplementedError

    def _send_quietly(self) -> None:
        raise NotImplementedError

    def _cut_off(self, stream: Any) -> bool:
        """Reset a stream that has not ended; return True if that was needed."""
        return self.protocol.cut_off(stream)

    def _process(self, data: bytes) -> list[Any]:
        return self.protocol.receive(data, self)


if TYPE_CHECKING:
    HolderAttributes = ProtocolHolder
else:
    # For type checkers alone: a class above may have three of ours in its method resolution order.
    HolderAttributes = object

_GIVEN = {name: value for name, value in vars(ProtocolHolder).items() if not name.startswith("__")}


def holds_protocol(cls: C) -> C:
    """Give a class what `ProtocolHolder` has, which adds nothing to its method resolution order.

    Args:
        cls: The class; what it defines itself is left alone. Its ``__init__`` sets ``protocol``.
    """
    for name, value in _GIVEN.items():
        if name not in vars(cls):
            setattr(cls, name, value)
    return cls
