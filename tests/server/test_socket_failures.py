"""A socket that ends or fails, at any point."""
import pytest

from fasth2.server.errors import HTTP2ConnectionError, HTTP2Error
from tests.support.facade_peer import INITIAL_WINDOW_SIZE, POST


def test_an_empty_read_closes(peer):
    assert peer.server.receive_data() == []
    assert peer.server.is_closed
    assert peer.written() == []


def test_empty_data_closes(peer):
    assert peer.server.receive_data(b"") == []
    assert peer.server.is_closed


def test_a_closed_connection_is_not_read(peer):
    peer.server.receive_data(b"")
    peer.sock.reads.append(AssertionError("read"))
    assert peer.server.receive_data() == []


def test_an_empty_read_in_the_middle_of_a_request(peer):
    peer.request(1, POST, end_stream=False)
    peer.queue()
    assert peer.server.receive_data() == []
    assert peer.server.receive_data() == []
    assert peer.server.is_closed


@pytest.mark.parametrize("error", [OSError("Connection reset"), ConnectionResetError(104, "reset"),
                                   TimeoutError("timed out")])
def test_a_read_that_fails(peer, error):
    peer.queue(error)
    with pytest.raises(HTTP2ConnectionError, match=r"^Socket read error: ") as caught:
        peer.server.receive_data()
    assert str(error) in str(caught.value)
    assert caught.value.__cause__ is error
    assert peer.server.is_closed


def failing(peer):
    peer.sock.write_error = BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("call", [
    lambda server: server.send_response(1, 200, [], b"Hello"),
    lambda server: server.send_response(1, 200, []),
    lambda server: server.send_informational(1, 103, []),
    lambda server: server.send_error(1, 500, "failed"),
    lambda server: server.reset_stream(1),
])
def test_a_write_that_fails(peer, call):
    peer.served()
    failing(peer)
    with pytest.raises(HTTP2ConnectionError, match=r"^Socket write error: .*Broken pipe"):
        call(peer.server)
    assert peer.server.is_closed


def test_a_write_that_fails_in_the_middle_of_a_body(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 10})
    peer.served()

    def opens():
        failing(peer)
        peer.client.increment_flow_control_window(10, 1)
        return peer.octets()

    peer.queue(opens)
    with pytest.raises(HTTP2ConnectionError, match="Broken pipe"):
        peer.server.send_response(1, 200, [], b"x" * 20)
    assert peer.server.is_closed
    # Nothing raises where nothing more is expected of the connection.
    peer.server.cleanup_stream(1)
    peer.server.close()
    assert peer.server.receive_data() == []


def test_a_write_that_fails_while_acknowledging(peer):
    failing(peer)
    peer.client.ping(b"12345678")
    with pytest.raises(HTTP2ConnectionError, match="Broken pipe"):
        peer.tell()


def test_sending_on_a_closed_connection(peer):
    peer.served()
    peer.server.receive_data(b"")
    with pytest.raises(HTTP2ConnectionError):
        peer.server.send_response(1, 200, [], b"Hello")
    assert peer.written() == []


def test_close_is_best_effort(peer):
    failing(peer)
    peer.server.close()
    assert peer.server.is_closed


def test_cleanup_is_best_effort(peer):
    peer.served()
    failing(peer)
    peer.server.cleanup_stream(1)
    assert peer.server.streams == {}


def test_a_socket_that_fails_while_the_settings_go_out(connect):
    peer = connect(greeted=False)
    failing(peer)
    with pytest.raises(HTTP2Error):
        peer.server.initiate_connection()
