"""Serve examples/hello.py over TLS with gunicorn on fasth2, with a certificate made on the spot.

PORT in the environment is the port on 127.0.0.1, 8443 by default. Further
arguments go to gunicorn.
"""
import os
import sys
from pathlib import Path

import trustme

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".work" / "serve"


def main() -> None:
    """Make the certificate, print what to try and become gunicorn."""
    port = os.environ.get("PORT", "8443")
    FOLDER.mkdir(parents=True, exist_ok=True)
    certificate = trustme.CA().issue_cert("127.0.0.1", "localhost")
    chain, key = FOLDER / "certificate.pem", FOLDER / "key.pem"
    key.touch(mode=0o600)
    certificate.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))

    print(f"curl --http2 -k https://127.0.0.1:{port}/", flush=True)
    os.execv(
        sys.executable,
        [
            sys.executable, "-m", "gunicorn",
            "--worker-class", "fasth2.gunicorn.WSGIWorker",
            "--threads", "8",
            "--bind", f"127.0.0.1:{port}",
            "--certfile", str(chain),
            "--keyfile", str(key),
            "--chdir", str(ROOT / "examples"),
            *sys.argv[1:],
            "hello:app",
        ],
    )


if __name__ == "__main__":
    main()
