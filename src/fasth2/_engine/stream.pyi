import enum
from typing import final

from fasth2.config import H2Configuration

class StreamState(enum.IntEnum):
    IDLE = 0
    RESERVED_REMOTE = 1
    RESERVED_LOCAL = 2
    OPEN = 3
    HALF_CLOSED_REMOTE = 4
    HALF_CLOSED_LOCAL = 5
    CLOSED = 6

class StreamClosedBy(enum.Enum):
    SEND_END_STREAM = 0
    RECV_END_STREAM = 1
    SEND_RST_STREAM = 2
    RECV_RST_STREAM = 3

@final
class StreamStateMachine:
    @property
    def state(self) -> StreamState: ...
    @property
    def stream_id(self) -> int: ...

@final
class H2Stream:
    outbound_flow_control_window: int
    def __init__(
        self, stream_id: int, config: H2Configuration | None, inbound_window_size: int, outbound_window_size: int
    ) -> None: ...
    @property
    def stream_id(self) -> int: ...
    @property
    def state(self) -> StreamState: ...
    @property
    def state_machine(self) -> StreamStateMachine: ...
    @property
    def open(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def closed_by(self) -> StreamClosedBy | None: ...
    @property
    def inbound_flow_control_window(self) -> int: ...
    @property
    def unsent(self) -> int: ...
