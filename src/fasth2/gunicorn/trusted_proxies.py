"""gunicorn's setting ``proxy_protocol``: which peers may send a PROXY header, and the addresses that it sets."""
from __future__ import annotations

import time
from typing import Any

from gunicorn.http import message

from fasth2.server.proxy_header import PROXY_VERSIONS, ProxyHeader, ProxyHeaderReceiver

try:
    from gunicorn.http2 import negotiation
except ImportError:
    # gunicorn's versions before 26.2 have no HTTP/2 in the clear.
    negotiation = None

__all__ = ["PREFACE", "PREFACE_WAIT", "accepted_versions", "header_of", "receive_header", "remote_address", "request_info",
           "takes_preface"]  # fmt: skip

#: The client's connection preface (RFC 9113 section 3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_NONE: frozenset[int] = frozenset()

#: Seconds between two reads of an incomplete header.
_PAUSE = 0.01

#: Seconds for a cleartext connection's header and preface, as long as gunicorn waits for the preface.
PREFACE_WAIT = 1.0


def accepted_versions(cfg: Any, peer: Any) -> frozenset[int]:
    """Return the versions of the PROXY protocol that are accepted from a peer.

    Args:
        cfg: gunicorn's configuration.
        peer: The peer's address; Unix sockets, whose address is not a tuple, are trusted.
    """
    mode = cfg.proxy_protocol
    if mode == "off":
        return _NONE
    if isinstance(peer, tuple) and not message._ip_in_allow_list(
        peer[0], cfg.proxy_allow_ips, cfg.proxy_allow_networks()
    ):
        return _NONE
    return PROXY_VERSIONS[mode]


def takes_preface(cfg: Any, peer: Any) -> bool:
    """Return True if a peer may send a PROXY header and then HTTP/2's preface, without TLS.

    Args:
        cfg: gunicorn's configuration.
        peer: The peer's address.
    """
    return (
        negotiation is not None
        and cfg.proxy_protocol != "off"
        and negotiation.prior_knowledge_allowed(cfg, peer)
        and bool(accepted_versions(cfg, peer))
    )


def remote_address(header: ProxyHeader | None, peer: Any) -> Any:
    """Return the client's address.

    Args:
        header: The connection's PROXY header, or ``None``.
        peer: The address of the connection's peer.
    """
    return peer if header is None or header.client is None else header.client


def request_info(header: ProxyHeader | None) -> dict[str, Any]:
    """Return gunicorn's ``proxy_protocol_info`` of a request.

    Args:
        header: The connection's PROXY header, or ``None``.

    Returns:
        A dict; empty if the header has no IP addresses.
    """
    if header is None or not isinstance(header.client, tuple) or not isinstance(header.proxy, tuple):
        return {}
    return {
        "proxy_protocol": header.protocol,
        "client_addr": header.client[0],
        "client_port": header.client[1],
        "proxy_addr": header.proxy[0],
        "proxy_port": header.proxy[1],
    }


def header_of(request: Any) -> ProxyHeader | None:
    """Return the PROXY header that gunicorn parsed before an HTTP/1.1 request.

    Args:
        request: gunicorn's request.
    """
    info = request.proxy_protocol_info
    if not info:
        return None
    client = proxy = None
    if info["client_addr"] is not None:
        client = info["client_addr"], info["client_port"]
        proxy = info["proxy_addr"], info["proxy_port"]
    return ProxyHeader(0, info["proxy_protocol"], client, proxy)


def receive_header(sock: Any, versions: frozenset[int], timeout: float | None, preface: bytes = b"") -> ProxyHeader | None:
    """Read a PROXY header from a blocking socket, and no octet after it.

    Args:
        sock: The socket; its time-out is removed afterwards.
        versions: The result of `accepted_versions`.
        timeout: Seconds for the whole header; ``None``: no limit.
        preface: See `ProxyHeaderReceiver`.

    Raises:
        ProxyHeaderError: The header is not valid.
        OSError: The socket failed, or the header did not arrive in time.
    """
    receiver = ProxyHeaderReceiver(sock, versions, preface)
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        while True:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the PROXY header did not arrive in time")
                sock.settimeout(left)
            if receiver.receive():
                return receiver.header
            time.sleep(_PAUSE)
    finally:
        sock.settimeout(None)
