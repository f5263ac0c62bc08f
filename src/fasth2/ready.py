"""The objects that `H2Connection.ready_requests` returns, and their ``kind`` constants."""
from fasth2._engine.ready import (
    DATA,
    GOAWAY,
    LARGE_REQUEST,
    PRIORITY,
    REQUEST,
    RESET,
    TRAILERS,
    Data,
    Goaway,
    LargeRequest,
    Priority,
    Request,
    Reset,
    Trailers,
)

__all__ = [
    "DATA", "GOAWAY", "LARGE_REQUEST", "PRIORITY", "REQUEST", "RESET", "TRAILERS",
    "Data", "Goaway", "LargeRequest", "Priority", "Request", "Reset", "Trailers",
]
