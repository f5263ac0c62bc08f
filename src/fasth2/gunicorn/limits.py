"""The engine's limits and windows from gunicorn's settings and constants and the operator's settings."""
from __future__ import annotations

from functools import partial
from typing import Any

from fasth2._memo import remember
from fasth2.config import AdaptiveWindows, Limits, WindowBudget
from fasth2.gunicorn.dropin.contract import Contract
from fasth2.server._options import shared_limits
from fasth2.server.counting import add_gauge

from . import settings
from .chosen_settings import is_chosen

__all__ = ["adaptive_windows", "connection_limits", "widen_window"]


#: Number of cached decisions about windows; a process needs one.
_DECISIONS = 8

_decided: dict[tuple[int, int], tuple[Any, settings.Settings, AdaptiveWindows | None]] = {}
_windows: dict[tuple[int, int, int], AdaptiveWindows] = {}


def connection_limits(
    streams: int, header_list_size: int, contract: Contract, chosen: settings.Settings | None = None
) -> Limits:
    """Return the limits for a connection.

    Args:
        streams: Largest number of concurrent streams of the peer.
        header_list_size: Octets of a header list; 0: fasth2's own limit.
        contract: The contract of the installed gunicorn.
        chosen: The operator's settings; ``None``: the current ones.
    """
    values = {
        "concurrent_streams": streams,
        "reset_burst": contract.reset_limit,
        "reset_rate": max(1, int(contract.reset_limit / contract.reset_seconds)),
        "suspicious_burst": contract.control_limit,
        "suspicious_rate": max(1, int(contract.control_limit / contract.control_seconds)),
    }
    if header_list_size:
        values["header_list_size"] = header_list_size
    values.update((chosen or settings.current()).limits)
    return shared_limits(**values)


def widen_window(engine: Any) -> None:
    """Increase a connection's window to the operator's ``connection_window``.

    Args:
        engine: The connection's engine, after its SETTINGS are queued.
    """
    more = settings.current().connection_window - settings.SMALLEST_WINDOW
    if more:
        engine.increment_flow_control_window(more)


def adaptive_windows(cfg: Any, chosen: settings.Settings | None = None) -> AdaptiveWindows | None:
    """Return how far the windows of connections may grow; ``None`` where they keep their size.

    A size that the operator has set stays as it is. The connections of a process share one object, whose budget is in
    the counters as ``window_growth``.

    Args:
        cfg: gunicorn's configuration.
        chosen: The operator's settings; those of now when ``None``.
    """
    chosen = chosen or settings.current()
    known = _decided.get((id(cfg), id(chosen)))
    if known is None:
        # The memo holds both objects, so that no others get their ids.
        known = remember(_decided, (id(cfg), id(chosen)), (cfg, chosen, _decide(cfg, chosen)), _DECISIONS)
    return known[2]


def _decide(cfg: Any, chosen: settings.Settings) -> AdaptiveWindows | None:
    if not chosen.adaptive_windows or chosen.connection_window != settings.SMALLEST_WINDOW:
        return None
    if is_chosen(cfg, "http2_initial_window_size"):
        return None
    key = (chosen.max_stream_window, chosen.max_connection_window, chosen.max_window_growth)
    # One object, whichever of several threads comes first.
    windows = _windows.setdefault(key, AdaptiveWindows(*key[:2], WindowBudget(key[2])))
    add_gauge("window_growth", partial(getattr, windows.budget, "granted"))
    return windows
