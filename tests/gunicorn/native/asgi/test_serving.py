"""HTTP/2 and HTTP/1.1 on one port: what the application and its clients see."""
import hashlib
import socket
import ssl
import subprocess
import threading

import h2.connection
import h2.errors
import h2.events

from tests.gunicorn.native.asking import ask, fields
from tests.support.curl import curl
from tests.support.tls_client import Client
from tests.support.waiting import wait_until

WRITE_OUT = ("--write-out", " %{http_version} %{http_code}")

#: An application with the extensions that `tests.support.uvicorn_app` does not use.
EXTENSIONS = '''
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    if scope["path"] == "/hints":
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
        await send({"type": "http.response.informational", "status": 103, "headers": [(b"link", b"</b.css>")]})
    if scope["path"] == "/gone":
        await receive()
        try:
            while True:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                while True:
                    await send({"type": "http.response.body", "body": b"x", "more_body": True})
                    await asyncio.sleep(0.01)
        except OSError as error:
            print("send raised", type(error).__name__, scope["asgi"]["spec_version"], flush=True)
            raise
    await send({"type": "http.response.start", "status": int(scope["query_string"] or 200), "headers": [
        (b"content-type", b"text/plain")]})
    if scope["path"] == "/file":
        await send({"type": "http.response.pathsend", "path": __file__})
        return
    await send({"type": "http.response.priority", "urgency": 1, "incremental": True})
    await send({"type": "http.response.body", "body": repr(scope["extensions"]).encode()})
'''


def test_http_2_and_http_1_1_on_one_port(server):
    assert curl(server, "/hello", *WRITE_OUT) == b"Hello, world! 2 200"
    assert curl(server, "/hello", *WRITE_OUT, http="--http1.1") == b"Hello, world! 1.1 200"


def test_a_client_without_alpn_gets_http_1_1(server):
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    with socket.create_connection(("127.0.0.1", server.port)) as raw, \
            context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
        for _ in range(2):
            sock.sendall(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = b""
            while not answer.endswith(b"Hello, world!"):
                answer += sock.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")


def test_in_the_clear(serve):
    server = serve(tls=False)
    command = ["curl", "-s", "--max-time", "10", *WRITE_OUT, server.url + "/hello"]
    assert subprocess.run([*command, "--http2-prior-knowledge"], capture_output=True).stdout == b"Hello, world! 2 200"
    assert subprocess.run([*command, "--http1.1"], capture_output=True).stdout == b"Hello, world! 1.1 200"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        # A beginning that may still become the preface.
        for part in (b"P", b"OST /digest HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n", b"x"):
            sock.sendall(part)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


def test_an_upgrade_in_the_clear(start):
    server = start("--http2-cleartext", "both", tls=False)
    command = ["curl", "-s", "--max-time", "10", "--http2", *WRITE_OUT, server.url + "/digest", "-d", "body"]
    body = hashlib.sha256(b"body").hexdigest().encode()
    assert subprocess.run(command, capture_output=True).stdout == body + b" 2 200"


def test_a_port_for_prior_knowledge_alone(start):
    server = start("--http2-cleartext", "prior-knowledge", tls=False)
    with Client(server) as client:
        assert ask(client, "/hello") == ("200", b"Hello, world!")
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400")


def test_the_scope_is_as_in_http_1_1(server):
    def scope(http):
        return eval(curl(server, "/scope?a=b", "-H", "X-Name: value", http=http))

    ours, theirs = scope("--http2"), scope("--http1.1")
    assert ours["http_version"] == "2"
    for key in set(theirs) - {"http_version", "client", "headers", "extensions"}:
        assert ours[key] == theirs[key], key
    assert set(ours) - set(theirs) <= {"extensions"}
    assert ours["client"][0] == "127.0.0.1"
    assert sorted(ours["headers"]) == sorted(theirs["headers"])
    assert ours["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert ours["state"] == {"from_lifespan": "yes"}
    assert ours["extensions"]["tls"]["tls_version"] == 0x0304
    assert set(ours["extensions"]) == {
        "http.response.trailers", "http.response.early_hint", "http.response.informational", "http.response.pathsend",
        "http.response.priority", "tls"}


def test_uploads_and_downloads(server):
    body = bytes(range(256)) * 20_000
    for http in ("--http2", "--http1.1"):
        assert curl(server, "/digest", "--data-binary", "@-", data=body, http=http).decode() == hashlib.sha256(body).hexdigest()
        assert len(curl(server, "/stream?200", http=http)) == 10_000_000


def test_many_connections_at_once(server):
    answers = []

    def client():
        with Client(server) as client:
            for stream_id in range(1, 41, 2):
                client.request(stream_id, "/stream?2")
            assert client.read(lambda: len(client.found(h2.events.StreamEnded)) == 20)
            answers.append(len(client.body(39)))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [100_000] * 8


def test_heads_trailers_and_faults(server):
    with Client(server) as client:
        assert ask(client, "/hello", "HEAD") == ("200", b"")
        found = fields(client, 1)
        assert found["content-length"] == "13"
        assert found["server"] == "gunicorn/asgi"
        assert found["date"].endswith(" GMT")
        assert ask(client, "/trailers") == ("200", b"body")
        assert client.found(h2.events.TrailersReceived, 3)[0].headers == [("x-end", "yes")]
        assert ask(client, "/fault") == ("500", b"Internal Server Error")
    assert server.log.count("ValueError: a fault of the application") == 1


def test_extensions(start, tmp_path):
    (tmp_path / "extended.py").write_text(EXTENSIONS)
    server = start("--chdir", str(tmp_path), app="extended:app")
    with Client(server) as client:
        status, body = ask(client, "/hints", headers=[("priority", "u=2, i")])
        assert status == "200"
        assert eval(body)["http.response.priority"] == {"urgency": 2, "incremental": True}
        hints = client.found(h2.events.InformationalResponseReceived, 1)
        assert [dict(hint.headers)["link"] for hint in hints] == ["</a.css>; rel=preload", "</b.css>"]
        assert ask(client, "/file") == ("200", EXTENSIONS.encode())
        assert ask(client, "/x?204") == ("204", b"")
        client.request(7, "/gone")
        assert client.read(lambda: client.body(7))
        client.conn.reset_stream(7)
        client.flush()
        wait_until(lambda: "send raised ClientDisconnected 2.4" in server.log)
        assert ask(client, "/x")[0] == "200"
    assert "Traceback" not in server.log


def test_a_disconnect_reaches_the_application(server):
    with Client(server) as client:
        client.request(1, "/events")
        assert client.read(lambda: client.body(1))
        client.conn.reset_stream(1)
        client.flush()
        wait_until(lambda: b"http.disconnect" in ask(client, "/seen")[1])
        before = ask(client, "/seen")[1].count(b"http.disconnect")
    with Client(server) as leaver:
        leaver.request(1, "/events")
        assert leaver.read(lambda: leaver.body(1))
    with Client(server) as client:
        wait_until(lambda: ask(client, "/seen")[1].count(b"http.disconnect") == before + 1)


def test_a_client_that_does_not_read_does_not_stop_others(server):
    with Client(server, credit=False) as deaf, Client(server) as client:
        deaf.request(1, "/stream?1000")
        assert deaf.read(lambda: len(deaf.body(1)) > 60_000)
        assert ask(client, "/hello") == ("200", b"Hello, world!")
        deaf.conn.acknowledge_received_data(len(deaf.body(1)), 1)
        deaf.credit = True
        deaf.flush()
        assert deaf.read(deaf.ended(1))
        assert len(deaf.body(1)) == 50_000_000


def test_a_tls_connection_that_closes_its_side_gets_its_answer(server):
    """close_notify ends what the client sends, not what it receives."""
    context = ssl.create_default_context(cafile=str(server.certificate.authority))
    context.set_alpn_protocols(["h2"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    connection.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/slow?0.2")],
                            end_stream=True)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65536))
        tls.write(connection.data_to_send())
        sock.sendall(outgoing.read())
        incoming.write(sock.recv(65536))
        try:
            tls.unwrap()
        except ssl.SSLError:
            pass
        sock.sendall(outgoing.read())
        sock.shutdown(socket.SHUT_WR)
        received = 0
        while data := sock.recv(65536):
            received += len(data)
        assert received > 50
    assert "Traceback" not in server.log.rpartition("a fault of the application")[2]


def test_what_is_malformed_ends_the_connection(server):
    with Client(server) as client:
        client.sock.sendall(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x")
        assert client.read(lambda: client.found(h2.events.ConnectionTerminated))
        assert client.found(h2.events.ConnectionTerminated)[0].error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR
