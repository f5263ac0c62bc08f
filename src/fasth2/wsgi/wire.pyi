from typing import Any

from fasth2.server.transport import ReadBuffers, Transport

from .session import Session

class LoopState:
    current: Any
    helping: bool
    alone: bool
    now: float
    def __init__(self) -> None: ...
    @property
    def buffers(self) -> ReadBuffers: ...

class Wire(Transport):
    session: Session
    def serve(self, state: LoopState) -> bool: ...
    def run(self, state: LoopState) -> bool: ...
    def send(self, state: LoopState) -> None: ...
