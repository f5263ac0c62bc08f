"""What `H2Connection.ready_requests` returns, and the ``kind`` of each."""
from fasth2._ready import (
    DATA,
    GOAWAY,
    PRIORITY,
    REQUEST,
    RESET,
    TRAILERS,
    Data,
    Goaway,
    Priority,
    Request,
    Reset,
    Trailers,
)

__all__ = [
    "DATA", "GOAWAY", "PRIORITY", "REQUEST", "RESET", "TRAILERS",
    "Data", "Goaway", "Priority", "Request", "Reset", "Trailers",
]
