from collections.abc import Mapping
from dataclasses import Field
from typing import Any, ClassVar

from fasth2.errors import ErrorCodes

from .settings import ChangedSetting, SettingCodes

# A list of HeaderTuple: bytes, or str under a header_encoding.
_Headers = list[tuple[bytes, bytes]] | list[tuple[str, str]]

class Event: ...

class RequestReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    headers: _Headers
    stream_ended: StreamEnded | None
    priority_updated: PriorityUpdated | None
    def __init__(
        self,
        *,
        stream_id: int,
        headers: _Headers | None = None,
        stream_ended: StreamEnded | None = None,
        priority_updated: PriorityUpdated | None = None,
    ) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class ResponseReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    headers: _Headers
    stream_ended: StreamEnded | None
    priority_updated: PriorityUpdated | None
    def __init__(
        self,
        *,
        stream_id: int,
        headers: _Headers | None = None,
        stream_ended: StreamEnded | None = None,
        priority_updated: PriorityUpdated | None = None,
    ) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class TrailersReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    headers: _Headers
    stream_ended: StreamEnded | None
    priority_updated: PriorityUpdated | None
    def __init__(
        self,
        *,
        stream_id: int,
        headers: _Headers | None = None,
        stream_ended: StreamEnded | None = None,
        priority_updated: PriorityUpdated | None = None,
    ) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class InformationalResponseReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    headers: _Headers
    priority_updated: PriorityUpdated | None
    def __init__(
        self,
        *,
        stream_id: int,
        headers: _Headers | None = None,
        priority_updated: PriorityUpdated | None = None,
    ) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class DataReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    data: bytes
    flow_controlled_length: int
    stream_ended: StreamEnded | None
    def __init__(
        self,
        *,
        stream_id: int,
        data: bytes | None = None,
        flow_controlled_length: int | None = None,
        stream_ended: StreamEnded | None = None,
    ) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class WindowUpdated(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    delta: int
    def __init__(self, *, stream_id: int, delta: int | None = None) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class RemoteSettingsChanged(Event):
    changed_settings: dict[SettingCodes | int, ChangedSetting]
    def __init__(self) -> None: ...
    @classmethod
    def from_settings(
        cls,
        old_settings: Mapping[SettingCodes | int, int],
        new_settings: Mapping[int, int],
    ) -> RemoteSettingsChanged: ...

class PingReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    ping_data: bytes
    def __init__(self, *, ping_data: bytes) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class PingAckReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    ping_data: bytes
    def __init__(self, *, ping_data: bytes) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class StreamEnded(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    def __init__(self, *, stream_id: int) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class StreamReset(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    stream_id: int
    error_code: ErrorCodes | int
    remote_reset: bool
    def __init__(
        self,
        *,
        stream_id: int,
        error_code: ErrorCodes | int | None = None,
        remote_reset: bool = True,
    ) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class PushedStreamReceived(Event):
    pushed_stream_id: int | None
    parent_stream_id: int | None
    headers: _Headers | None
    def __init__(self) -> None: ...

class SettingsAcknowledged(Event):
    changed_settings: dict[SettingCodes | int, ChangedSetting]
    def __init__(self) -> None: ...

class PriorityUpdated(Event):
    stream_id: int | None
    weight: int | None
    depends_on: int | None
    exclusive: bool | None
    def __init__(self) -> None: ...

class ConnectionTerminated(Event):
    error_code: ErrorCodes | int | None
    last_stream_id: int | None
    additional_data: bytes | None
    def __init__(self) -> None: ...

class AlternativeServiceAvailable(Event):
    origin: bytes | None
    field_value: bytes | None
    def __init__(self) -> None: ...

class UnknownFrameReceived(Event):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __match_args__: ClassVar[tuple[()]]
    frame: ExtensionFrame
    def __init__(self, *, frame: ExtensionFrame) -> None: ...
    def __eq__(self, value: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class ExtensionFrame:
    type: int
    stream_id: int
    flag_byte: int
    body: bytes
    def __init__(self, type: int, stream_id: int, flag_byte: int = 0, body: bytes = b"") -> None: ...
    @property
    def flags(self) -> int: ...
    @property
    def body_len(self) -> int: ...
    def serialize(self) -> bytes: ...
