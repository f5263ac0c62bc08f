"""Frames are passed from the transport directly to the connection class, without a StreamReader.

gunicorn's ``ASGIProtocol`` feeds its ``reader``, from which the worker's loop
reads between requests or while responses are sent, depending on the version.
In some versions the transport's back-pressure reaches the writer, and a peer
that closes its sending side ends the connection. Here the ``reader`` of one
protocol object is replaced, and its ``pause_writing``, ``resume_writing`` and
``eof_received`` call the connection.
"""
from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["push_input"]


class PushReader:
    """Replaces a protocol's StreamReader and passes input on to a connection."""

    #: The buffer whose size gunicorn's protocol checks to pause reading; always empty.
    _buffer = b""

    def __init__(self, connection: Any) -> None:
        self.feed_data = connection.data_received
        self.feed_eof = connection.eof_received


def push_input(connection: Any) -> bool:
    """Attach a connection to its writer's transport, if that transport belongs to gunicorn's protocol.

    Args:
        connection: A `fasth2.server._asyncio.AsyncConnection`.

    Returns:
        True if it was attached; otherwise the connection continues to read from its reader.
    """
    transport = getattr(connection.writer, "transport", connection.writer)
    protocol = _protocol(transport)
    reader = getattr(protocol, "reader", None)
    if reader is None or connection.reader is not reader:
        return False
    connection.attach(transport)
    protocol.reader = PushReader(connection)
    for name in ("pause_writing", "resume_writing"):
        setattr(protocol, name, _call_both(getattr(protocol, name, None), getattr(connection, name)))
    if transport.get_extra_info("sslcontext") is None:
        # TLS of asyncio and of uvloop does not support half-closed connections.
        setattr(protocol, "eof_received", connection.input_ended)  # noqa: B010 (there may be no such method)
    # Octets that arrived before.
    buffered = bytes(reader._buffer)
    reader._buffer.clear()
    if buffered:
        connection.data_received(buffered)
    if reader.at_eof():
        connection.eof_received()
    return True


def _protocol(transport: Any) -> Any:
    get_protocol = getattr(transport, "get_protocol", None)
    protocol = get_protocol() if get_protocol is not None else None
    # Tests pass other objects as the transport.
    return protocol if isinstance(protocol, asyncio.BaseProtocol) else None


def _call_both(theirs: Any, ours: Any) -> Any:
    def call() -> None:
        # In this order: ours may write, which may fill the transport again before it returns.
        try:
            if theirs is not None:
                theirs()
        finally:
            ours()

    return call
