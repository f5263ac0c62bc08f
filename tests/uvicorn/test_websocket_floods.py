"""WebSockets of hostile clients: what waits for a client that does not read, or an application that does not, is bounded."""
import h2.errors
import h2.events
import pytest
import wsproto.events

from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.uvicorn_versions import VERSIONS
from tests.support.waiting import until
from tests.support.websocket_client import WebSocket, sends_until_it_may_not

MIB = 2**20


def opened(server, **options):
    client = Client(server, credit=False, **options)
    socket = WebSocket(client, 1, "/ws")
    assert socket.status == "200"
    return client, socket


@pytest.mark.parametrize("ws", ["wsproto", "websockets"])
def test_a_client_that_reads_no_answers_to_its_pings_gets_no_more_credit(serve, certificate, ws):
    client, socket = opened(serve(certificate=certificate, ws=ws))
    with client:
        ping = socket.connection.send(wsproto.events.Ping(b"p" * 119))
        assert len(ping) == 125
        sent = sends_until_it_may_not(client, 1, ping * 100, 8 * MIB)
        assert 65536 < sent < MIB
        # Others are served, and once it reads, every answer is there.
        client.credit = True
        client.conn.increment_flow_control_window(2**20)
        client.conn.increment_flow_control_window(2**20, 1)
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.read(lambda: client.body().count(b"p" * 119) == sent // 125)


def test_applications_that_go_on_after_their_websocket_count_as_streams(serve, certificate):
    server = serve(certificate=certificate, limits={"concurrent_streams": 3}, timeout_graceful_shutdown=1)
    with Client(server) as client:
        assert client.read(lambda: client.found(h2.events.RemoteSettingsChanged))
        for n in (1, 3, 5):
            client.conn.send_headers(n, [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/undecided"),
                (":authority", "127.0.0.1"), ("sec-websocket-version", "13")])
            client.flush()
            assert until(lambda n=n: curl(server, "/seen").count(b"undecided") == (n + 1) // 2)
            client.conn.reset_stream(n)
            client.flush()
        client.request(7, "/hello")
        assert client.read(client.ended(7))
        assert client.found(h2.events.StreamReset, 7)[0].error_code == h2.errors.ErrorCodes.REFUSED_STREAM
    with Client(server) as other:
        other.request(1, "/hello")
        assert other.read(other.ended(1))
        assert other.status(1) == "200"


@pytest.mark.parametrize("ws", ["wsproto", "websockets"])
def test_what_comes_before_the_application_has_accepted_gets_no_credit_without_end(serve, certificate, ws):
    """A client need not wait for the response."""
    server = serve(certificate=certificate, ws=ws, timeout_graceful_shutdown=1)
    with Client(server, credit=False) as client:
        assert client.read(lambda: client.found(h2.events.RemoteSettingsChanged))
        client.conn.send_headers(1, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/undecided"),
            (":authority", "127.0.0.1"), ("sec-websocket-version", "13")])
        client.flush()
        assert sends_until_it_may_not(client, 1, b"\x82\xfd" + bytes(129), 8 * MIB) < MIB
        client.credit = True
        client.request(3, "/hello")
        assert client.read(client.ended(3))


def test_what_comes_before_the_application_has_accepted_is_there_afterwards(server):
    with Client(server) as client:
        assert client.read(lambda: client.found(h2.events.RemoteSettingsChanged))
        client.conn.send_headers(1, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/later?0.3"),
            (":authority", "127.0.0.1"), ("sec-websocket-version", "13")])
        # "early", masked with zeros.
        client.data(1, b"\x81\x85\0\0\0\0early")
        assert client.read(lambda: client.body().endswith(b"\x81\x05early"))


def test_an_application_that_does_not_read_holds_a_window(server):
    client, socket = opened(server)
    with client:
        socket.send(wsproto.events.TextMessage("many"))
        message = socket.connection.send(wsproto.events.BytesMessage(b"m" * 16000))
        assert sends_until_it_may_not(client, 1, message, 8 * MIB) < MIB
        client.ping()


@pytest.mark.parametrize("ws", ["wsproto", "websockets"])
def test_a_message_of_many_fragments_is_bounded_by_the_servers_setting(setup, serve, certificate, ws):
    if VERSIONS[setup.rpartition("-")[0]].number < (0, 47):
        # The class for wsproto has no such limit in 0.36.
        ws = "websockets"
    server = serve(certificate=certificate, ws=ws, ws_max_size=100_000)
    client, socket = opened(server)
    with client:
        part = socket.connection.send(wsproto.events.BytesMessage(b"f" * 1000, message_finished=False))
        more = b"".join(socket.connection.send(wsproto.events.BytesMessage(b"f" * 1000, message_finished=False)) for _ in range(10))
        client.data(1, part)
        assert sends_until_it_may_not(client, 1, more, 8 * MIB) < MIB
        client.credit = True
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert not client.found(h2.events.ConnectionTerminated)
