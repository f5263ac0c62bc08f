"""uvicorn as a process of its own, on a free port of 127.0.0.1."""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .certificate import Certificate
from .paths import ROOT, SOURCE
from .uvicorn_versions import Version


class Uvicorn:
    """A running uvicorn on fasth2; a context manager that stops it by its own pid.

    Args:
        directory: Where its log is put.
        app: ``module:callable``.
        version: Its version; ``None``: the one of the environment.
        certificate: The server's certificate; ``None`` for cleartext.
        program: Arguments for the interpreter, in place of `run_uvicorn`.
        env: Changes to the environment.
        inherit: Descriptors that it gets.
        paths: More folders for ``sys.path``.
        **keywords: Of ``uvicorn.run``; ``settings`` of `ASGISettings`.

    Raises:
        RuntimeError: It did not start in time.
    """

    def __init__(self, directory: Path, app: str = "tests.support.uvicorn_app:app", *, version: Version | None = None,
                 certificate: Certificate | None = None, program: tuple[str, ...] | None = None,
                 env: dict[str, str] | None = None, paths: tuple[str, ...] = (),
                 inherit: tuple[int, ...] = (), **keywords: Any) -> None:
        self.certificate = certificate
        self.log_file = directory / f"uvicorn-{time.monotonic_ns()}.log"
        site = [] if version is None else [str(version.site)]
        environment = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1",
                       "PYTHONPATH": os.pathsep.join([*site, *paths, str(SOURCE), str(ROOT)])}
        if program is None:
            keywords = {"host": "127.0.0.1", "port": 0, **keywords}
            if certificate is not None:
                keywords |= {"ssl_certfile": str(certificate.cert), "ssl_keyfile": str(certificate.key)}
            program = ("-m", "tests.support.run_uvicorn", app, json.dumps(keywords))
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen([sys.executable, *program], cwd=directory, env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=inherit)
        try:
            self.port = self._wait_until_it_accepts()
        except BaseException:
            self.stop()
            raise

    def _wait_until_it_accepts(self, wait: float = 60.0) -> int:
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline and self.process.poll() is None:
            text = self.log
            bound = re.search(r"Uvicorn running on (?:https?://127\.0\.0\.1:(\d+)|\S* ?socket)", text)
            if bound and "Application startup complete" in text:
                return int(bound[1] or 0)
            time.sleep(0.02)
        raise RuntimeError(f"uvicorn did not start:\n{self.log}")

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"{'http' if self.certificate is None else 'https'}://127.0.0.1:{self.port}"

    def interrupt(self) -> None:
        """Ask it to stop gracefully."""
        self.process.send_signal(signal.SIGTERM)

    def ends(self, wait: float = 10.0) -> bool:
        """Return whether it has ended in time."""
        try:
            self.process.wait(wait)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, wait: float = 10.0) -> None:
        """Stop it, by force after `wait` seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            if not self.ends(wait):
                self.process.kill()
                self.process.wait()
        print(f"--- log of uvicorn {self.process.pid}\n{self.log}---")

    def __enter__(self) -> Uvicorn:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
