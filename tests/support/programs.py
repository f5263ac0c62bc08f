"""Programs that use h2, unmodified, on fasth2: in environments that have no h2."""
from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from .certificate import Certificate
from .paths import ROOT, SOURCE
from .waiting import until

#: What nobody can import in these environments.
ABSENT = ("h2", "hpack", "hyperframe")

_FOLDER = ROOT / ".work" / "programs" / (str(sysconfig.get_config_var("VERSION")) + sys.abiflags)


class Environment:
    """A virtual environment that ``make programs`` has made.

    Args:
        name: The name of its file in ``requirements/programs``.

    Raises:
        RuntimeError: It is not made.
    """

    def __init__(self, name: str) -> None:
        self.folder = _FOLDER / name
        if not (self.folder / ".made").exists():
            raise RuntimeError(f"{self.folder} is missing: `make programs` makes it")
        self.python = str(self.folder / "bin" / "python")
        self.site = next((self.folder / "lib").glob("python*/site-packages"))

    def script(self, name: str) -> str:
        """Return where a program of it is."""
        return str(self.folder / "bin" / name)

    def command(self, *args: str, fasth2: bool = True) -> list[str]:
        """Return the command that runs a program.

        Args:
            *args: ``-m`` and a module, or a script; then its arguments.
            fasth2: True to run it with fasth2 in h2's place.
        """
        return [self.python, *(("-m", "fasth2", "run") if fasth2 else ()), *args]

    def run(self, *args: str, wait: float = 120.0, fasth2: bool = True) -> str:
        """Run a program to its end; return its standard output. A status other than 0 fails the test.

        Args:
            *args: As for `command`.
            wait: Seconds it may take.
            fasth2: As for `command`.
        """
        command = self.command(*args, fasth2=fasth2)
        process = subprocess.Popen(command, env=_variables(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        ended = "ended"
        try:
            out, error = process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            ended = "did not end"
            # It says where it is.
            process.send_signal(signal.SIGINT)
            try:
                out, error = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                out, error = process.communicate()
        print(f"--- {args}\n{out[-4000:]}\n--- its standard error\n{error[-8000:]}")
        assert ended == "ended" and process.returncode == 0, f"{args} {ended} with {process.returncode}"
        return out

    def start(self, directory: Path, *args: str, fasth2: bool = True) -> Program:
        """Start a program.

        Args:
            directory: Where it runs, and where its log is.
            *args: As for `command`.
            fasth2: As for `command`.
        """
        return Program(directory, self.command(*args, fasth2=fasth2), _variables())


def _variables() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(ROOT)])}


class Program:
    """A running program; a context manager that stops it by its process id.

    Args:
        directory: Where it runs, and where its log is.
        command: What starts it.
        env: Its environment; ``None`` for that of the tests.
    """

    #: Where it serves, once `serves` or `accepts` has told.
    port: int
    #: Its certificate, where it serves over TLS.
    certificate: Certificate | None = None

    def __init__(self, directory: Path, command: list[str], env: dict[str, str] | None = None) -> None:
        self.log_file = directory / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"{'http' if self.certificate is None else 'https'}://127.0.0.1:{self.port}"

    def serves(self, pattern: str, certificate: Certificate | None = None, wait: float = 30.0) -> Program:
        """Wait until it has written its port and accepts connections there; return itself.

        Args:
            pattern: A regular expression; its group is the port.
            certificate: The server's certificate; ``None`` for cleartext.
            wait: Seconds at most.

        Raises:
            RuntimeError: It does not, or has ended.
        """
        until(lambda: re.search(pattern, self.log) or self.process.poll() is not None, wait)
        found = re.search(pattern, self.log)
        if found is None:
            self.stop()
            raise RuntimeError(f"it did not say {pattern!r}:\n{self.log}")
        return self.accepts(int(found[1]), certificate, wait)

    def accepts(self, port: int, certificate: Certificate | None = None, wait: float = 30.0) -> Program:
        """Wait until it accepts connections; return itself.

        Args:
            port: Where.
            certificate: As for `serves`.
            wait: Seconds at most.

        Raises:
            RuntimeError: It does not, or has ended.
        """
        self.port, self.certificate = port, certificate
        if not until(lambda: _connects(port) or self.process.poll() is not None, wait) or self.process.poll() is not None:
            self.stop()
            raise RuntimeError(f"it does not accept connections:\n{self.log}")
        return self

    def stop(self, how: int = signal.SIGTERM, wait: float = 10.0) -> int:
        """Stop it, by force after `wait` seconds; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        print(f"--- log of {self.process.args}\n{self.log[-8000:]}")
        return self.process.returncode

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def _connects(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago, for servers that cannot choose one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
