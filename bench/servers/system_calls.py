"""System calls, counted by strace."""
from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

from .. import h2load
from ..serving import Failed, Server

KINDS = {
    "read": {"read", "readv", "recv", "recvfrom", "recvmsg", "recvmmsg"},
    "write": {"write", "writev", "send", "sendto", "sendmsg", "sendmmsg"},
    "poll": {"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"},
    "futex": {"futex"},
}


def parse(summary: str) -> Counter[str]:
    """Read the table that ``strace -c`` prints; return how often each call was made."""
    counts: Counter[str] = Counter()
    # Percent, seconds, microseconds a call, calls, errors where there were some, name.
    for line in re.finditer(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", summary, re.MULTILINE):
        if line[2] != "total":
            counts[line[2]] += int(line[1])
    return counts


def per_request(load: h2load.Load, server: Server, requests: int, directory: Path) -> dict[str, float]:
    """Count the calls that a server makes for each request.

    Being watched slows it down, so its rate means nothing, and it finds more to do
    whenever it looks: what batches at all, batches as under full load.

    Args:
        load: What is sent.
        server: The server.
        requests: How many requests are sent.
        directory: For a file.

    Returns:
        Calls a request: all of them, and those of each of ``KINDS``.

    Raises:
        Failed: strace isn't there or may not watch, or a request failed.
    """
    if not shutil.which("strace"):
        raise Failed("strace is not installed")
    path = directory / "strace"
    processes = server.processes()
    command = ["strace", "-f", "-c", "-o", path, *(f"--attach={process}" for process in processes)]
    watcher = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for process in processes:
            line = watcher.stderr.readline()
            if "attached" not in line:
                raise Failed(f"strace can't watch process {process}: {line}")
        report = h2load.run(load, server, requests, patience=120)
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.communicate()
    if report.lost:
        raise Failed(f"{report.lost} requests lost")
    counts = parse(path.read_text())
    kinds = {kind: sum(counts[name] for name in names) for kind, names in KINDS.items()}
    return {name: count / report.answered for name, count in {"all": counts.total(), **kinds}.items()}
