"""httpx against gunicorn on fasth2."""
import asyncio
import hashlib
import os
import ssl
import time

import httpx
import pytest


def context(server):
    return ssl.create_default_context(cafile=str(server.certificate.authority))


@pytest.fixture
def client(server):
    """A client of one connection."""
    with httpx.Client(http1=False, http2=True, verify=context(server), base_url=server.url, timeout=20,
                      limits=httpx.Limits(max_connections=1)) as client:
        yield client


def together(server, make, count):
    """Have one connection make requests at once; `make` is given a client and a number. Return what came of each."""
    async def run():
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(http1=False, http2=True, verify=context(server), base_url=server.url,
                                     timeout=20, limits=limits) as client:
            # The server's settings are known after one answer.
            await client.get("/hello")
            return await asyncio.gather(*(make(client, number) for number in range(count)), return_exceptions=True)

    return asyncio.run(run())


def is_hello(response):
    return (response.status_code, response.http_version, response.text) == (200, "HTTP/2", "Hello, world!")


def test_GET(client):
    response = client.get("/hello")
    assert is_hello(response)
    assert response.headers["content-type"] == "text/plain"


def test_GET_by_install(installed):
    with httpx.Client(http1=False, http2=True, verify=context(installed)) as client:
        assert is_hello(client.get(installed.url + "/hello"))


def test_POST_of_ten_mebibytes_echoed(client, body):
    response = client.post("/echo", content=body)
    assert hashlib.sha256(response.content).digest() == hashlib.sha256(body).digest()


def test_an_upload_in_parts(client):
    parts = [os.urandom(number * 50) for number in range(200)]
    response = client.post("/digest", content=iter(parts))
    assert response.text == hashlib.sha256(b"".join(parts)).hexdigest()


def test_a_hundred_streams_at_once(server):
    """The first takes a while; the others wait for it, on the one connection."""
    responses = together(server, lambda client, number: client.get("/slow?0.3" if not number else "/hello"), 100)
    assert all(map(is_hello, responses))
    ids = sorted(response.extensions["stream_id"] for response in responses)
    assert ids == list(range(3, 203, 2))


def test_a_hundred_uploads_at_once(server):
    """Together below the window: httpx can miss the credit that another of its requests reads."""
    bodies = [os.urandom(550 + number) for number in range(100)]
    responses = together(server, lambda client, number: client.post("/echo", content=bodies[number]), 100)
    assert [response.content for response in responses] == bodies


def test_many_requests_one_after_another(client):
    ids = []
    for _ in range(300):
        response = client.get("/hello")
        assert is_hello(response)
        ids.append(response.extensions["stream_id"])
    assert ids == list(range(1, 601, 2))


def test_HEAD_204_and_304(client):
    head = client.head("/hello")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "13", b"")
    empty = client.get("/empty")
    assert (empty.status_code, empty.content) == (204, b"")
    unchanged = client.get("/unchanged", headers={"If-None-Match": '"same"'})
    assert (unchanged.status_code, unchanged.headers["etag"], unchanged.content) == (304, '"same"', b"")
    assert is_hello(client.get("/hello"))


def test_a_response_with_early_hints(client):
    """httpx shows none and must not stumble over them."""
    assert is_hello(client.get("/hints"))


def test_a_response_with_trailers(client):
    assert client.get("/trailers").text == "with trailers"
    assert is_hello(client.get("/hello"))


def test_cookies_and_many_fields(client):
    for number in range(60):
        client.cookies.set(f"name{number}", "c" * 100)
    fields = {f"X-Field-{number}": "f" * 500 for number in range(80)}
    environ = client.get("/about", headers=fields).json()
    assert len(environ["HTTP_COOKIE"].split("; ")) == 60
    assert all(environ[f"HTTP_X_FIELD_{number}"] == "f" * 500 for number in range(80))


@pytest.mark.parametrize("count, size", [
    (66, 1000), (300, 1), (150, 1), (1, 9000)],
    ids=["list-too-large", "too-many-fields", "more-fields-than-gunicorn-allows", "larger-field-than-gunicorn-allows"])
def test_a_header_list_above_a_limit_fails_its_stream_alone(server, count, size):
    fields = {f"X-Field-{number}": "f" * size for number in range(count)}
    responses = together(
        server, lambda client, number: client.get("/hello", headers=fields if number == 5 else {}), 10)
    assert responses.pop(5).status_code == 431
    assert all(map(is_hello, responses))


def test_many_response_fields(client):
    response = client.get("/fields?300")
    assert all(response.headers[f"x-field-{number}"] == f"{number:0100d}" for number in range(300))


def test_a_response_that_is_left_in_the_middle(client):
    """httpx sends no RST_STREAM: the rest arrives and is thrown away."""
    with client.stream("GET", "/big?3000000") as response:
        assert next(response.iter_bytes())
    assert is_hello(client.get("/hello"))


def test_a_request_that_times_out(client):
    """httpx gives its connection up and makes another."""
    with pytest.raises(httpx.ReadTimeout):
        client.get("/slow?0.3", timeout=0.1)
    assert is_hello(client.get("/hello"))


def test_a_response_that_is_not_read(impatient):
    """Once 16 MiB wait, the server gives the stream up; other connections are served all the time."""
    with httpx.Client(http1=False, http2=True, verify=context(impatient), timeout=20) as stalled, \
            httpx.Client(http1=False, http2=True, verify=context(impatient), timeout=20) as other:
        with stalled.stream("GET", impatient.url + "/big?40000000") as response:
            begin = time.monotonic()
            while time.monotonic() - begin < 3:
                assert is_hello(other.get(impatient.url + "/hello"))
                time.sleep(0.05)
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                for _ in response.iter_bytes():
                    pass
