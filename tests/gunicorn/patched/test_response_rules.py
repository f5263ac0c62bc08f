"""What an application says of its response holds, or the client learns that it does not (PEP 3333, RFC 9110)."""
import h2.errors
import h2.events
import pytest

from tests.support.gunicorn_server import tracebacks
from tests.support.tls_client import Client

APP = "tests.gunicorn.patched.response_rules_app:app"


@pytest.fixture
def client(start, blocking_worker):
    server = start(*blocking_worker, app=APP)
    with Client(server) as client:
        client.server = server
        yield client


def get(client, path, stream_id=1):
    client.request(stream_id, path)
    assert client.read(client.ended(stream_id))
    return client.status(stream_id)


def fields(client, stream_id=1):
    return client.found(h2.events.ResponseReceived, stream_id)[0].headers


def values(client, name, stream_id=1):
    return [value for key, value in fields(client, stream_id) if key == name]


@pytest.mark.parametrize("path", ["/short", "/short-parts", "/short-generated"])
def test_a_body_shorter_than_its_length_is_a_500_where_nothing_is_out(client, path):
    assert get(client, path) == "500"
    assert client.found(h2.events.StreamEnded, 1)
    assert "10" not in values(client, "content-length")
    assert tracebacks(client.server) == 1
    assert get(client, "/hello", 3) == "200"


def test_a_body_shorter_than_its_length_is_reset_where_a_part_is_out(client):
    assert get(client, "/short-late") == "200"
    assert client.body() == b"partpart"
    [reset] = client.found(h2.events.StreamReset)
    assert reset.error_code == h2.errors.ErrorCodes.INTERNAL_ERROR
    assert get(client, "/hello", 3) == "200"


@pytest.mark.parametrize("path", ["/long", "/long-generated"])
def test_no_more_is_sent_than_the_length_says(client, path):
    assert get(client, path) == "200"
    assert client.body() == b"01234"
    assert client.found(h2.events.StreamEnded, 1)


def test_a_length_said_twice_is_sent_once(client):
    assert get(client, "/twice") == "200"
    assert values(client, "content-length") == ["5"]


@pytest.mark.parametrize("path", ["/twice-apart", "/no-number", "/negative"])
def test_an_invalid_content_length_is_answered_with_500(client, path):
    assert get(client, path) == "500"
    assert tracebacks(client.server) == 1
    assert get(client, "/hello", 3) == "200"


def test_exc_info_replaces_the_whole_head(client):
    assert get(client, "/replaced") == "503"
    assert client.body() == b"sorry"
    names = [name for name, _ in fields(client)]
    assert "x-second" in names
    assert not {"x-first", "etag", "content-length"} & set(names)


def test_date_and_server_of_the_application_are_not_doubled(client):
    assert get(client, "/own-date-and-server") == "200"
    # Whose they are is gunicorn's choice: it leaves the application's out.
    assert len(values(client, "date")) <= 1
    assert len(values(client, "server")) <= 1


def test_values_are_latin_1_on_the_way_out(start, blocking_worker):
    server = start(*blocking_worker, app=APP)
    with Client(server) as client:
        client.conn.config.header_encoding = None
        client.request(1, "/latin")
        assert client.read(client.ended())
        [hint] = client.found(h2.events.InformationalResponseReceived)
        assert dict(hint.headers)[b"x-hint"] == b"caf\xe9"
        assert dict(fields(client))[b"x-name"] == b"caf\xe9"
        [trailers] = client.found(h2.events.TrailersReceived)
        assert dict(trailers.headers)[b"x-last"] == b"caf\xe9"


def test_a_value_that_latin_1_does_not_have_is_a_500(client):
    assert get(client, "/beyond-latin") == "500"
    assert get(client, "/hello", 3) == "200"
