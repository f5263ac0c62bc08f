"""The offer of HTTP/2 in TLS (ALPN), which uvicorn below 0.53 does not make by itself."""
from __future__ import annotations

import inspect
from typing import Any

from uvicorn import config as uvicorn_config

__all__ = ["ALPN_PROTOCOLS", "offer"]

#: The protocols, the preferred one first.
ALPN_PROTOCOLS = ["h2", "http/1.1"]

#: uvicorn reads them from the class of the protocol.
UVICORN_OFFERS = "alpn_protocols" in inspect.signature(uvicorn_config.create_ssl_context).parameters

_OFFERED = "_fasth2_offers_h2"


def offer(config: Any, protocols: list[str]) -> None:
    """Have a server offer protocols, unless uvicorn does or the operator's own factory has made the TLS context.

    Args:
        config: uvicorn's configuration, loaded. The loop makes TLS objects only after the protocol object, so that the
            first connection has the offer, too.
        protocols: The protocols.
    """
    if UVICORN_OFFERS or config.ssl is None or getattr(config, "ssl_context_factory", None) is not None:
        return
    if getattr(config, _OFFERED, None) is not config.ssl:
        config.ssl.set_alpn_protocols(protocols)
        setattr(config, _OFFERED, config.ssl)
