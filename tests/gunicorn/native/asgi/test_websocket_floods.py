"""WebSockets of hostile clients: what waits for a client that does not read, or an application that does not, is bounded."""
import h2.events
import pytest
import wsproto.events

from tests.support.tls_client import Client
from tests.support.websocket_client import WebSocket, sends_until_it_may_not

MIB = 2**20


@pytest.fixture
def client(server):
    with Client(server, credit=False) as client:
        assert client.read(lambda: client.found(h2.events.RemoteSettingsChanged))
        yield client
        # Others of the connection are served.
        client.credit = True
        client.conn.increment_flow_control_window(MIB)
        stream_id = client.conn.get_next_available_stream_id()
        client.request(stream_id, "/hello")
        assert client.read(client.ended(stream_id))


def handshake(client, path):
    client.conn.send_headers(1, [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
        (":authority", "127.0.0.1"), ("sec-websocket-version", "13")])
    client.flush()


def test_a_client_that_reads_no_answers_to_its_pings_gets_no_more_credit(client):
    socket = WebSocket(client, 1, "/ws")
    ping = socket.connection.send(wsproto.events.Ping(b"p" * 119))
    sent = sends_until_it_may_not(client, 1, ping * 100, 8 * MIB)
    assert 65536 < sent < MIB
    # Once it reads, every answer is there.
    client.credit = True
    client.conn.increment_flow_control_window(MIB)
    client.conn.increment_flow_control_window(MIB, 1)
    client.flush()
    assert client.read(lambda: client.body(1).count(b"p" * 119) == sent // len(ping))


def test_an_application_that_does_not_read_holds_a_window(client):
    socket = WebSocket(client, 1, "/ws")
    socket.send(wsproto.events.TextMessage("many"))
    message = socket.connection.send(wsproto.events.BytesMessage(b"m"))
    assert sends_until_it_may_not(client, 1, message * 2000, 8 * MIB) < MIB


def test_what_comes_before_the_application_has_accepted_gets_no_credit_without_end(client):
    """A client need not wait for the response."""
    handshake(client, "/undecided")
    assert sends_until_it_may_not(client, 1, b"\x82\xfd" + bytes(129), 8 * MIB) < MIB


def test_what_comes_before_the_application_has_accepted_is_there_afterwards(client):
    handshake(client, "/later?0.3")
    # "early", masked with zeros.
    client.data(1, b"\x81\x85\0\0\0\0early")
    assert client.read(lambda: client.body(1).endswith(b"\x81\x05early"))


def test_many_small_messages_arrive_in_order(client):
    client.credit = True
    socket = WebSocket(client, 1, "/ws")
    socket.next()
    texts = [str(n) for n in range(5000)]
    client.upload(1, b"".join(socket.connection.send(wsproto.events.TextMessage(text)) for text in texts))
    assert [socket.next().data for _ in texts] == texts


def test_a_message_of_small_fragments_is_one(client):
    client.credit = True
    socket = WebSocket(client, 1, "/ws")
    socket.next()
    for kind, part in (wsproto.events.TextMessage, "ä"), (wsproto.events.BytesMessage, b"b"):
        client.upload(1, b"".join(
            socket.connection.send(kind(part, message_finished=n == 2999)) for n in range(3000)))
        assert socket.next().data == part * 3000
