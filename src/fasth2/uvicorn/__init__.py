"""HTTP/2 under uvicorn: ``uvicorn --http fasth2.uvicorn:H2Protocol app:app``."""
from __future__ import annotations

try:
    import uvicorn
except ImportError as error:
    raise ImportError("fasth2.uvicorn needs uvicorn 0.23 or later: pip install 'uvicorn>=0.23'", name="uvicorn") from error

if tuple(int(part) for part in uvicorn.__version__.split(".")[:2]) < (0, 23):
    raise ImportError(f"fasth2.uvicorn needs uvicorn 0.23 or later, and uvicorn is {uvicorn.__version__}", name="uvicorn")

from fasth2.asgi.settings import ASGISettings
from fasth2.server.counting import counters

from .protocol import H2Protocol

__all__ = ["ASGISettings", "H2Protocol", "counters"]
