"""ASGI's ``tls`` extension: the properties of a TLS connection."""
from __future__ import annotations

import functools
import ssl
from pathlib import Path
from typing import Any

__all__ = ["forget_certificates", "tls_extension"]

#: The values of the protocol's version field.
_VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

#: Short names of attributes (RFC 4514 section 3), by the names that `ssl` has.
_ATTRIBUTES = {
    "commonName": "CN", "localityName": "L", "stateOrProvinceName": "ST", "organizationName": "O",
    "organizationalUnitName": "OU", "countryName": "C", "streetAddress": "STREET", "domainComponent": "DC",
    "userId": "UID",
}  # fmt: skip

#: Characters that are escaped anywhere in a value (RFC 4514 section 2.4).
_SPECIAL = frozenset('"+,;<>\\')


def tls_extension(ssl_object: Any, certificate: str | None) -> dict[str, Any]:
    """Return the ``tls`` extension of a connection.

    Args:
        ssl_object: The TLS object, after the handshake.
        certificate: The file of the server's certificate, or ``None``.
    """
    cipher = ssl_object.cipher()
    return {
        "server_cert": None if certificate is None else _read(str(certificate)),
        "client_cert_chain": _chain(ssl_object),
        "client_cert_name": _name(ssl_object.getpeercert()),
        "client_cert_error": None,
        "tls_version": _VERSIONS.get(ssl_object.version()),
        "cipher_suite": None if cipher is None else _suites(ssl_object.context).get(cipher[0]),
    }


@functools.lru_cache(maxsize=16)
def _read(path: str) -> str | None:
    """Return the first certificate of a file, in PEM."""
    try:
        text = Path(path).read_text(encoding="latin-1")
    except OSError:
        return None
    begin, end = text.find(ssl.PEM_HEADER), text.find(ssl.PEM_FOOTER)
    return text[begin : end + len(ssl.PEM_FOOTER)] + "\n" if 0 <= begin < end else None


def forget_certificates() -> None:
    """Read certificates again for the connections to come: a file has changed."""
    _read.cache_clear()


@functools.lru_cache(maxsize=16)
def _suites(context: ssl.SSLContext) -> dict[str, int]:
    """Return the numbers of a context's cipher suites."""
    return {suite["name"]: suite["id"] & 0xFFFF for suite in context.get_ciphers()}


def _chain(ssl_object: Any) -> list[str]:
    """Return the client's certificate and those that it sent with it, where `ssl` tells them (from CPython 3.13 on)."""
    own = ssl_object.getpeercert(binary_form=True)
    if own is None:
        return []
    sent = getattr(ssl_object, "get_unverified_chain", None)
    chain = [own] if sent is None else sent()
    return [ssl.DER_cert_to_PEM_cert(der) for der in chain]


def _name(certificate: Any) -> str | None:
    """Return the distinguished name of a certificate's subject (RFC 4514)."""
    if not certificate or "subject" not in certificate:
        return None
    names = []
    for parts in reversed(certificate["subject"]):
        names.append("+".join(f"{_ATTRIBUTES.get(name, name)}={_escape(value)}" for name, value in parts))
    return ",".join(names)


def _escape(value: str) -> str:
    text = "".join("\\" + c if c in _SPECIAL else "\\00" if c == "\0" else c for c in value)
    if text[:1] in (" ", "#"):
        text = "\\" + text
    if value.endswith(" ") and len(value) > 1:
        text = text[:-1] + "\\ "
    return text
