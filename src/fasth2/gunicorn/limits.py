"""The engine's limits as gunicorn's settings and constants ask for them."""
from __future__ import annotations

from typing import Any

from fasth2.config import Limits
from fasth2.server._engine_turns import shared_limits

from .contract import Contract

__all__ = ["connection_limits"]


def connection_limits(connection: Any, contract: Contract) -> Limits:
    """Return the limits for a connection.

    Args:
        connection: Its ``max_concurrent_streams`` and ``max_header_list_size`` are read.
        contract: The installed gunicorn's.
    """
    values = {
        "concurrent_streams": connection.max_concurrent_streams,
        "reset_burst": contract.reset_limit,
        "reset_rate": max(1, int(contract.reset_limit / contract.reset_seconds)),
        "suspicious_burst": contract.control_limit,
        "suspicious_rate": max(1, int(contract.control_limit / contract.control_seconds)),
    }
    if connection.max_header_list_size:
        values["header_list_size"] = connection.max_header_list_size
    return shared_limits(**values)
