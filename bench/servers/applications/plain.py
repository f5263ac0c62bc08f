"""WSGI and nothing else: 13 octets, 1 MiB at /large, 13 octets after 50 ms at /slow."""
from __future__ import annotations

import time

SMALL, LARGE = b"Hello, World!", bytes(1 << 20)


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = LARGE if path == "/large" else SMALL
    if path == "/slow":
        time.sleep(0.05)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
