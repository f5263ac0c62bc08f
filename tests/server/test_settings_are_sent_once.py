"""The server's SETTINGS: the four values and RFC 9218's, in one frame, once."""
from tests.support.facade_peer import config, frames


def advertised(payload):
    return {int.from_bytes(payload[at:at + 2], "big"): int.from_bytes(payload[at + 2:at + 6], "big")
            for at in range(0, len(payload), 6)}


def test_one_frame_with_the_four_values(connect):
    peer = connect(config(
        http2_initial_window_size=70000, http2_max_concurrent_streams=7,
        http2_max_frame_size=20000, http2_max_header_list_size=3000), greeted=False)
    peer.server.initiate_connection()
    [write] = peer.written()
    [settings] = frames(write)
    assert (settings.kind, settings.flags, settings.stream_id) == ("SETTINGS", 0, 0)
    assert advertised(settings.payload) == {3: 7, 4: 70000, 5: 20000, 6: 3000, 9: 1}


def test_a_header_list_size_of_0_is_not_advertised(connect):
    peer = connect(config(http2_max_header_list_size=0), greeted=False)
    peer.server.initiate_connection()
    [settings] = frames(b"".join(peer.written()))
    assert 6 not in advertised(settings.payload)


def test_a_second_call_does_nothing(peer):
    peer.server.initiate_connection()
    assert peer.written() == []


def test_the_values_are_attributes(connect):
    cfg = config(http2_initial_window_size=1, http2_max_concurrent_streams=2, http2_max_frame_size=16385,
                 http2_max_header_list_size=4)
    server = connect(cfg, greeted=False).server
    assert (server.initial_window_size, server.max_concurrent_streams) == (1, 2)
    assert (server.max_frame_size, server.max_header_list_size) == (16385, 4)
    assert server.cfg is cfg
    assert server.client_addr == ("192.0.2.1", 50000)


def test_frames_up_to_the_advertised_size_are_taken_once_acknowledged(connect):
    peer = connect(config(http2_max_frame_size=30000))
    peer.request(1, end_stream=False)
    peer.client.send_data(1, b"x" * 30000, end_stream=True)
    [request] = peer.tell()
    assert len(request.body.read()) == 30000


def test_a_window_below_the_default_holds_from_the_acknowledgement_on(connect):
    """A client may send before it has seen the settings, and counts on 65,535 octets until then."""
    peer = connect(config(http2_initial_window_size=1000), greeted=False)
    peer.server.initiate_connection()
    peer.request(1, end_stream=False)
    peer.client.send_data(1, b"x" * 16384)
    peer.client.send_data(1, b"x" * 16384, end_stream=True)
    [request] = peer.tell()
    assert len(request.body.read()) == 32768
    peer.talk()
    peer.request(3, end_stream=False)
    assert peer.client.local_flow_control_window(3) == 1000


def test_the_connection_window_stays_at_the_default(connect):
    peer = connect(config(http2_initial_window_size=1 << 20))
    assert peer.client.outbound_flow_control_window == 65535
