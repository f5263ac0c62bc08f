"""``python -m fasth2 gunicorn``: starts gunicorn with fasth2 installed."""
from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication

from fasth2.gunicorn.dropin.install import ensure_installed, status

__all__ = ["Application", "run"]

#: gunicorn's short names of the workers for which fasth2 has a class.
_WORKERS = ("gthread", "gevent", "asgi")

#: gunicorn's short name of its default worker.
_PLAIN = "sync"


class Application(WSGIApplication):
    """gunicorn's application, with other defaults: fasth2's worker classes, HTTP/2 and HTTP/1.1.

    The operator's settings take precedence, except that one of gunicorn's
    short names for a worker class selects fasth2's class for it.

    Args:
        arguments: gunicorn's command line, without the program's name.
        prog: The program's name, for its help.
    """

    def __init__(self, arguments: Sequence[str], prog: str) -> None:
        self._arguments = list(arguments)
        super().__init__("%(prog)s [OPTIONS] [APP_MODULE]", prog=prog)

    def load_default_config(self) -> None:
        """Called by gunicorn before it reads settings, and at each reload."""
        super().load_default_config()
        if ensure_installed().installed:
            self.cfg.set("http_protocols", "h2,h1")

    def load_config(self) -> None:
        """Called by gunicorn to read settings."""
        started_as = sys.argv
        # gunicorn's parser reads sys.argv; otherwise it holds the command to start this again.
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
        # gunicorn itself uses the threaded worker if `threads` is above 1.
        return "gthread" if name == _PLAIN else name


def run(arguments: Sequence[str], prog: str) -> None:
    """Run gunicorn; does not return.

    Args:
        arguments: gunicorn's command line, without the program's name.
        prog: The program's name, for its help.
    """
    # The arguments for the interpreter that gunicorn starts at SIGUSR2.
    sys.argv = ["-m", "fasth2", "gunicorn", *arguments]
    Application(arguments, prog).run()
