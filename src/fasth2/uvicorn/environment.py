"""The settings of the protocol class from the environment, where uvicorn has no option for them."""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fasth2.asgi.settings import ASGISettings
from fasth2.limits import Limits
from fasth2.server._options import shared_limits
from fasth2.server.limit_settings import parse_limits
from fasth2.server.setting_kinds import Flag, Number, Optional

__all__ = ["ENVIRONMENT", "FLAGS", "VARIABLES", "Environment"]

_OCTETS = Number("octets", 0, 2**63 - 1)
_SECONDS = Number("seconds", 0, 10**9, float)

_LIMITS = "FASTH2_LIMITS"

#: Variable to the attribute of the protocol class that it sets, which is a bool.
FLAGS = {"FASTH2_RENEW_CERTIFICATE": "renew_certificate", "FASTH2_GC_FREEZE": "gc_freeze"}

#: Variable to the field of `ASGISettings` that it sets, and its kind.
VARIABLES: dict[str, tuple[str, Flag | Number | Optional]] = {
    "FASTH2_INITIAL_WINDOW": ("initial_window", Number("octets", 0, 2**31 - 1)),
    "FASTH2_ADAPTIVE_WINDOWS": ("adaptive_windows", Flag()),
    "FASTH2_SEND_BUFFER": ("send_buffer", Number("octets", 0, 2**31 - 1)),
    "FASTH2_UNSENT_CONNECTION": ("unsent_connection", _OCTETS),
    "FASTH2_UNSENT_PROCESS": ("unsent_process", _OCTETS),
    "FASTH2_KEEPALIVE_PINGS": ("keep_alive_pings", Flag()),
    "FASTH2_EAGER_TASKS": ("eager_tasks", Flag()),
    "FASTH2_CANCEL_ON_RESET": ("cancel_on_reset", Flag()),
    "FASTH2_DISCONNECT_ON_SHUTDOWN": ("disconnect_on_shutdown", Optional(_SECONDS)),
    "FASTH2_GOAWAY_AFTER": ("goaway_after", _SECONDS),
    "FASTH2_MAX_AGE": ("max_age", Optional(_SECONDS)),
    "FASTH2_MAX_AGE_JITTER": ("max_age_jitter", Number("times max_age", 0, 10, float)),
    "FASTH2_MAX_BODY": ("max_body", Optional(_OCTETS)),
    "FASTH2_BODY_TIMEOUT": ("body_timeout", Optional(_SECONDS)),
    "FASTH2_MIN_BODY_RATE": ("min_body_rate", Number("octets a second", 0, 2**31 - 1)),
    "FASTH2_SEND_TIMEOUT": ("send_timeout", Optional(_SECONDS)),
}


class Environment:
    """What the environment sets; it comes before the attributes of the protocol class.

    Args:
        variables: The environment.

    Raises:
        TypeError: A limit has a value of the wrong type.
        ValueError: A value is invalid.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self._fields: dict[str, Any] = {}
        for variable, (field, kind) in VARIABLES.items():
            if text := variables.get(variable):
                self._fields[field] = kind.parse(variable, text)
        self._flags: dict[str, bool] = {}
        for variable, attribute in FLAGS.items():
            if text := variables.get(variable):
                self._flags[attribute] = Flag().parse(variable, text)
        self._limits = parse_limits(_LIMITS, variables.get(_LIMITS, ""), {})

    def settings(self, chosen: ASGISettings) -> ASGISettings:
        """Return settings with what the environment sets.

        Args:
            chosen: The class's settings.
        """
        return replace(chosen, **self._fields) if self._fields else chosen

    def flag(self, name: str, chosen: bool) -> bool:
        """Return a flag as the environment sets it.

        Args:
            name: The attribute of the protocol class.
            chosen: Its value there.
        """
        return self._flags.get(name, chosen)

    def limits(self, chosen: Limits) -> Limits:
        """Return limits with what the environment sets.

        Args:
            chosen: The class's limits.
        """
        if not self._limits:
            return chosen
        return shared_limits(**{name: getattr(chosen, name) for name in Limits.__slots__} | self._limits)


#: Read when the module is imported, so that a server with an invalid value does not start.
ENVIRONMENT = Environment()
