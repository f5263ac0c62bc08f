"""gunicorn as a process of its own, over TLS, on a free port of 127.0.0.1."""
from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from gunicorn.config import Config

from .certificate import Certificate
from .gunicorn_versions import Version
from .paths import ROOT, SOURCE

#: Run before gunicorn so that packages named in BLOCKED cannot be imported.
_BLOCK = """\
import os, sys
for name in os.environ["FASTH2_TEST_BLOCKED"].split(","):
    sys.modules[name] = None
"""

#: Where a worker's sign of life waits for no disk, which short time-outs would not survive.
MEMORY = "/dev/shm"


class Gunicorn:
    """A running gunicorn; a context manager that stops it.

    Its log goes to a file; `log` reads it, and `stop` prints it, so that
    pytest shows it with a failure. The process is stopped by its own pid.

    Args:
        directory: A directory for the files it needs.
        app: ``module:callable``; modules of the repository can be named.
        *options: Command line options, after those that this class sets: the
            bind address, one worker, and the certificate.
        certificate: The server's certificate; ``None`` for cleartext.
        config: The text of a configuration file, or ``None``.
        env: Changes to the environment.
        blocked: Packages that cannot be imported in it, such as ``h2``.
        wait: Seconds it may take to accept connections.
        version: Its version; the one in the environment unless given.
        program: What starts it, as arguments for the interpreter.

    Raises:
        RuntimeError: It ended or did not accept in time; the log is in the text.
    """

    def __init__(
        self,
        directory: Path,
        app: str,
        *options: str,
        certificate: Certificate | None = None,
        config: str | None = None,
        env: dict[str, str] | None = None,
        blocked: tuple[str, ...] = (),
        wait: float = 20.0,
        version: Version | None = None,
        program: tuple[str, ...] = ("-m", "gunicorn"),
    ) -> None:
        self.certificate = certificate
        self.log_file = directory / "gunicorn.log"
        environment = {**os.environ, **(env or {})}
        paths = [str(SOURCE), str(ROOT)]
        if blocked:
            site = directory / "site"
            site.mkdir(exist_ok=True)
            (site / "sitecustomize.py").write_text(_BLOCK)
            environment["FASTH2_TEST_BLOCKED"] = ",".join(blocked)
            paths.insert(0, str(site))
        if version is not None:
            paths.insert(0, str(version.site))
        environment["PYTHONPATH"] = os.pathsep.join([*paths, environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        command = [sys.executable, *program, "--bind", "127.0.0.1:0", "--workers", "1",
                   "--worker-tmp-dir", MEMORY if os.access(MEMORY, os.W_OK) else str(directory)]
        if "control_socket" in Config().settings if version is None else version.has_control_socket:
            command.append("--no-control-socket")
        if certificate is not None:
            command += ["--certfile", str(certificate.cert), "--keyfile", str(certificate.key)]
        if config is not None:
            path = directory / "conf.py"
            path.write_text(config)
            command += ["--config", str(path)]
        command += [*options, app]
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.port = self._wait_until_it_accepts(wait)
        except BaseException:
            self.stop()
            raise

    def _wait_until_it_accepts(self, wait: float) -> int:
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline and self.process.poll() is None:
            text = self.log
            bound = re.search(r"Listening at: https?://127\.0\.0\.1:(\d+)", text)
            if bound and "Booting worker with pid" in text:
                port = int(bound[1])
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    return port
                except OSError:
                    pass
            time.sleep(0.02)
        raise RuntimeError(f"gunicorn did not start:\n{self.log}")

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def workers(self) -> list[int]:
        """The process of each worker that it has started, also of those that have ended."""
        return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.log)]

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    def descriptors(self) -> int:
        """How many descriptors the newest worker has open."""
        return len(os.listdir(Path("/proc", str(self.workers[-1]), "fd")))

    def reload(self) -> None:
        """Ask it to replace its workers gracefully."""
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> None:
        """Ask it to stop gracefully."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self, wait: float = 10.0) -> int:
        """Stop it, by force after `wait` seconds, and return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        print(f"--- log of gunicorn {self.process.pid}\n{self.log}---")
        return self.process.returncode

    def __enter__(self) -> Gunicorn:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def tracebacks(server: Gunicorn) -> int:
    """How many the log has, but for those of TLS handshakes that their client broke off."""
    log = server.log
    return log.count("Traceback") - log.count("failed with SSLEOFError")
