"""Options of TCP sockets that carry HTTP/2."""
from __future__ import annotations

import socket
from typing import Any

__all__ = ["UNSENT", "limit_unsent"]

#: Octets that the kernel accepts beyond those that are on their way to the peer.
UNSENT = 65536

_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)


def limit_unsent(sock: Any) -> None:
    """Have the kernel hold few octets that it cannot send yet; nothing if it is no TCP socket.

    The send buffer still grows with the link, so that a long one is filled. But an urgent response does not wait for
    megabytes of another one that the kernel would have accepted before (RFC 9218 section 10).

    Args:
        sock: The socket, or what an event loop has for it.
    """
    if _NOTSENT_LOWAT is not None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, UNSENT)
        except OSError:
            pass
