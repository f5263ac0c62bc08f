"""gunicorn, started with fasth2 in its place from the first line on: ``python -m fasth2 gunicorn``."""
from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication

from fasth2.gunicorn.dropin.install import ensure_installed, status

__all__ = ["Application", "run"]

#: gunicorn's names of the workers that fasth2 has its own class for.
_WORKERS = ("gthread", "gevent", "asgi")

#: gunicorn's own name of the worker that serves where no one chose one.
_PLAIN = "sync"


class Application(WSGIApplication):
    """gunicorn's application, with other defaults: fasth2's worker classes, HTTP/2 and HTTP/1.1.

    Whatever the operator sets goes before them, but that a worker class by
    one of gunicorn's short names is fasth2's class for it.

    Args:
        arguments: gunicorn's command line, without the program's name.
        prog: The program's name, for its help.
    """

    def __init__(self, arguments: Sequence[str], prog: str) -> None:
        self._arguments = list(arguments)
        super().__init__("%(prog)s [OPTIONS] [APP_MODULE]", prog=prog)

    def load_default_config(self) -> None:
        """Called by gunicorn before it reads settings, again at each reload."""
        super().load_default_config()
        if ensure_installed().installed:
            self.cfg.set("http_protocols", "h2,h1")

    def load_config(self) -> None:
        """Called by gunicorn to read settings."""
        started_as = sys.argv
        # gunicorn's parser reads it; for the rest of the time it says how to start this again.
        sys.argv = [self.prog, *self._arguments]
        try:
            super().load_config()
        finally:
            sys.argv = started_as
        name = self._worker_name()
        if name in _WORKERS and status().installed:
            self.cfg.set("worker_class", f"fasth2.gunicorn.{name}")

    def _worker_name(self) -> Any:
        name = self.cfg.settings["worker_class"].get()
        # gunicorn itself takes the threaded worker where there are threads.
        return "gthread" if name == _PLAIN else name


def run(arguments: Sequence[str], prog: str) -> None:
    """Run gunicorn; does not return.

    Args:
        arguments: gunicorn's command line, without the program's name.
        prog: The program's name, for its help.
    """
    # What gunicorn starts at SIGUSR2, after the interpreter.
    sys.argv = ["-m", "fasth2", "gunicorn", *arguments]
    Application(arguments, prog).run()
