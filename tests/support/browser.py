"""Headless Chromium."""
from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import sync_playwright

from .certificate import Certificate
from .run import tool


@contextlib.contextmanager
def headless_chromium(certificate: Certificate) -> Iterator[Any]:
    """Give a browser that trusts a certificate, and no other that is not good.

    Args:
        certificate: The server's.
    """
    key = x509.load_pem_x509_certificate(certificate.cert.read_bytes()).public_key()
    pin = base64.b64encode(hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest())
    # A sanitizer that is loaded into Python is not for it.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=tool("chromium"), env=environment,
            # Its own sandbox does not start as root, nor in most containers.
            args=["--no-sandbox", f"--ignore-certificate-errors-spki-list={pin.decode()}"])
        yield browser
        browser.close()
