"""gunicorn's threaded worker on fasth2."""
from __future__ import annotations

import os
import shlex
import sys
from typing import Any

from gunicorn.workers import gthread

from ._install import install, status

__all__ = ["ThreadWorker"]


class ThreadWorker(gthread.ThreadWorker):
    """gunicorn's ``gthread`` worker, with HTTP/2 by fasth2.

    For ``-k fasth2.gunicorn.ThreadWorker``. Over TLS it offers HTTP/2 and
    HTTP/1.1 unless the operator set ``http_protocols``.

    gunicorn 27 checks an ``http_protocols`` that names h2 before it imports
    the worker class, and exits where the h2 package is missing. Without that
    package leave the setting out, or call `fasth2.gunicorn.install` in the
    configuration file.
    """

    @classmethod
    def setup(cls) -> None:
        """Called by gunicorn when it reads the worker class, in the master."""
        install()

    def __init__(self, age: int, ppid: int, sockets: Any, app: Any, timeout: float, cfg: Any, log: Any) -> None:
        # In the master, before the fork; after a reload with a fresh configuration.
        if status().installed and not protocols_chosen(cfg):
            cfg.set("http_protocols", "h2,h1")
        super().__init__(age, ppid, sockets, app, timeout, cfg, log)


def protocols_chosen(cfg: Any) -> bool:
    """Whether the operator set ``http_protocols``, even to its default.

    Args:
        cfg: gunicorn's configuration, loaded.
    """
    setting = cfg.settings["http_protocols"]
    if cfg.http_protocols != type(setting)().get():
        return True
    words = [*sys.argv[1:], *shlex.split(os.environ.get("GUNICORN_CMD_ARGS", ""))]
    if any(word == option or word.startswith(option + "=") for word in words for option in setting.cli):
        return True
    # Where gunicorn leaves a configuration file, or finds a module.
    location = cfg.config or ""
    name = location.partition(":")[2] if location.startswith("python:") else "__config__"
    return hasattr(sys.modules.get(name), "http_protocols")
