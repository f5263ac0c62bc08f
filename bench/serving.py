"""Servers under load: started over TLS, looked at through /proc, stopped."""
from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import trustme

HOST = "127.0.0.1"
# How long a server may take to start or stop unless told otherwise, in seconds.
PATIENCE = 20


class Failed(Exception):
    """A server did not start, or did not do what is measured."""


class Certificate(NamedTuple):
    """Files in PEM that a server reads."""

    chain: Path
    key: Path


class Server(NamedTuple):
    """A running server.

    Attributes:
        port: Where it listens.
        process: Its first process; workers are its children.
    """

    port: int
    process: int

    def url(self, path: str) -> str:
        return f"https://{HOST}:{self.port}{path}"

    def processes(self) -> list[int]:
        """The first process and all that descend from it."""
        found = [self.process]
        for process in found:  # grows while it is read
            for task in Path(f"/proc/{process}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        return found

    def processor_seconds(self) -> float:
        """Processor time that its processes have used."""
        # The clock of a process, as clock_getcpuclockid(3) makes its number: nanoseconds where /proc has ticks.
        return sum(time.clock_gettime(~process << 3 | 2) for process in self.processes())

    def resident_octets(self) -> int:
        """Memory that its processes have in RAM; what several share counts for each."""
        pages = sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in self.processes())
        return pages * os.sysconf("SC_PAGE_SIZE")


def processor_name() -> str:
    """What the system calls the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def issue_certificate(directory: Path) -> Certificate:
    """Make a certificate for ``HOST`` with an elliptic key, as trustme does."""
    issued = trustme.CA().issue_cert(HOST, "localhost")
    made = Certificate(directory / "cert.pem", directory / "key.pem")
    issued.private_key_pem.write_to_path(made.key)
    issued.cert_chain_pems[0].write_to_path(made.chain)
    return made


def client_context() -> ssl.SSLContext:
    """TLS of a client that offers HTTP/2 and trusts everyone."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _answers_h2(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as plain:
            with client_context().wrap_socket(plain) as secure:
                return secure.selected_alpn_protocol() == "h2"
    except OSError:
        return False


@contextlib.contextmanager
def serving(
    name: str,
    command: Sequence[str | Path],
    port: int,
    directory: Path,
    cwd: Path | None = None,
    patience: float = PATIENCE,
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        name: What it is called in errors; its output goes to a file of this name.
        command: What starts it.
        port: Where the command makes it listen.
        directory: Where the output goes.
        cwd: Where it runs.
        patience: How many seconds it may take to start or stop.
        env: Its environment, where that is not this process's.

    Yields:
        The server, once it has agreed on HTTP/2 with a client.

    Raises:
        Failed: It didn't in time.
    """
    with open(directory / f"{name}.log", "w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=cwd, env=env)
        try:
            deadline = time.monotonic() + patience
            while not _answers_h2(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise Failed(f"{name}: the server does not answer HTTP/2\n{log.read()}")
                time.sleep(0.1)
            yield Server(port, process.pid)
        finally:
            processes = Server(port, process.pid).processes() if process.poll() is None else []
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                # Workers that are stuck outlive the first process.
                for number in processes:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(number, signal.SIGKILL)
                process.wait()
