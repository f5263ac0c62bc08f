from typing import ClassVar, Final, Literal, final

_Headers = list[tuple[bytes, bytes]] | list[tuple[str, str]]

REQUEST: Final = 0
DATA: Final = 1
TRAILERS: Final = 2
RESET: Final = 3
GOAWAY: Final = 4
PRIORITY: Final = 5
LARGE_REQUEST: Final = 6

@final
class Request:
    kind: ClassVar[Literal[0]]
    @property
    def stream_id(self) -> int: ...
    @property
    def headers(self) -> _Headers: ...
    @property
    def end_stream(self) -> bool: ...
    @property
    def priority(self) -> tuple[int, int, bool] | None: ...

@final
class LargeRequest:
    kind: ClassVar[Literal[6]]
    @property
    def stream_id(self) -> int: ...
    @property
    def headers(self) -> _Headers: ...
    @property
    def reason(self) -> str: ...
    @property
    def end_stream(self) -> bool: ...

@final
class Data:
    kind: ClassVar[Literal[1]]
    @property
    def stream_id(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    @property
    def flow_controlled_length(self) -> int: ...
    @property
    def end_stream(self) -> bool: ...

@final
class Trailers:
    kind: ClassVar[Literal[2]]
    @property
    def stream_id(self) -> int: ...
    @property
    def headers(self) -> _Headers: ...

@final
class Reset:
    kind: ClassVar[Literal[3]]
    @property
    def stream_id(self) -> int: ...
    @property
    def error_code(self) -> int: ...
    @property
    def remote(self) -> bool: ...

@final
class Goaway:
    kind: ClassVar[Literal[4]]
    @property
    def error_code(self) -> int: ...
    @property
    def last_stream_id(self) -> int: ...
    @property
    def additional_data(self) -> bytes | None: ...

@final
class Priority:
    kind: ClassVar[Literal[5]]
    @property
    def stream_id(self) -> int: ...
    @property
    def weight(self) -> int: ...
    @property
    def depends_on(self) -> int: ...
    @property
    def exclusive(self) -> bool: ...
