"""What a connection class needs in order to hold a `ServerProtocol`: the methods that it calls, and its attributes."""
from __future__ import annotations

from operator import attrgetter
from typing import Any, Protocol

__all__ = ["Handler", "held", "held_option"]


class Handler(Protocol):
    """What a `ServerProtocol` calls: the methods of the connection that holds it.

    Items are the engine's slim objects (`fasth2.ready`). Requests to hand out
    are appended to the list that comes with an item. The names begin with an
    underscore since a connection's public ones are for its users.
    """

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        """A request's fields have arrived."""

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        """A request's fields are over a limit; only where the engine's ``answers_large_requests`` is set."""

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        """A part of a request's body has arrived."""

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        """A request's trailers have arrived, and with them its end."""

    def _handed_out(self, stream: Any) -> bool:
        """Return whether a stream's request was appended to a list of requests, unless it was reset before."""

    def _goaway_read(self, last_stream_id: int) -> None:
        """All is taken in of a read that held a GOAWAY(NO_ERROR) with that last stream id."""

    def _connection_lost(self) -> None:
        """The peer is gone, or has ended the connection with an error: mark it closed."""

    def _close_quietly(self) -> None:
        """The last stream has ended after a GOAWAY: close; never raises."""

    def _send_quietly(self) -> None:
        """Send what the engine has to send, unless the connection is over; never raises."""


def held(name: str, read_only: bool = False) -> Any:
    """Return an attribute of a connection class that is one of the `ServerProtocol` that it holds.

    Args:
        name: The attribute's name there.
        read_only: Whether it cannot be assigned.
    """

    def assign(connection: Any, value: Any) -> None:
        setattr(connection.protocol, name, value)

    return property(attrgetter(f"protocol.{name}"), None if read_only else assign)


def held_option(name: str) -> Any:
    """Return an attribute of a connection class that is one of its protocol's `Options`; assigned, it is this connection's own.

    Args:
        name: The option's name.
    """

    def assign(connection: Any, value: Any) -> None:
        protocol = connection.protocol
        protocol.options = protocol.options._replace(**{name: value})

    return property(attrgetter(f"protocol.options.{name}"), assign)
