"""h2's events, returned by `H2Connection.receive_data`."""
from __future__ import annotations

from fasth2._engine.events import (
    AlternativeServiceAvailable,
    ConnectionTerminated,
    DataReceived,
    Event,
    ExtensionFrame,
    InformationalResponseReceived,
    PingAckReceived,
    PingReceived,
    PriorityUpdated,
    PushedStreamReceived,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    UnknownFrameReceived,
    WindowUpdated,
)
from fasth2._engine.settings import ChangedSetting, SettingCodes
from fasth2._engine.settings import Settings as Settings
from fasth2.errors import ErrorCodes

__all__ = [
    "AlternativeServiceAvailable",
    "ChangedSetting",
    "ConnectionTerminated",
    "DataReceived",
    "ErrorCodes",
    "Event",
    "ExtensionFrame",
    "InformationalResponseReceived",
    "PingAckReceived",
    "PingReceived",
    "PriorityUpdated",
    "PushedStreamReceived",
    "RemoteSettingsChanged",
    "RequestReceived",
    "ResponseReceived",
    "SettingCodes",
    "SettingsAcknowledged",
    "StreamEnded",
    "StreamReset",
    "TrailersReceived",
    "UnknownFrameReceived",
    "WindowUpdated",
]
