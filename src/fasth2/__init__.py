"""HTTP/2 for Python at native speed, with h2's API.

The engine is in the modules that h2 has: `fasth2.connection`, `fasth2.config`,
`fasth2.events`, `fasth2.errors`, `fasth2.exceptions`, `fasth2.settings`. The
names here are loaded when they are first used.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fasth2.alias import AliasStatus as AliasStatus
    from fasth2.alias import alias_h2 as alias_h2
    from fasth2.alias import alias_status as alias_status
    from fasth2.server.connection import HTTP2ServerConnection as HTTP2ServerConnection
    from fasth2.server.errors import HTTP2Cancel as HTTP2Cancel
    from fasth2.server.errors import HTTP2CompressionError as HTTP2CompressionError
    from fasth2.server.errors import HTTP2ConfigurationError as HTTP2ConfigurationError
    from fasth2.server.errors import HTTP2ConnectError as HTTP2ConnectError
    from fasth2.server.errors import HTTP2ConnectionError as HTTP2ConnectionError
    from fasth2.server.errors import HTTP2EnhanceYourCalm as HTTP2EnhanceYourCalm
    from fasth2.server.errors import HTTP2Error as HTTP2Error
    from fasth2.server.errors import HTTP2FlowControlError as HTTP2FlowControlError
    from fasth2.server.errors import HTTP2FrameSizeError as HTTP2FrameSizeError
    from fasth2.server.errors import HTTP2InadequateSecurity as HTTP2InadequateSecurity
    from fasth2.server.errors import HTTP2InternalError as HTTP2InternalError
    from fasth2.server.errors import HTTP2NotAvailable as HTTP2NotAvailable
    from fasth2.server.errors import HTTP2ProtocolError as HTTP2ProtocolError
    from fasth2.server.errors import HTTP2RefusedStream as HTTP2RefusedStream
    from fasth2.server.errors import HTTP2RequiresHTTP11 as HTTP2RequiresHTTP11
    from fasth2.server.errors import HTTP2SettingsTimeout as HTTP2SettingsTimeout
    from fasth2.server.errors import HTTP2StreamClosed as HTTP2StreamClosed
    from fasth2.server.errors import HTTP2StreamError as HTTP2StreamError

__version__ = "0.1.0"

#: The version of h2 whose API the engine has.
H2_VERSION = "4.4.1"

_LAZY = {
    "AliasStatus": "alias",
    "alias_h2": "alias",
    "alias_status": "alias",
    "HTTP2ServerConnection": "server.connection",
    "HTTP2Cancel": "server.errors",
    "HTTP2CompressionError": "server.errors",
    "HTTP2ConfigurationError": "server.errors",
    "HTTP2ConnectError": "server.errors",
    "HTTP2ConnectionError": "server.errors",
    "HTTP2EnhanceYourCalm": "server.errors",
    "HTTP2Error": "server.errors",
    "HTTP2FlowControlError": "server.errors",
    "HTTP2FrameSizeError": "server.errors",
    "HTTP2InadequateSecurity": "server.errors",
    "HTTP2InternalError": "server.errors",
    "HTTP2NotAvailable": "server.errors",
    "HTTP2ProtocolError": "server.errors",
    "HTTP2RefusedStream": "server.errors",
    "HTTP2RequiresHTTP11": "server.errors",
    "HTTP2SettingsTimeout": "server.errors",
    "HTTP2StreamClosed": "server.errors",
    "HTTP2StreamError": "server.errors",
}

__all__ = ["H2_VERSION", "__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    place = _LAZY.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"{__name__}.{place}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
