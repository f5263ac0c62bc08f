"""Certificates renewed in place: new connections have the new one, old connections go on."""
import shutil
import socket
import ssl
import time

import h2.events

from tests.support.certificate import Certificate
from tests.support.tls_client import Client


def serial(server, *authorities):
    """The serial number of the certificate that a new connection gets."""
    context = ssl.create_default_context()
    for authority in authorities:
        context.load_verify_locations(str(authority))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw, \
            context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
        return sock.getpeercert()["serialNumber"]


def test_a_renewed_certificate(serve_one, tmp_path):
    files = {}
    for name in ("live", "new", "broken"):
        (tmp_path / name).mkdir()
        files[name] = Certificate(tmp_path / name)
    live, new = files["live"], files["new"]
    authorities = live.authority.with_name("trusted.pem"), new.authority
    shutil.copy(live.authority, authorities[0])
    server = serve_one(certificate=live, env={"FASTH2_RENEW_CERTIFICATE": "1"})
    first = serial(server, *authorities)
    with Client(server) as client:
        client.request(1, "/hello")
        assert client.read(client.ended(1))

        def changed(wait):
            deadline = time.monotonic() + wait
            while (found := serial(server, *authorities)) == first and time.monotonic() < deadline:
                time.sleep(0.05)
            return found

        # Half a renewal: the key does not belong to the certificate.
        shutil.copy(files["broken"].key, live.key)
        deadline = time.monotonic() + 10
        while "cannot be read again" not in server.log:
            assert serial(server, *authorities) == first
            assert time.monotonic() < deadline
            time.sleep(0.05)
        shutil.copy(new.key, live.key)
        shutil.copy(new.cert, live.cert)
        second = changed(10)
        assert second != first
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.body(3) == b"Hello, world!"
    live.authority = new.authority
    with Client(server) as client:
        # The tls extension has it, too; nothing has been renewed twice.
        client.request(1, "/scope")
        client.request(3, "/counters")
        assert client.read(lambda: len(client.found(h2.events.StreamEnded)) == 2)
        shown = eval(client.body(1))["extensions"]["tls"]["server_cert"]
        assert shown.split() == [*new.cert.read_text().partition("-----END")[0].split(), "-----END", "CERTIFICATE-----"]
        assert eval(client.body(3))["certificates_renewed"] == 1
    assert server.log.count("The TLS certificate is renewed") == 1
    assert server.log.count("cannot be read again") <= 2
    assert serial(server, *authorities) == second
