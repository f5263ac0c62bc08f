"""Events and errors as plain data, so that two engines, or two cuts, can be compared."""
from __future__ import annotations

from typing import Any

EVENT_FIELDS = {
    "RequestReceived": ("stream_id", "headers", "stream_ended", "priority_updated"),
    "ResponseReceived": ("stream_id", "headers", "stream_ended", "priority_updated"),
    "TrailersReceived": ("stream_id", "headers", "stream_ended", "priority_updated"),
    "InformationalResponseReceived": ("stream_id", "headers", "priority_updated"),
    "DataReceived": ("stream_id", "data", "flow_controlled_length", "stream_ended"),
    "WindowUpdated": ("stream_id", "delta"),
    "RemoteSettingsChanged": ("changed_settings",),
    "PingReceived": ("ping_data",),
    "PingAckReceived": ("ping_data",),
    "StreamEnded": ("stream_id",),
    "StreamReset": ("stream_id", "error_code", "remote_reset"),
    "PushedStreamReceived": ("pushed_stream_id", "parent_stream_id", "headers"),
    "SettingsAcknowledged": ("changed_settings",),
    "PriorityUpdated": ("stream_id", "weight", "depends_on", "exclusive"),
    "ConnectionTerminated": ("error_code", "last_stream_id", "additional_data"),
    "AlternativeServiceAvailable": ("origin", "field_value"),
    "UnknownFrameReceived": ("frame",),
}


def describe(value: Any) -> Any:
    """An event, or anything an event holds, as tuples of plain values that compare by type and content."""
    kind = type(value).__name__
    if kind in EVENT_FIELDS:
        return (kind, *((name, describe(getattr(value, name))) for name in EVENT_FIELDS[kind]))
    if kind == "ChangedSetting":
        return (kind, describe(value.setting), value.original_value, value.new_value)
    if isinstance(value, tuple) and hasattr(value, "indexable"):
        return (kind, value[0], value[1], value.indexable)
    if isinstance(value, list):
        return [describe(item) for item in value]
    if isinstance(value, dict):
        return {int(key): describe(item) for key, item in value.items()}
    if hasattr(value, "stream_id") and hasattr(value, "body"):
        flags = getattr(value, "flag_byte", None)
        return ("frame", value.type, value.flags if flags is None else flags, value.stream_id, bytes(value.body))
    if isinstance(value, int) and kind != "bool":
        return (kind, int(value))
    return value


def describe_all(events: list[Any]) -> list[Any]:
    """``describe`` for each event."""
    return [describe(event) for event in events]


def kinds(events: list[Any]) -> list[str]:
    """The events' class names."""
    return [type(event).__name__ for event in events]


def describe_error(error: BaseException | None) -> tuple[str, int | None] | None:
    """An exception as its class name and HTTP/2 error code."""
    if error is None:
        return None
    code = getattr(error, "error_code", None)
    return (type(error).__name__, None if code is None else int(code))
