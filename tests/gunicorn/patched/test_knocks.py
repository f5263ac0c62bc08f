"""What knocks at a port and leaves: one line at debug, no line above it, no traceback; others are served meanwhile."""
import random
import re
import socket
import ssl
import struct
import warnings

import pytest
import trustme

from tests.support.certificate import Certificate
from tests.support.gunicorn_server import Gunicorn
from tests.support.tls_client import Client
from tests.support.waiting import until

WSGI, ASGI = "tests.support.wsgi_app:app", "tests.support.asgi_app:app"
WORKERS = ("WSGIWorker", "gthread", "gevent", "asgi")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def start(directory, worker, *options, tls=True, **kwargs):
    return Gunicorn(directory, ASGI if worker == "asgi" else WSGI, "-k", f"fasth2.gunicorn.{worker}", "--threads", "4",
                    "--log-level", "debug", "--timeout", "2", *options,
                    certificate=Certificate(directory) if tls else None, **kwargs)


@pytest.fixture(scope="module", params=WORKERS)
def server(request, tmp_path_factory):
    with start(tmp_path_factory.mktemp("server"), request.param) as server:
        assert serves(server)
        yield server


@pytest.fixture(scope="module", params=WORKERS)
def strict(request, tmp_path_factory):
    """One that wants its clients' certificates."""
    directory = tmp_path_factory.mktemp("strict")
    authority = trustme.CA()
    file = directory / "clients.pem"
    authority.cert_pem.write_to_path(str(file))
    context = trusting_nobody(["h2"])
    authority.issue_cert("client").configure_cert(context)
    with start(directory, request.param, "--cert-reqs", "2", "--ca-certs", str(file)) as server:
        assert serves(server, context)
        yield server


@pytest.fixture(scope="module", params=WORKERS)
def clear(request, tmp_path_factory):
    options = ("--http2-cleartext", "both", "--http-protocols", "h2,h1")
    with start(tmp_path_factory.mktemp("clear"), request.param, *options, tls=False) as server:
        assert serves(server)
        yield server


def reset(sock):
    """Have the socket's closing send RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hello(version=None):
    context = trusting_nobody()
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def trusting_nobody(protocols=("h2", "http/1.1")):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context


def at_end(sock):
    """Read to the end."""
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass


def port_check(sock):
    pass


def port_check_with_reset(sock):
    reset(sock)


def half_a_hello(sock):
    data = hello()
    sock.sendall(data[: len(data) // 2])


def half_a_hello_with_reset(sock):
    half_a_hello(sock)
    reset(sock)


def one_octet(sock):
    sock.sendall(b"\x16")


def http_in_the_clear(sock):
    sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    at_end(sock)


def http2_in_the_clear(sock):
    sock.sendall(PREFACE + bytes(9))
    at_end(sock)


def scanner(sock):
    sock.sendall(b"SSH-2.0-scanner\r\n" + random.Random(3).randbytes(300))
    at_end(sock)


def record_of_garbage(sock):
    sock.sendall(b"\x16\x03\x01\x00\x40" + random.Random(4).randbytes(64))
    at_end(sock)


def hello_then_garbage(sock):
    sock.sendall(hello())
    sock.recv(65536)
    sock.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    at_end(sock)


def hello_then_leaves(sock):
    sock.sendall(hello())
    sock.recv(65536)


def hello_then_resets(sock):
    hello_then_leaves(sock)
    reset(sock)


def tls_11(sock):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        version = ssl.TLSVersion.TLSv1_1
    sock.sendall(hello(version))
    at_end(sock)


def client_that_trusts_another(sock):
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(sock.dup(), server_hostname="127.0.0.1")


def silent(sock):
    """Says nothing until the server gives up."""
    sock.sendall(hello()[:20])
    at_end(sock)


HANDSHAKES = (port_check, port_check_with_reset, half_a_hello, half_a_hello_with_reset, one_octet, http_in_the_clear,
              http2_in_the_clear, scanner, record_of_garbage, hello_then_garbage, hello_then_leaves, hello_then_resets,
              tls_11, client_that_trusts_another, silent)  # fmt: skip


def encrypted(sock, *data, protocols=("h2",), with_reset=False):
    tls = trusting_nobody(protocols).wrap_socket(sock.dup(), server_hostname="127.0.0.1")
    for part in data:
        tls.sendall(part)
    if with_reset:
        tls.recv(1)
        reset(tls)
    elif data:
        at_end(tls)
    tls.close()


def leaves_after_the_handshake(sock):
    encrypted(sock)


def resets_after_the_handshake(sock):
    encrypted(sock, PREFACE, with_reset=True)


def garbage_for_a_preface(sock):
    encrypted(sock, random.Random(5).randbytes(200))


def http1_where_http2_was_agreed(sock):
    encrypted(sock, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def half_a_preface(sock):
    tls = trusting_nobody(["h2"]).wrap_socket(sock.dup(), server_hostname="127.0.0.1")
    tls.sendall(PREFACE[:11])
    tls.close()


def garbage_behind_the_preface(sock):
    encrypted(sock, PREFACE, b"\xff" * 40)


CONNECTIONS = (leaves_after_the_handshake, resets_after_the_handshake, garbage_for_a_preface, http1_where_http2_was_agreed,
               half_a_preface, garbage_behind_the_preface)  # fmt: skip


#: Seconds in which a line would have come, where there may be none: more than the servers' time-out.
QUIET = 4.0


def knock(server, how, wait=20.0):
    """Knock, and wait for a line of the log; return the lines that came of it, and those that name the knocker's port."""
    before = len(server.log)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        port = sock.getsockname()[1]
        how(sock)
    until(lambda: len(server.log) > before, wait)
    # What would come after the line comes before the next client is served.
    assert serves(server)
    lines = server.log[before:].splitlines()
    return lines, [line for line in lines if re.search(rf"\b{port}\b", line)]


def serves(server, context=None):
    if server.certificate is not None and context is None:
        context = trusting_nobody(["h2"])
    with Client(server, context=context) as client:
        client.request(1, "/hello")
        client.read(client.ended())
        return client.body() == b"Hello, world!"


def assert_quiet(lines):
    assert not [line for line in lines if not re.match(r"\[[^\]]*\] \[\d+\] \[DEBUG\] ", line)]


@pytest.mark.parametrize("how", HANDSHAKES, ids=lambda how: how.__name__)
def test_whoever_does_not_get_through_the_handshake_leaves_one_line(server, how):
    lines, named = knock(server, how)
    assert_quiet(lines)
    assert len(named) == 1, lines


@pytest.mark.parametrize("how", CONNECTIONS, ids=lambda how: how.__name__)
def test_whoever_leaves_behind_the_handshake_leaves_nothing_above_debug(server, how):
    lines, _ = knock(server, how, wait=0)
    assert_quiet(lines)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_the_certificate_that_is_wanted_leaves_one_line(strict, version):
    context = trusting_nobody(["h2"])
    context.maximum_version = version
    before = len(strict.log)
    with socket.create_connection(("127.0.0.1", strict.port), timeout=20) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(OSError), context.wrap_socket(sock.dup(), server_hostname="127.0.0.1") as tls:
            tls.sendall(PREFACE)
            while tls.recv(65536):
                pass
            raise ConnectionResetError
    lines = until(lambda: [line for line in strict.log[before:].splitlines() if re.search(rf"\b{port}\b", line)], 20)
    assert_quiet(strict.log[before:].splitlines())
    assert len(lines) == 1


def clear_half_a_preface(sock):
    sock.sendall(PREFACE[:11])


def clear_garbage_behind_the_preface(sock):
    sock.sendall(PREFACE + b"\xff" * 40)
    at_end(sock)


def clear_reset_behind_the_preface(sock):
    sock.sendall(PREFACE + b"\0\0\0\4\0\0\0\0\0")
    sock.recv(1)
    reset(sock)


def clear_half_a_request(sock):
    sock.sendall(b"GET / HTT")


@pytest.mark.parametrize("how", [port_check, port_check_with_reset, clear_half_a_preface, clear_garbage_behind_the_preface,
                                 clear_reset_behind_the_preface, clear_half_a_request], ids=lambda how: how.__name__)
def test_whoever_leaves_a_port_in_the_clear_leaves_nothing_above_debug(clear, how):
    lines, _ = knock(clear, how, QUIET)
    assert_quiet(lines)
    assert lines


@pytest.mark.parametrize("data", [hello(), random.Random(6).randbytes(200)], ids=["tls", "garbage"])
def test_what_is_no_http_at_all_leaves_no_traceback(clear, data):
    def how(sock):
        sock.sendall(data)
        at_end(sock)

    lines, _ = knock(clear, how, QUIET)
    assert "Traceback" not in "\n".join(lines)
    # gunicorn's own line for an HTTP/1.1 request that it refuses.
    assert len([line for line in lines if "[DEBUG]" not in line]) <= 1
