"""What tests of gunicorn's settings ask: the environment, who answers, what the connection is."""
from __future__ import annotations

import json
import os
import time

from tests.support.gate import wait_at_gate

STARTED = time.time()


def app(environ, start_response):
    """JSON about the request."""
    path = environ["PATH_INFO"]
    environ["wsgi.input"].read()
    if path == "/slow":
        time.sleep(float(environ["QUERY_STRING"]))
    if path == "/gated":
        wait_at_gate(environ["QUERY_STRING"])
    if path == "/fail":
        raise ValueError("on purpose")
    found = {key: value for key, value in environ.items() if isinstance(value, (str, int, list, tuple))}
    sock = environ["gunicorn.socket"]
    if hasattr(sock, "getpeercert"):
        cert = sock.getpeercert() or {}
        found["tls"] = [sock.version(), sock.cipher()[0], sock.selected_alpn_protocol(), str(cert.get("subject"))]
    body = json.dumps({**found, "pid": os.getpid(), "started": STARTED}).encode()
    fields = [("Content-Type", "application/json"), ("X-Pid", str(os.getpid()))]
    if path != "/no-length":
        fields.append(("Content-Length", str(len(body))))
    start_response("200 OK", fields)
    return [body]
