"""curl, nghttp and node's http2 module, each run to its end."""
from __future__ import annotations

import json
from pathlib import Path

from tests.support.run import run

#: What `--write-out` says of each transfer: HTTP version, status, new connections, curl's own code.
TELL = ("--write-out", "%{stderr}%{http_version} %{http_code} %{num_connects} %{exitcode}\\n")

#: What node does.
SCRIPT = Path(__file__).parent / "node_client.js"


def curl(server, *args, data=None):
    """Run curl; strings that begin with / are paths of the server. Return what it wrote and what it tells."""
    # --silent alone leaves the meter of --parallel on.
    every = ("--silent", "--no-progress-meter", "--http2", "--max-time", "20",
             "--cacert", str(server.certificate.authority), *TELL)
    command = [*every]
    for arg in args:
        command.append(server.url + arg if isinstance(arg, str) and arg[:1] == "/" else str(arg))
        if arg == "--next":
            command += every
    done = run("curl", *command, data=data)
    return done.stdout, done.stderr.decode().splitlines()


def nghttp(server, *args):
    """Run nghttp; arguments that begin with / are paths of the server. Return what it wrote."""
    args = [server.url + arg if arg[:1] == "/" else arg for arg in args]
    return run("nghttp", "--no-verify-peer", "--timeout", "20", *args).stdout


def node(server, scenario, argument="", wait=30):
    """Run a scenario; return what it prints."""
    done = run("node", str(SCRIPT), scenario, server.url, str(server.certificate.authority), str(argument), wait=wait)
    return json.loads(done.stdout)


def is_hello(seen):
    """Whether a response that node saw is the one of ``/hello``."""
    return (seen["status"], seen["body"], seen["code"]) == (200, "Hello, world!", 0)
