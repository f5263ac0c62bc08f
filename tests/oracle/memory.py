"""Takes h2's server back to what it was before a call that it refused.

h2 moves its state machines, windows, tables and settings before it finds that a
call can't be obeyed. fasth2 changes nothing (docs/differences.md, refused-calls),
so that the conversation can only go on when h2 forgets the call too.
"""
from __future__ import annotations

import collections
from typing import Any

from h2.connection import H2Connection


class Memory:
    """A server's state, to be put back."""

    def __init__(self, connection: H2Connection) -> None:
        self.connection = connection
        self.plain = {name: value for name, value in vars(connection).items()
                      if isinstance(value, (int, bytes, bytearray))}
        self.buffer = bytes(connection._data_to_send)
        self.streams = dict(connection.streams)
        self.closed = list(connection._closed_streams.items())
        self.parts = [(part, dict(vars(part))) for part in self._parts()]
        self.table = (connection.encoder.header_table, collections.deque(connection.encoder.header_table.dynamic_entries))
        self.changes = list(connection.encoder.table_size_changes)
        self.settings = [(settings, {key: list(values) for key, values in settings._settings.items()})
                         for settings in (connection.local_settings, connection.remote_settings)]

    def _parts(self) -> list[Any]:
        connection = self.connection
        parts = [connection.state_machine, connection._inbound_flow_control_window_manager,
                 connection.encoder.header_table]
        for stream in self.streams.values():
            parts += [stream, stream.state_machine, stream._inbound_window_manager]
        return parts

    def put_back(self) -> None:
        """Undoes whatever happened since."""
        connection = self.connection
        vars(connection).update(self.plain)
        connection._data_to_send = bytearray(self.buffer)
        connection.streams.clear()
        connection.streams.update(self.streams)
        connection._closed_streams.clear()
        for key, value in self.closed:
            connection._closed_streams[key] = value
        for part, attributes in self.parts:
            vars(part).clear()
            vars(part).update(attributes)
        table, entries = self.table
        table.dynamic_entries = collections.deque(entries)
        connection.encoder.table_size_changes = list(self.changes)
        for settings, values in self.settings:
            settings._settings.clear()
            for key, queue in values.items():
                settings._settings[key] = collections.deque(queue)
