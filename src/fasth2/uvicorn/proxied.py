"""uvicorn's ProxyHeadersMiddleware, left out where it would do nothing."""
from __future__ import annotations

from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

__all__ = ["applications"]


def applications(app: Any, client: tuple[str, int] | None) -> tuple[Any, Any]:
    """Return the applications for requests without and with ``x-forwarded-`` fields of one client.

    Args:
        app: The application that uvicorn has loaded, wrapped in the middleware unless ``--no-proxy-headers`` is given.
        client: The client's address.

    Returns:
        The first, and the second or ``None`` where it is the same.
    """
    if type(app) is not ProxyHeadersMiddleware:
        return app, None
    if _trusts(app, client[0] if client else None):
        return app.app, app
    return app.app, None


def _trusts(middleware: Any, host: str | None) -> bool:
    # Up to 0.30 a set, with "*" beside it; then an object that knows networks.
    return bool(getattr(middleware, "always_trust", False) or host in middleware.trusted_hosts)
