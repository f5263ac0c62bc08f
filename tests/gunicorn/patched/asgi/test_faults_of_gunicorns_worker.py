"""What goes wrong with gunicorn's own classes, in one version or more, and does not with fasth2's.

With ``FASTH2_DISABLE=1`` in the environment gunicorn's own classes are tested, and each of these fails
in the versions that have the fault.
"""
import hashlib
import os
import time

import h2.errors
import h2.events
import h2.settings
import pytest

from tests.gunicorn.patched.asgi.setups import CONCURRENT, SETUPS, ask, seen, serve, upload
from tests.support.tls_client import Client
from tests.support.waiting import settled, wait_until

#: Whose worker joins a response before its connection class sees the first of it.
JOINED = "25.0.3-asgi-install"


def test_a_connection_may_be_idle_for_more_than_a_second(server):
    with Client(server) as client:
        ask(client, 1, "/show")
        # The second has to pass.
        assert not client.read(lambda: client.closed, 1.2)
        assert ask(client, 3, "/show")["http_version"] == "2"


@pytest.mark.parametrize(("path", "body"), [("/parts", b"one two"), ("/nothing", b"")])
def test_an_empty_last_part_ends_the_response(server, path, body):
    with Client(server) as client:
        client.request(1, path)
        assert client.read(client.ended(), wait=3)
        assert client.status() == "200"
        assert client.body() == body


def test_HEAD_ends(server):
    with Client(server) as client:
        client.request(1, "/big", "HEAD")
        assert client.read(client.ended(), wait=3)
        assert client.status() == "200"
        assert client.body() == b""


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_body_is_delivered_once(concurrent, size):
    with Client(concurrent) as client:
        client.request(1, "/again", "POST", end_stream=not size)
        if size:
            client.data(1, bytes(size), end_stream=True)
        assert client.read(client.ended(), wait=5)
        assert client.body() == b"[%d, null]" % size


@pytest.mark.parametrize("size", [0, 1, 20000, 60000])
def test_a_body_in_several_frames_is_delivered_whole(server, size):
    body = os.urandom(size)
    with Client(server) as client:
        client.request(1, "/digest", "POST", end_stream=False)
        for at in range(0, size, 10000):
            client.data(1, body[at : at + 10000])
        client.data(1, b"", end_stream=True)
        assert client.read(client.ended(), wait=5)
        assert client.body().decode() == f'[{size}, "{hashlib.sha256(body).hexdigest()}"]'


def test_a_body_larger_than_the_window(server):
    body = os.urandom(300000)
    with Client(server) as client:
        client.request(1, "/digest", "POST", end_stream=False)
        upload(client, 1, body)
        assert client.read(client.ended(), wait=5)
        assert client.body().decode() == f'[300000, "{hashlib.sha256(body).hexdigest()}"]'


def test_a_request_with_trailers_runs_once(server):
    before = seen(server)["counts"].get("/digest", 0)
    with Client(server) as client:
        client.request(1, "/digest", "POST", end_stream=False)
        client.data(1, b"body")
        client.conn.send_headers(1, [("x-checksum", "1")], end_stream=True)
        client.flush()
        assert client.read(client.ended(), wait=3)
        assert client.status() == "200"
        time.sleep(0.1)
    assert seen(server)["counts"]["/digest"] == before + 1


@pytest.mark.parametrize("setup", [setup for setup in SETUPS if str(setup) != JOINED], ids=str)
def test_a_peer_that_reads_nothing_stops_the_response(setup, servers):
    """Its windows are wide open; what the application sends would pile up in memory."""
    server = servers(setup)
    with Client(server, credit=False) as client:
        client.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
        client.conn.increment_flow_control_window(2**31 - 1 - 65535)
        client.flush()
        client.request(1, "/flood")
        wait_until(lambda: seen(server)["sent"])
        assert settled(lambda: seen(server)["sent"]) < 64 << 20


@pytest.mark.parametrize("value", [b"caf\xc3\xa9", b"\xe2\x82\xac", b"caf\xe9", b"\xff\xfe"])
def test_octets_of_a_field_reach_the_scope_as_they_are(server, value):
    with Client(server) as client:
        client.conn.config.header_encoding = None
        headers = ask(client, 1, "/show", headers=[(b"x-octets", value)])["headers"]
        assert ["x-octets", value.decode("latin-1")] in headers
        assert ask(client, 3, "/show")["method"] == "GET"


def test_a_GOAWAY_lets_responses_finish(server):
    with Client(server) as client:
        client.request(1, "/big?300032")
        assert client.read(client.body)
        # Past h2, which would take no more frames.
        client.sock.sendall(b"\0\0\x08\x07\0" + bytes(12))
        assert client.read(client.ended())
        assert len(client.body()) == 300032
        client.read(lambda: False, wait=5)
        assert client.found(h2.events.ConnectionTerminated)


def test_a_request_behind_a_GOAWAY_is_served(server):
    """Only the receiver of GOAWAY may open no more streams (RFC 9113 section 6.8)."""
    with Client(server) as client:
        client.conn.send_headers(1, [
            (":method", "GET"), (":scheme", "https"), (":authority", "127.0.0.1"), (":path", "/hello"),
        ], end_stream=True)
        client.sock.sendall(b"\0\0\x08\x07\0" + bytes(12) + client.conn.data_to_send())
        assert client.read(client.ended())
        assert client.body() == b"Hello, world!"
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated), wait=5)


def test_priority_of_HEADERS_reaches_the_application(server):
    with Client(server) as client:
        client.conn.send_headers(1, [
            (":method", "GET"), (":scheme", "https"), (":authority", "127.0.0.1"), (":path", "/show"),
        ], end_stream=True, priority_weight=200, priority_depends_on=0)
        client.flush()
        assert client.read(client.ended())
        assert b'"weight": 200' in client.body()


def test_a_request_that_arrives_while_a_response_waits_for_window_is_served(server):
    with Client(server, credit=False) as client:
        client.request(1, "/big?131072")
        assert client.read(lambda: len(client.body(1)) == 65535)
        client.request(3, "/show")
        client.conn.ping(b"12345678")
        client.flush()
        assert client.read(lambda: bool(client.found(h2.events.PingAckReceived)), wait=3)
        client.conn.increment_flow_control_window(1 << 20)
        client.conn.increment_flow_control_window(1 << 20, stream_id=1)
        client.flush()
        assert client.read(client.ended(1)) and client.read(client.ended(3))
        assert len(client.body(1)) == 131072
        assert client.status(3) == "200"


def test_a_reset_that_arrives_while_another_response_waits_for_window(concurrent):
    with Client(concurrent, credit=False) as client:
        client.request(1, "/big?131072")
        client.request(3, "/listens")
        assert client.read(lambda: len(client.body(1)) == 65535)
        before = seen(concurrent)["endings"].count("http.disconnect")
        client.conn.reset_stream(3, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        wait_until(lambda: seen(concurrent)["endings"].count("http.disconnect") == before + 1)


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_settings_of_frames_and_streams(setup, tmp_path, certificate):
    """Large frames of our own for a peer that takes small ones, and one stream too many."""
    options = ("--http2-max-frame-size", "65536", "--http2-max-concurrent-streams", "2", "--keep-alive", "5")
    with serve(setup, tmp_path, certificate, *options) as server:
        with Client(server) as client:
            client.request(1, "/big?1048576")
            assert client.read(client.ended(1))
            assert len(client.body(1)) == 1 << 20
        with Client(server) as client:
            client.read(lambda: bool(client.found(h2.events.RemoteSettingsChanged)))
            client.conn.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 100
            client.conn.remote_settings.acknowledge()
            for stream_id in (1, 3, 5):
                client.request(stream_id, "/digest", "POST", end_stream=False)
            assert client.read(client.ended(5))
            reset = client.found(h2.events.StreamReset, 5)
            assert [event.error_code for event in reset] == [h2.errors.ErrorCodes.REFUSED_STREAM]
            for stream_id in (1, 3):
                client.data(stream_id, b"", end_stream=True)
                assert client.read(client.ended(stream_id))
                assert client.status(stream_id) == "200"


def test_a_malformed_request_ends_its_stream_and_no_other(server):
    with Client(server) as client:
        client.conn.config.validate_outbound_headers = False
        client.conn.config.normalize_outbound_headers = False
        client.request(1, "/ticks", "POST", end_stream=False)
        client.request(3, "/show", headers=[("X-Upper", "1")])
        assert client.read(client.ended(3), wait=3)
        assert client.found(h2.events.StreamReset, 3)
        client.data(1, b"on", end_stream=True)
        assert client.read(client.ended(1), wait=3)
        assert client.body(1) == b"tick on"


@pytest.mark.parametrize("setup", CONCURRENT, ids=str)
def test_a_response_that_is_not_read_is_cut_off_and_stops_no_other(setup, tmp_path, certificate):
    with serve(setup, tmp_path, certificate, "--timeout", "2") as server, Client(server, credit=False) as client:
        client.conn.increment_flow_control_window(1 << 24)
        client.request(1, "/big?1048576")
        assert client.read(lambda: len(client.body(1)) == 65535)
        for stream_id in range(3, 23, 2):
            client.request(stream_id, "/show")
            assert client.read(client.ended(stream_id), wait=1)
            assert client.status(stream_id) == "200"
        assert client.read(client.ended(1), wait=5)
        reset = client.found(h2.events.StreamReset, 1)
        assert [event.error_code for event in reset] == [h2.errors.ErrorCodes.CANCEL]
        client.request(23, "/show")
        assert client.read(client.ended(23))
