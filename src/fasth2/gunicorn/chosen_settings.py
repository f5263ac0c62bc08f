"""Detection of gunicorn settings that the operator has set."""
from __future__ import annotations

import os
import shlex
import sys
from typing import Any

__all__ = ["is_chosen"]


def is_chosen(cfg: Any, name: str) -> bool:
    """Return True if the operator set a setting, even to its default.

    Args:
        cfg: gunicorn's configuration, loaded.
        name: The setting's name.
    """
    setting = cfg.settings[name]
    if setting.get() != type(setting)().get():
        return True
    words = [*sys.argv[1:], *shlex.split(os.environ.get("GUNICORN_CMD_ARGS", ""))]
    if any(word == option or word.startswith(option + "=") for word in words for option in setting.cli or ()):
        return True
    # The names under which gunicorn loads a configuration file, or a module.
    location = cfg.config or ""
    module = location.partition(":")[2] if location.startswith("python:") else "__config__"
    return hasattr(sys.modules.get(module), name)
