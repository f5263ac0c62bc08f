"""An unread upload that its client ends properly costs the connection nothing: `keepalive` holds."""
import h2.events

from tests.support.tls_client import Client

APP = "tests.gunicorn.patched.response_rules_app:app"


def answered_unread(client, stream_id=1):
    """Have a request answered whose body has not come."""
    client.request(stream_id, "/hello", "POST", end_stream=False)
    assert client.read(client.ended(stream_id))
    assert client.status(stream_id) == "200"
    # The connection goes to the poller.
    client.read(lambda: client.closed, 0.3)


def terminated(client):
    return lambda: client.found(h2.events.ConnectionTerminated)


def test_the_connection_is_kept_for_keepalive(start, blocking_worker):
    server = start(*blocking_worker, "--keep-alive", "60", app=APP, env={"FASTH2_UNREAD_UPLOAD_SECONDS": "1"})
    with Client(server, patient=True) as client:
        answered_unread(client)
        client.data(1, b"", end_stream=True)
        # Three times as long as the upload had.
        client.read(terminated(client), 3)
        assert not client.closed
        assert not client.found(h2.events.ConnectionTerminated)
        client.request(3, "/hello")
        assert client.read(client.ended(3))
        assert client.status(3) == "200"


def test_keepalive_ends_it_nevertheless(start, blocking_worker):
    server = start(*blocking_worker, "--keep-alive", "2", app=APP, env={"FASTH2_UNREAD_UPLOAD_SECONDS": "1"})
    with Client(server, patient=True) as client:
        answered_unread(client)
        client.data(1, b"", end_stream=True)
        assert client.read(terminated(client), 20)
        assert not client.found(h2.events.StreamReset)
