"""Behind a proxy that sends PROXY headers, before TLS or without it: the application sees the client, once and for all."""
import json
import socket
import ssl

import pytest

from tests.support.certificate import Certificate
from tests.support.gunicorn_server import Gunicorn
from tests.support.proxy_headers import PREFACE, UNIX, V1, V1_SIX, v2, v2_inet
from tests.support.tls_client import Client

WORKERS = ("WSGIWorker", "gthread", "gevent", "asgi")
CLIENT = {"REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "51000"}
SIX = {"REMOTE_ADDR": "2001:db8::7"}
OWN = {"REMOTE_ADDR": "127.0.0.1", "PROXY_PROTOCOL": None}
HEADERS = {
    "v1": (V1, CLIENT),
    "v1-six": (V1_SIX, SIX),
    "v1-unknown": (b"PROXY UNKNOWN\r\n", OWN),
    "v2": (v2_inet(), CLIENT),
    "v2-six": (v2_inet(("2001:db8::7", 51000), ("2001:db8::1", 443)), SIX),
    "v2-long": (v2_inet(rest=bytes(3000)), CLIENT),
    "v2-local": (v2(0, 0, b""), OWN),
    "v2-unspec": (v2(1, 0, b""), OWN),
    "none": (b"", OWN),
}


def start(directory, worker, *options, tls=True, mode="auto", **kwargs):
    app = "tests.gunicorn.patched.proxy_app:" + ("asgi" if worker == "asgi" else "app")
    clear = () if tls else ("--http2-cleartext", "both", "--http-protocols", "h2,h1")
    return Gunicorn(directory, app, "-k", f"fasth2.gunicorn.{worker}", "--threads", "4", "--proxy-protocol", mode,
                    "--timeout", "4", *clear, *options, certificate=Certificate(directory) if tls else None, **kwargs)


@pytest.fixture(scope="module", params=[(worker, tls) for worker in WORKERS for tls in (True, False)],
                ids=lambda param: param[0] + ("-tls" if param[1] else "-clear"))
def server(request, tmp_path_factory):
    worker, tls = request.param
    with start(tmp_path_factory.mktemp("server"), worker, tls=tls) as server:
        server.worker = worker
        yield server


def ask(server, before, headers=()):
    """What the application of an HTTP/2 request was told."""
    with Client(server, before=before) as client:
        for stream_id in (1, 3):
            client.request(stream_id, "/", headers=headers)
            assert client.read(client.ended(stream_id))
        assert client.body(1) == client.body(3)
        return json.loads(client.body(3))


def ask_http1(server, before, second=b""):
    """What those of two HTTP/1.1 requests were told; or the first line of an answer that is not 200."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(before)
        if server.certificate is not None:
            context = ssl.create_default_context(cafile=str(server.certificate.authority))
            sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
        with sock, sock.makefile("rb") as file:
            seen = []
            for prefix in (second, b""):
                sock.sendall(prefix + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                line = file.readline()
                if b" 200 " not in line:
                    return line
                length = 0
                while (field := file.readline()) != b"\r\n":
                    if field.lower().startswith(b"content-length:"):
                        length = int(field.split(b":")[1])
                seen.append(json.loads(file.read(length)))
            return seen


def answer_to(server, data):
    """What the server says to these octets before it closes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(data)
        try:
            while data := sock.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
    return answer


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_says_who_the_client_of_http2_is(server, name):
    header, expected = HEADERS[name]
    seen = ask(server, (header,))
    assert expected.items() <= {"PROXY_PROTOCOL": None, **seen}.items()
    assert seen["wsgi.url_scheme"] == ("http" if server.certificate is None else "https")
    assert seen["SERVER_PROTOCOL"].startswith("HTTP/2")
    if server.worker != "asgi" and expected is CLIENT:
        assert (seen["PROXY_PROTOCOL"], seen["PROXY_ADDR"], seen["PROXY_PORT"]) == ("TCP4", "198.51.100.1", "443")


def test_a_unix_socket_behind_the_proxy_is_no_address_of_the_network(server):
    assert ask(server, (v2(1, 0x31, UNIX),))["REMOTE_ADDR"] in ("/run/client", "")


@pytest.mark.parametrize("header", [V1, v2_inet()], ids=["v1", "v2"])
def test_a_header_may_come_in_pieces(server, header):
    assert CLIENT.items() <= ask(server, tuple(header[at : at + 1] for at in range(len(header)))).items()


@pytest.mark.parametrize("header", [V1, v2_inet()], ids=["v1", "v2"])
def test_http1_is_told_too(server, header):
    first, second = ask_http1(server, header)
    assert CLIENT.items() <= first.items()
    assert first["SERVER_PROTOCOL"] == "HTTP/1.1"
    if server.certificate is not None:
        # Without TLS it is gunicorn's code that reads it.
        assert CLIENT.items() <= second.items()


def test_a_client_cannot_give_itself_another_address(server):
    if server.certificate is None:
        answer = ask_http1(server, V1, b"PROXY TCP4 203.0.113.9 198.51.100.1 1 443\r\n")
        assert b" 400 " in answer
        return
    answer = ask_http1(server, V1, b"PROXY TCP4 203.0.113.9 198.51.100.1 1 443\r\n")
    assert b" 400 " in answer or all(CLIENT.items() <= seen.items() for seen in answer)


@pytest.mark.parametrize("header", [
    V1.replace(b"192", b"392"), V1.replace(b"51000", b"510000"), v2(1, 0x12, bytes(12)), b"PROXY TCP4 " + b"1" * 200],
    ids=["address", "port", "datagrams", "endless"])  # fmt: skip
def test_a_bad_header_is_refused(server, header):
    answer = answer_to(server, header + PREFACE)
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert ask(server, (V1,))["REMOTE_ADDR"] == "192.0.2.7"
    assert "Traceback" not in server.log


@pytest.mark.parametrize(("worker", "tls"), [*((worker, True) for worker in WORKERS), ("WSGIWorker", False)])
def test_a_header_that_does_not_go_on_meets_the_time_out(tmp_path, worker, tls):
    with start(tmp_path, worker, "--timeout", "2", tls=tls) as server:
        assert not answer_to(server, v2_inet()[:20])
        assert CLIENT.items() <= ask(server, (V1,)).items()


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("tls", [True, False], ids=["tls", "clear"])
def test_a_peer_that_is_not_trusted_says_nothing(tmp_path, worker, tls):
    with start(tmp_path, worker, "--proxy-allow-from", "192.0.2.99", tls=tls) as server:
        assert OWN.items() <= {"PROXY_PROTOCOL": None, **ask(server, ())}.items()
        answer = answer_to(server, V1 + PREFACE)
        assert not answer or answer[:1] == b"\x15" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 "))


@pytest.mark.parametrize("worker", WORKERS)
def test_a_version_that_is_not_accepted_is_no_header(tmp_path, worker):
    with start(tmp_path, worker, mode="v2") as server:
        assert CLIENT.items() <= ask(server, (v2_inet(),)).items()
        answer = answer_to(server, V1 + PREFACE)
        assert not answer or answer[:1] == b"\x15"


@pytest.mark.parametrize("worker", WORKERS)
def test_what_a_peer_is_believed_goes_by_its_own_address(tmp_path, worker):
    with start(tmp_path, worker, tls=False) as server:
        seen = ask(server, (V1,), [("x-forwarded-proto", "https")])
        assert CLIENT.items() <= seen.items()
        assert seen["wsgi.url_scheme"] == "https"


HOOK = """
import json

def pre_request(worker, req):
    with open(__file__.replace("conf.py", "seen"), "a") as file:
        print(json.dumps([req.peer_addr, req.remote_addr, req.proxy_protocol_info]), file=file)
"""


@pytest.mark.parametrize("worker", ["WSGIWorker", "gthread", "gevent"])
@pytest.mark.parametrize("name", ["v1", "v2-local"])
def test_hooks_are_told_of_the_header(tmp_path, worker, name):
    """A request in HTTP/2 has gunicorn's proxy_protocol_info where the header has addresses."""
    header, expected = HEADERS[name]
    with start(tmp_path, worker, config=HOOK) as server:
        ask(server, (header,))
        path = server.log_file.parent / "seen"
        for line in path.read_text().splitlines():
            peer, remote, info = json.loads(line)
            if expected is CLIENT:
                # To gunicorn's own class the peer is the balancer, which is trusted or not.
                assert peer == remote == (["192.0.2.7", 51000] if worker == "WSGIWorker" else peer)
                assert info == {"proxy_protocol": "TCP4", "client_addr": "192.0.2.7", "client_port": 51000,
                                "proxy_addr": "198.51.100.1", "proxy_port": 443}
            else:
                assert peer[0] == remote[0] == "127.0.0.1"
                assert not info
