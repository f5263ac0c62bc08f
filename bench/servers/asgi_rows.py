"""The rows of ASGI: what each does to a running server, and what is asked of fasth2's servers."""
from __future__ import annotations

from ..h2load import Load
from .rows import EACH_ONE, MANY, MIB, Asked, Line, Row, counted, memory, timed

_PEERS = ("weft", "peregrine", "h2corn", "granian", "zttp")

ROWS = {
    "8x10": counted("asgi_plain", MANY),
    "1x10": counted("asgi_plain", Load("/", 13, clients=1, streams=10)),
    "100x1": timed("asgi_plain", EACH_ONE),
    "download": counted("asgi_plain", Load("/large", MIB, clients=2, streams=2)),
    "memory": Row("asgi_plain", memory, repeated=False, patient=True),
    "starlette": counted("starlette_hello", MANY),
    "fastapi": counted("fastapi_hello", MANY),
}


def _every(factor: float, most: bool = False) -> tuple[Asked, ...]:
    """The same asked of fasth2 against each peer: the best of them is one of these."""
    return tuple(Asked(peer, factor, most) for peer in _PEERS)


LINES = (
    Line("8x10", "rate", "13 bytes, -c 8 -m 10", "requests/s", (Asked("weft", 1.5), Asked("granian", 2.5)), drawn=True),
    Line("1x10", "rate", "13 bytes, -c 1 -m 10", "requests/s", _every(1.2), drawn=True),
    Line("100x1", "rate", "13 bytes, -c 100 -m 1", "requests/s", _every(1), drawn=True),
    Line("download", "rate", "1 MiB, -c 2 -m 2", "MB/s", _every(1.1), MIB / 1e6, drawn=True),
    Line("8x10", "processor", "13 bytes, -c 8 -m 10", "µs of processor", (Asked("weft", 0.6, most=True),), drawn=True),
    Line("1x10", "processor", "13 bytes, -c 1 -m 10", "µs of processor"),
    Line("100x1", "processor", "13 bytes, -c 100 -m 1", "µs of processor"),
    Line("starlette", "rate", "Starlette", "requests/s", _every(1.3), drawn=True),
    Line("starlette", "processor", "Starlette", "µs of processor"),
    Line("fastapi", "rate", "FastAPI", "requests/s"),
    Line("fastapi", "processor", "FastAPI", "µs of processor", (Asked("granian", 0.75, most=True),), drawn=True),
    Line("memory", "memory", "idle connection", "KiB", (Asked(None, 25, most=True),)),
)
