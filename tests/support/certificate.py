"""A certificate for servers on this machine."""
from __future__ import annotations

from pathlib import Path

import trustme


class Certificate:
    """A certificate for 127.0.0.1 and localhost, and the authority that a client trusts for it.

    Args:
        directory: Where the files are put.
    """

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        self.cert = directory / "cert.pem"
        self.key = directory / "key.pem"
        self.authority = directory / "ca.pem"
        issued.private_key_pem.write_to_path(str(self.key))
        for at, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(str(self.cert), append=at > 0)
        authority.cert_pem.write_to_path(str(self.authority))
