"""The PROXY protocol's header is read as its specification has it, in pieces too, and nothing behind it is taken."""
import random
import socket

import pytest

from fasth2.server.proxy_header import (
    PROXY_VERSIONS,
    NoHeader,
    ProxyHeader,
    ProxyHeaderError,
    ProxyHeaderReceiver,
    read_proxy_header,
)
from tests.support.proxy_headers import PREFACE, START, UNIX, V1, V1_SIX, v2, v2_inet

BOTH = PROXY_VERSIONS["auto"]
VALID = [
    (V1, "TCP4", ("192.0.2.7", 51000), ("198.51.100.1", 443)),
    (V1_SIX, "TCP6", ("2001:db8::7", 1), ("::1", 65535)),
    (b"PROXY UNKNOWN\r\n", "UNKNOWN", None, None),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "UNKNOWN", None, None),
    (v2_inet(), "TCP4", ("192.0.2.7", 51000), ("198.51.100.1", 443)),
    (v2_inet(("2001:db8::7", 51000), ("2001:db8::1", 443)), "TCP6", ("2001:db8::7", 51000), ("2001:db8::1", 443)),
    # A type, length and value behind the addresses.
    (v2_inet(rest=b"\x04\x00\x03abc" + bytes(300)), "TCP4", ("192.0.2.7", 51000), ("198.51.100.1", 443)),
    (v2(1, 0x31, UNIX), "UNIX", "/run/client", "/run/proxy"),
    (v2(0, 0x00, b""), "LOCAL", None, None),
    (v2(0, 0x11, bytes(12)), "LOCAL", None, None),
    (v2(1, 0x00, b"anything"), "UNSPEC", None, None),
]  # fmt: skip

INVALID = [
    b"PROXY \r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 51000\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 51000 443 \r\n",
    b"PROXY TCP4  192.0.2.7 198.51.100.1 51000 443\r\n",
    b"PROXY TCP4 192.0.2.300 198.51.100.1 51000 443\r\n",
    b"PROXY TCP4 2001:db8::7 ::1 51000 443\r\n",
    b"PROXY TCP6 192.0.2.7 198.51.100.1 51000 443\r\n",
    b"PROXY TCP4 \xc3\xa9 198.51.100.1 51000 443\r\n",
    b"PROXY TCP4 192.0.2.7\0 198.51.100.1 51000 443\r\n",
    *(b"PROXY TCP4 192.0.2.7 198.51.100.1 %s 443\r\n" % port for port in (b"65536", b"-1", b"+1", b"01", b"1_0", b"", b"x")),
    b"PROXY UDP4 192.0.2.7 198.51.100.1 51000 443\r\n",
    b"PROXY tcp4 192.0.2.7 198.51.100.1 51000 443\r\n",
    b"PROXY TCP4 " + b"1" * 120 + b"\r\n",
    START + b"\x11\x11\x00\x0c" + bytes(12),  # version 1
    START + b"\x22\x11\x00\x0c" + bytes(12),  # no such command
    START + b"\x21\x12\x00\x0c" + bytes(12),  # datagrams
    START + b"\x21\x41\x00\x0c" + bytes(12),  # no such family
    START + b"\x21\x11\x00\x0b" + bytes(11),
    START + b"\x21\x21\x00\x23" + bytes(35),
    START + b"\x21\x31\x00\xd7" + bytes(215),
]  # fmt: skip


@pytest.mark.parametrize(("data", "protocol", "client", "proxy"), VALID)
@pytest.mark.parametrize("behind", [b"", PREFACE, bytes(100)], ids=["alone", "preface", "octets"])
def test_a_header_says_who_the_client_is(data, protocol, client, proxy, behind):
    assert read_proxy_header(data + behind, BOTH) == ProxyHeader(len(data), protocol, client, proxy)


@pytest.mark.parametrize("data", [data for data, *_ in VALID])
def test_a_prefix_of_a_proxy_header_is_incomplete(data):
    for size in range(len(data)):
        assert read_proxy_header(data[:size], BOTH) is NoHeader.INCOMPLETE


@pytest.mark.parametrize("data", INVALID)
def test_what_the_specification_does_not_allow_is_refused(data):
    with pytest.raises(ProxyHeaderError):
        read_proxy_header(data, BOTH)


@pytest.mark.parametrize("data", [b"\x16\x03\x01", PREFACE, b"GET / HTTP/1.1\r\n", b"PROXX", START[:11] + b"X", b"\0"])
def test_other_first_octets_are_no_proxy_header(data):
    assert read_proxy_header(data, BOTH) is NoHeader.ABSENT


@pytest.mark.parametrize(("mode", "data", "there"), [
    ("off", V1, False), ("off", v2_inet(), False), ("v1", V1, True), ("v1", v2_inet(), False), ("v2", V1, False),
    ("v2", v2_inet(), True), ("auto", V1, True), ("auto", v2_inet(), True)])
def test_a_version_that_is_not_accepted_is_none(mode, data, there):
    assert (read_proxy_header(data, PROXY_VERSIONS[mode]) is not NoHeader.ABSENT) is there


def test_octets_at_random_do_no_harm():
    rng = random.Random(7)
    for data, *_ in VALID:
        for _ in range(300):
            changed = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            try:
                found = read_proxy_header(bytes(changed), BOTH)
            except ProxyHeaderError:
                continue
            assert isinstance(found, NoHeader) or found.size >= 15


@pytest.fixture
def pair():
    ends = socket.socketpair()
    ends[1].setblocking(False)
    yield ends
    for end in ends:
        end.close()


@pytest.mark.parametrize("preface", [b"", PREFACE], ids=["anything", "preface"])
@pytest.mark.parametrize("data", [data for data, *_ in VALID])
def test_pieces_are_put_together_and_the_rest_stays(pair, data, preface):
    sender, sock = pair
    receiver = ProxyHeaderReceiver(sock, BOTH, preface)
    following = preface or b"\x16\x03\x01 and so on"
    needed = len(data) + len(preface) or len(data)
    whole = data + following
    # A socket holds no more than some hundred pieces.
    step = 1 if needed < 150 else 7
    at = 0
    while at + step < needed:
        sender.sendall(whole[at : at + step])
        at += step
        assert receiver.receive() is False
        assert receiver.header is None
    sender.sendall(whole[at:])
    assert receiver.receive() is True
    assert receiver.header.size == len(data)
    assert sock.recv(1000) == following


@pytest.mark.parametrize("data", [V1 + b"GET / HTTP/1.1\r\n", V1 + b"PRI * HTTP/1.1", b"GET / HTTP/1.1\r\n", INVALID[0], b"PRO\r\n"])
def test_what_the_preface_does_not_follow_stays_unread(pair, data):
    sender, sock = pair
    receiver = ProxyHeaderReceiver(sock, BOTH, PREFACE)
    sender.sendall(data)
    assert receiver.receive() is True
    assert receiver.header is None
    assert sock.recv(1000) == data


def test_a_beginning_that_turns_out_to_be_something_else_is_refused(pair):
    sender, sock = pair
    receiver = ProxyHeaderReceiver(sock, BOTH)
    sender.sendall(b"PRO")
    assert receiver.receive() is False
    sender.sendall(b"FESSOR")
    with pytest.raises(ProxyHeaderError):
        receiver.receive()


def test_the_end_of_the_connection_ends_the_wait_for_a_proxy_header(pair):
    sender, sock = pair
    with pytest.raises(BlockingIOError):
        ProxyHeaderReceiver(sock, BOTH).receive()
    sender.close()
    receiver = ProxyHeaderReceiver(sock, BOTH)
    assert receiver.receive() is True
    assert receiver.header is None
