"""Which clients may use HTTP/2 without TLS."""
from __future__ import annotations

from typing import Any

from fasth2.gunicorn.chosen_settings import is_chosen

__all__ = ["offers_prior_knowledge"]


def offers_prior_knowledge(cfg: Any) -> bool:
    """Return True if trusted peers may use HTTP/2 with prior knowledge, without TLS, unless the operator has chosen otherwise.

    Args:
        cfg: gunicorn's configuration.
    """
    if cfg.is_ssl or "h2" not in cfg.http_protocols or getattr(cfg, "protocol", "http") != "http":
        return False
    if not hasattr(cfg, "http2_cleartext") or not is_chosen(cfg, "http2_cleartext"):
        return True
    return cfg.http2_cleartext in ("prior-knowledge", "both")
