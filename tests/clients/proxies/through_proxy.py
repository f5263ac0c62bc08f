"""curl, as a client of a proxy."""
from __future__ import annotations

import os
import subprocess

from tests.support.proxies import program


def start_curl(proxy, *args):
    """Start curl with HTTP/2 over TLS; arguments that begin with / are paths of the proxy."""
    args = [proxy.url + arg if arg[:1] == "/" else arg for arg in args]
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    return subprocess.Popen(
        [program("curl"), "--silent", "--no-progress-meter", "--http2", "--no-buffer", "--max-time", "60",
         "--cacert", str(proxy.certificate.authority), *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def curl(proxy, path, *args):
    """Run curl to its end; return its own code, the status and what it wrote."""
    process = start_curl(proxy, path, *args, "--write-out", "%{stderr}%{http_code}")
    try:
        out, told = process.communicate(timeout=90)
    finally:
        process.kill()
    return process.returncode, int(told), out
