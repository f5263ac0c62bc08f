"""Attributes can be assigned, methods call each other through self, and streams is a dict to edit."""
from unittest import mock

from fasth2 import HTTP2ServerConnection
from fasth2.server import HTTP2Request, HTTP2Stream
from tests.support.facade_peer import POST, config


def test_an_assigned_send_data_gets_the_body(peer):
    peer.served()
    peer.server.send_data = mock.Mock()
    peer.server.send_response(1, 200, [], b"Hello")
    peer.server.send_data.assert_called_once_with(1, b"Hello", end_stream=True)


def test_a_subclass_sees_every_body(connect):
    class Counting(HTTP2ServerConnection):
        octets = 0

        def send_data(self, stream_id, data, end_stream=False):
            self.octets += len(data)
            super().send_data(stream_id, data, end_stream)

    peer = connect(server_class=Counting)
    peer.served()
    peer.server.send_error(1, 500, "Hello")
    peer.listen()
    assert peer.server.octets == 5
    assert peer.body() == b"Hello"
    assert len(peer.sock.writes) - peer.seen == 0


def test_an_assigned_send_response_gets_errors(peer):
    peer.server.send_response = mock.Mock()
    peer.server.send_error(7, 500, "x")
    assert peer.server.send_response.call_args.args[:2] == (7, 500)


def test_an_assigned_reset_stream_or_close_is_honoured(peer):
    peer.request(1)
    peer.server.receive_data(peer.octets() + b"\0\0\x08\7\0\0\0\0\0" + b"\0\0\0\1" + b"\0\0\0\0")
    peer.server.close = mock.Mock()
    peer.server.send_response(1, 200, [], b"x")
    peer.server.cleanup_stream(1)
    peer.server.close.assert_called_once_with()


def test_an_assigned_engine_method_is_honoured(peer):
    called = []
    consume = peer.server.h2_conn.consume
    peer.server.h2_conn.consume = lambda *args: (called.append(args), consume(*args))
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"body", end_stream=True)
    peer.tell()
    assert called == [(1, 4)]


def test_the_engine_can_be_used_directly(peer):
    peer.served()
    peer.server.h2_conn.send_headers(1, [(":status", "200")])
    peer.server.h2_conn.send_data(1, b"Hel")
    peer.server.streams[1].send_headers([(":status", "200")])
    peer.server.send_data(1, b"lo", end_stream=True)
    peer.listen()
    assert peer.body() == b"Hello"


def test_an_entry_removed_from_streams(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.server.streams.pop(1)
    peer.client.send_data(1, b"late")
    peer.client.send_headers(1, [("x-t", "1")], end_stream=True)
    assert peer.tell() == []
    assert not peer.server.is_closed


def test_a_stream_put_into_streams(peer):
    peer.served()
    stream = peer.server.streams[1] = HTTP2Stream(1, peer.server)
    stream.receive_headers([(":method", "GET")], end_stream=True)
    peer.server.send_response(1, 200, [], b"x")
    assert stream.response_complete


def test_classes_of_the_applications_own(connect):
    class Stream(HTTP2Stream):
        pass

    class Request(HTTP2Request):
        pass

    class Connection(HTTP2ServerConnection):
        stream_class = Stream
        request_class = Request

    request = connect(server_class=Connection).served()
    assert type(request) is Request
    assert type(request.stream) is Stream


def test_a_socket_of_mocks():
    sock = mock.Mock()
    sock.recv.return_value = b""
    cfg = config(timeout=30, keepalive=2)
    server = HTTP2ServerConnection(cfg, sock, None)
    server.initiate_connection()
    assert server.receive_data() == []
    assert sock.sendall.called


def test_the_socket_can_be_replaced(peer):
    peer.served()
    other = peer.server.sock = mock.Mock()
    peer.server.send_response(1, 200, [], b"x")
    other.sendall.assert_called_once()
