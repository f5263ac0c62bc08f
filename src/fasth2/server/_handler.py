"""The interface between a `ServerProtocol` and the connection class that holds it: callbacks and attributes."""
from __future__ import annotations

from operator import attrgetter
from typing import Any, Protocol

__all__ = ["Handler", "held", "held_option"]


class Handler(Protocol):
    """The methods of a connection that its `ServerProtocol` calls.

    Items are the engine's slim objects (`fasth2.ready`). Requests to dispatch are
    appended to the list passed with an item. The names begin with an underscore
    since a connection's public methods are for its users.
    """

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        """Process a request's fields."""

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        """Process a request whose fields exceed a limit; only if the engine's ``answers_large_requests`` is set."""

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        """Process a part of a request's body."""

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        """Process a request's trailers, which end it."""

    def _handed_out(self, stream: Any) -> bool:
        """Return True if a stream's request was appended to a list of requests, unless it was reset before."""

    def _cut_off(self, stream: Any) -> bool:
        """Reset a stream that has not ended at the end of its request; return True if that was needed."""

    def _goaway_read(self, last_stream_id: int) -> None:
        """Called after processing input with a GOAWAY(NO_ERROR) with that last stream id."""

    def _connection_lost(self) -> None:
        """Mark the connection closed: the peer is gone, or has ended the connection with an error."""

    def _close_quietly(self) -> None:
        """Close the connection after its last stream has ended; never raises."""

    def _send_quietly(self) -> None:
        """Send the engine's output, unless the connection has ended; never raises."""


def held(name: str, read_only: bool = False) -> Any:
    """Return a property of a connection class for an attribute of its `ServerProtocol`.

    Args:
        name: The attribute's name.
        read_only: True if it cannot be assigned.
    """

    def assign(connection: Any, value: Any) -> None:
        setattr(connection.protocol, name, value)

    return property(attrgetter(f"protocol.{name}"), None if read_only else assign)


def held_option(name: str) -> Any:
    """Return a property of a connection class for an option of its protocol; assignment changes this connection only.

    Args:
        name: The option's name.
    """

    def assign(connection: Any, value: Any) -> None:
        protocol = connection.protocol
        protocol.options = protocol.options._replace(**{name: value})

    return property(attrgetter(f"protocol.options.{name}"), assign)
