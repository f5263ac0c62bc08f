"""Warnings about gunicorn settings that have no effect in fasth2's own worker."""
from __future__ import annotations

from typing import Any

from fasth2.gunicorn.chosen_settings import is_chosen

__all__ = ["tell_what_has_no_effect"]

#: Setting to the values without effect, and an explanation.
_WITHOUT_EFFECT = {
    "sendfile": ((True,), "HTTP/2 sends bodies in frames, and TLS encrypts them; HTTP/1.1 without TLS uses it"),
    "suppress_ragged_eofs": ((False,), "a connection that ends without TLS close_notify is closed quietly"),
    "do_handshake_on_connect": ((True,), "handshakes never block the worker"),
}

#: Warnings already logged, in the master process.
_warned_of: set[tuple[str, str]] = set()


def tell_what_has_no_effect(cfg: Any, log: Any, worker: str) -> None:
    """Log a warning for each setting of the operator that has no effect.

    Args:
        cfg: gunicorn's configuration.
        log: gunicorn's log.
        worker: The worker's name.
    """
    for name, (values, instead) in _WITHOUT_EFFECT.items():
        if name not in cfg.settings or not is_chosen(cfg, name):
            continue
        value = cfg.settings[name].get()
        if value in values and (name, str(value)) not in _warned_of:
            _warned_of.add((name, str(value)))
            log.warning("fasth2.gunicorn.%s: %s = %r has no effect on HTTP/2: %s", worker, name, value, instead)
