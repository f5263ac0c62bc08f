"""CONNECT as the façade hands it out: the authority is its target, and no path is invented."""
from tests.support.facade_peer import frame

# :method CONNECT, :authority example.com:443, literal and not indexed.
CONNECT = b"\x02\x07CONNECT\x01\x0fexample.com:443"


def test_the_target_of_CONNECT_is_the_authority(peer):
    peer.server.receive_data(frame("HEADERS", 0x4, 1, CONNECT))
    [request] = peer.server.receive_data(frame("DATA", 0x1, 1))
    assert (request.method, request.uri) == ("CONNECT", "example.com:443")
    assert (request.path, request.query, request.fragment) == ("", "", "")
    assert request.headers == [("HOST", "example.com:443")]


def test_other_requests_keep_their_path(peer):
    request = peer.served()
    assert (request.uri, request.path) == ("/", "/")
