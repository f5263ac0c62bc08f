"""Parts as they are made, 100-continue, early hints, trailers both ways, and responses without a body."""
import h2.events
import pytest

from tests.load.setups import OLDER_CLASSES, SETUPS
from tests.support.tls_client import Client

everywhere = pytest.mark.parametrize("setup", [*SETUPS, *OLDER_CLASSES], ids=str)


@everywhere
def test_server_sent_events_arrive_as_they_are_yielded(setup, servers, tmp_path):
    """The next is not made before the last has arrived."""
    expected = b""
    with Client(servers(setup)) as client:
        client.request(1, f"/events?{tmp_path}")
        for number in range(3):
            (tmp_path / str(number)).touch()
            expected += b"data: %d\n\n" % number
            assert client.read(lambda expected=expected: client.body() == expected)
        assert client.read(client.ended())


@everywhere
def test_100_continue(setup, servers):
    with Client(servers(setup)) as client:
        client.request(1, "/echo", "POST", [("expect", "100-continue")], end_stream=False)
        assert client.read(lambda: client.found(h2.events.InformationalResponseReceived))
        client.data(1, b"body", end_stream=True)
        assert client.read(client.ended())
        [interim] = client.found(h2.events.InformationalResponseReceived)
        assert dict(interim.headers)[":status"] == "100"
        assert (client.status(), client.body()) == ("200", b"body")


@everywhere
def test_early_hints(setup, servers):
    with Client(servers(setup)) as client:
        for stream_id in (1, 3):
            client.request(stream_id, "/hints")
        for stream_id in (1, 3):
            assert client.read(client.ended(stream_id))
            [interim] = client.found(h2.events.InformationalResponseReceived, stream_id)
            assert dict(interim.headers) == {":status": "103", "link": "</style.css>; rel=preload; as=style"}
            assert (client.status(stream_id), client.body(stream_id)) == ("200", b"Hello, world!")


@everywhere
def test_trailers_both_ways(setup, servers):
    with Client(servers(setup)) as client:
        client.request(1, "/after-the-body", "POST", end_stream=False)
        client.request(3, "/after-the-body", "POST", end_stream=False)
        client.data(1, b"12345")
        client.conn.send_headers(1, [("x-checksum", "1")], end_stream=True)
        # Trailers behind no body at all.
        client.conn.send_headers(3, [("x-checksum", "2")], end_stream=True)
        client.flush()
        for stream_id, size in ((1, "5"), (3, "0")):
            assert client.read(client.ended(stream_id))
            assert client.body(stream_id) == b"body" * 10000
            [trailers] = client.found(h2.events.TrailersReceived, stream_id)
            assert trailers.headers == [("x-sum", size)]


@everywhere
def test_responses_without_a_body(setup, servers):
    cases = [("HEAD", "/hello", "200"), ("GET", "/empty", "204"), ("GET", "/unchanged", "304"), ("HEAD", "/stream?9", "200")]
    with Client(servers(setup)) as client:
        for number, (method, path, status) in enumerate(cases):
            stream_id = 2 * number + 1
            client.request(stream_id, path, method, [("if-none-match", '"same"')])
            assert client.read(client.ended(stream_id))
            assert (client.status(stream_id), client.body(stream_id)) == (status, b"")
        assert not client.found(h2.events.StreamReset)
