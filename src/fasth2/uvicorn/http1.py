"""HTTP/1.1 on the same port: uvicorn's own class, or the one that the operator names."""
from __future__ import annotations

import os
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.importer import import_from_string

__all__ = ["http1_class"]

#: The environment variable that names the class.
VARIABLE = "FASTH2_HTTP1"


def http1_class(chosen: Any) -> Any:
    """Return the protocol class for connections that speak HTTP/1.1.

    Args:
        chosen: A class, its name ("module:Class"), a name that uvicorn knows ("auto", "h11", "httptools"), or ``None``
            for the one that ``FASTH2_HTTP1`` names, by default "auto".

    Raises:
        uvicorn.importer.ImportFromStringError: It cannot be imported.
    """
    if chosen is None:
        chosen = os.environ.get(VARIABLE) or "auto"
    return import_from_string(HTTP_PROTOCOLS.get(chosen, chosen)) if isinstance(chosen, str) else chosen
