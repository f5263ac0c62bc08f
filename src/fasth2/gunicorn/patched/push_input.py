"""Frames straight from the transport to the connection class, past the StreamReader.

gunicorn's ``ASGIProtocol`` gives what it receives to its ``reader``, and the
worker's loop reads from that between requests, or while responses are sent,
depending on the version; the transport's back-pressure reaches the writer in
some, and a peer that ends its side ends the connection. Here the ``reader`` of that one protocol object is replaced, and its
``pause_writing``, ``resume_writing`` and ``eof_received`` reach the connection.
"""
from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["push_input"]


class PushReader:
    """Stands where a protocol keeps its StreamReader."""

    #: What gunicorn's protocol measures to know whether to pause reading; nothing is kept here.
    _buffer = b""

    def __init__(self, connection: Any) -> None:
        self.feed_data = connection.data_received
        self.feed_eof = connection.eof_received


def push_input(connection: Any) -> bool:
    """Attach a connection to the transport of its writer, if gunicorn's protocol is behind that.

    Args:
        connection: A `fasth2.server._asyncio.AsyncConnection`.

    Returns:
        Whether it was; otherwise the connection goes on to read from its reader.
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
        # TLS of asyncio and of uvloop cannot keep one side open.
        setattr(protocol, "eof_received", connection.input_ended)  # noqa: B010 (there may be no such method)
    # What arrived before.
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
    # Tests put all kinds of things in a transport's place.
    return protocol if isinstance(protocol, asyncio.BaseProtocol) else None


def _call_both(theirs: Any, ours: Any) -> Any:
    def call() -> None:
        # In this order: ours may write, and the transport be full again before it returns.
        try:
            if theirs is not None:
                theirs()
        finally:
            ours()

    return call
