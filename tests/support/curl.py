"""curl, as a client of gunicorn."""
from __future__ import annotations

import subprocess


def curl(server, path="/", *options, http="--http2", data=None):
    """Run curl; return its output. The HTTP version is checked with ``%{http_version}`` by whoever asks."""
    command = ["curl", "--silent", "--show-error", "--max-time", "30", http,
               "--cacert", str(server.certificate.authority), *options, server.url + path]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
