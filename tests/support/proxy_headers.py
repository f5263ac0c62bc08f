"""Headers of the PROXY protocol, version 1 and 2."""
from __future__ import annotations

import socket

#: What a header of version 2 begins with.
START = b"\r\n\r\n\x00\r\nQUIT\n"

#: What follows a header.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def v2(command, family, body):
    return START + bytes((0x20 | command, family)) + len(body).to_bytes(2, "big") + body


def v2_inet(client=("192.0.2.7", 51000), proxy=("198.51.100.1", 443), rest=b""):
    kind = socket.AF_INET6 if ":" in client[0] else socket.AF_INET
    body = b"".join(socket.inet_pton(kind, name) for name, _ in (client, proxy))
    body += b"".join(port.to_bytes(2, "big") for _, port in (client, proxy))
    return v2(1, 0x21 if kind == socket.AF_INET6 else 0x11, body + rest)


V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n"
V1_SIX = b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n"
UNIX = b"/run/client".ljust(108, b"\0") + b"/run/proxy".ljust(108, b"\0")
