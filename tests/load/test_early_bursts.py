"""A client that opens hundreds of streams in its first packets, before it can know that a hundred are allowed."""
import select
import socket
import ssl

import pytest

from tests.load.setups import OLDER_CLASSES, SETUPS
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.gunicorn_matrix import OWN, OWN_ASGI
from tests.support.gunicorn_versions import NEWEST

#: Octets of a response's body.
SIZE = 13

EVERYWHERE = [*SETUPS, *OLDER_CLASSES, *(setup for setup in (*OWN, *OWN_ASGI) if setup.version is NEWEST)]
everywhere = pytest.mark.parametrize("setup", EVERYWHERE, ids=str)


class Burst:
    """A connection that sends so many requests with its preface, and reads until all is answered or it is closed."""

    def __init__(self, server, count):
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        context.set_alpn_protocols(["h2"])
        octets = PREFACE + frames.settings() + b"".join(
            bytes(request(2 * n + 1, path="/hello", authority="127.0.0.1")) for n in range(count))
        self.reader = FrameReader()
        self.closed = False
        rest = b""
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), timeout=30),
                                 server_hostname="127.0.0.1") as sock:
            sock.setblocking(False)
            while not self.closed and len(self.answered) + len(self.refused) < count:
                # It reads while it writes: the connection may end before all is sent.
                octets = octets[self.write(sock, octets):]
                try:
                    data = sock.recv(65536)
                except ssl.SSLWantReadError:
                    ready = select.select([sock], [sock] if octets else [], [], 30)
                    assert any(ready), "nothing has come for 30 seconds"
                    continue
                except (ConnectionResetError, ssl.SSLEOFError):
                    data = b""
                self.closed = not data
                rest += data
                whole, at = [], 0
                while len(rest) - at >= 9:
                    end = at + 9 + int.from_bytes(rest[at:at + 3], "big")
                    if end > len(rest):
                        break
                    whole.append(rest[at:end])
                    at = end
                rest = rest[at:]
                self.reader.read(b"".join(whole))

    @staticmethod
    def write(sock, octets):
        """Send what the socket takes, and return how many octets that is; all where the server listens no more."""
        try:
            return sock.send(octets[:16384]) if octets else 0
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError:
            return len(octets)

    @property
    def answered(self):
        """The streams whose whole answer has come."""
        sizes = {}
        ended = set()
        for sent in self.reader.sent:
            if sent.kind == "DATA":
                sizes[sent.stream_id] = sizes.get(sent.stream_id, 0) + len(sent.data)
            if sent.end_stream:
                ended.add(sent.stream_id)
        return {stream_id for stream_id in ended if sizes.get(stream_id) == SIZE}

    @property
    def refused(self):
        """The streams that may be sent again."""
        return {sent.stream_id for sent in self.reader.sent if (sent.kind, sent.error_code) == ("RST_STREAM", 7)}

    @property
    def goaways(self):
        """Code and debug data of each GOAWAY."""
        return [(sent.error_code, sent.data) for sent in self.reader.sent if sent.kind == "GOAWAY"]


@everywhere
@pytest.mark.parametrize("count", [301, 1000])
def test_a_hundred_are_answered_and_the_others_refused(count, setup, servers):
    """hyper and Envoy, in older versions, send such bursts; each refused stream may be sent again."""
    burst = Burst(servers(setup), count)
    assert burst.goaways == []
    assert len(burst.answered) >= 100
    assert len(burst.answered) + len(burst.refused) == count


@everywhere
@pytest.mark.parametrize("count", [1600, 5000])
def test_what_was_admitted_is_answered_before_the_connection_goes(count, setup, servers):
    """Over a thousand refusals are too many: GOAWAY says why, and that the rest was not looked at."""
    burst = Burst(servers(setup), count)
    assert burst.closed
    assert (0xB, b"early_refusals") in burst.goaways
    assert {code for code, _ in burst.goaways} == {0xB}
    assert len(burst.answered) >= 100
    assert len(burst.refused) == 1001
