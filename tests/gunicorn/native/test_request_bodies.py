"""``wsgi.input``: read by every method, while the body arrives, and not at all."""
import time

import h2.events
import pytest

from tests.gunicorn.native.asking import ask, fields, reset_code, written
from tests.gunicorn.native.wsgi_application import await_file

LINES = b"first line\nsecond, longer line\n\nlast without an end"
NO_ERROR, CANCEL = 0, 8

HOW = {
    "at-once": [LINES],
    "pieces": [LINES[at:at + 7] for at in range(0, len(LINES), 7)],
    "line": [b"first line\n", b"second, longer line\n", b"\n", b"last without an end"],
    "short-lines": [b"first", b" line", b"\n", b"secon", b"d, lo", b"nger ", b"line\n", b"\n", b"last ", b"witho", b"ut an",
                    b" end"],
    "lines": [b"first line\n", b"second, longer line\n", b"\n", b"last without an end"],
    "some-lines": [b"first line\n", b"second, longer line\n", b"|", b"\n", b"last without an end"],
    "iteration": [b"first line\n", b"second, longer line\n", b"\n", b"last without an end"],
    "mixed": [b"fir", b"st line\n", b"second, longer line\n", b"\n", b"last without an end"],
    "none": [],
}


@pytest.mark.parametrize("how", HOW)
def test_a_body_that_has_arrived_is_read_in_every_way(client, how):
    assert ask(client, f"/read?how={how}", "POST", body=LINES) == ("200", repr(HOW[how]).encode())
    assert fields(client)["x-terminated"] == "True"


@pytest.mark.parametrize("how", HOW)
def test_a_body_that_arrives_meanwhile(client, how):
    """Frame by frame, some empty, some padded, with pauses that cost the lead."""
    client.request(1, f"/read?how={how}", "POST", end_stream=False)
    for at in range(0, len(LINES), 9):
        client.data(1, LINES[at:at + 9])
        client.conn.send_data(1, b"", pad_length=20)
        client.flush()
        time.sleep(0.002)
        if how == "none" and client.read(client.ended(), 0.0):
            break
    else:
        client.data(1, b"", end_stream=True)
    assert client.read(client.ended())
    assert (client.status(), client.body()) == ("200", repr(HOW[how]).encode())


@pytest.mark.parametrize("how", [how for how in HOW if how != "mixed"])
def test_no_body(client, how):
    expected = {"at-once": [b""], "some-lines": [b"|"]}.get(how, [])
    assert ask(client, f"/read?how={how}", "POST") == ("200", repr(expected).encode())


def test_lines_are_answered_while_the_body_arrives(client):
    """Each line comes back before the next is sent."""
    client.request(1, "/reflected", "POST", end_stream=False)
    for number in range(5):
        client.data(1, b"line %d\n" % number)
        assert client.read(lambda number=number: client.body().endswith(b"LINE %d\n" % number))
    client.data(1, b"", end_stream=True)
    assert client.read(client.ended())
    assert client.found(h2.events.StreamEnded)


def test_trailers_end_a_body(client):
    client.request(1, "/counted", "POST", end_stream=False)
    client.data(1, b"x" * 1000)
    client.conn.send_headers(1, [("x-sum", "abc")], end_stream=True)
    client.flush()
    assert client.read(client.ended())
    assert client.body() == b"1000"


def test_an_upload_of_many_windows(client):
    """Credit comes as the application reads; nothing is lost, and others are served meanwhile."""
    size, left, piece = 2_000_000, 2_000_000, bytes(16384)
    client.request(1, "/counted", "POST", end_stream=False)
    client.request(3, "/listed")
    while left:
        assert client.read(lambda: client.conn.local_flow_control_window(1) > 0)
        n = min(left, client.conn.local_flow_control_window(1), len(piece))
        client.data(1, piece[:n])
        left -= n
    client.data(1, b"", end_stream=True)
    assert client.read(client.ended(1))
    assert client.read(client.ended(3))
    assert client.body(1) == str(size).encode()
    assert client.body(3) == b"one two"


def test_a_body_that_nobody_reads_holds_its_window(client, tmp_path):
    """No more is let in than a stream's window; then it is read."""
    client.request(1, f"/gated-read?gate={tmp_path}/gate", "POST", end_stream=False)
    sent = 0
    while client.read(lambda: client.conn.local_flow_control_window(1) > 0, 0.3):
        n = min(client.conn.local_flow_control_window(1), 16384)
        client.data(1, bytes(n))
        sent += n
        assert sent <= 65535
    (tmp_path / "gate").touch()
    assert client.read(lambda: client.conn.local_flow_control_window(1) > 0)
    client.data(1, b"the end", end_stream=True)
    assert client.read(client.ended())
    assert client.body() == bytes(sent) + b"the end"


def test_continue_is_sent_when_the_application_reads(client, tmp_path):
    client.request(1, f"/gated-read?gate={tmp_path}/gate", "POST", [("expect", "100-continue")], end_stream=False)
    client.request(3, "/listed") if client.scheme == "https" else None
    assert not client.read(lambda: bool(client.found(h2.events.InformationalResponseReceived)), 0.2)
    (tmp_path / "gate").touch()
    assert client.read(lambda: bool(client.found(h2.events.InformationalResponseReceived)))
    client.data(1, b"the body", end_stream=True)
    assert client.read(client.ended())
    assert client.body() == b"the body"
    assert len(client.found(h2.events.InformationalResponseReceived)) == 1


def test_no_continue_for_who_does_not_read(client):
    """The response comes at once, and the client is told to keep its body."""
    client.request(1, "/listed", "POST", [("expect", "100-continue")], end_stream=False)
    assert client.read(lambda: bool(client.found(h2.events.StreamReset)))
    assert (client.status(), client.body(), reset_code(client)) == ("200", b"one two", NO_ERROR)
    assert not client.found(h2.events.InformationalResponseReceived)
    assert client.found(h2.events.StreamEnded), "the response was not whole before the reset"


def test_a_body_that_nobody_reads(client):
    """The response is whole, then the stream is reset with NO_ERROR (RFC 9113 section 8.1); the window comes back."""
    # More than the connection's window holds, once.
    ids = range(1, 19, 2)
    for stream_id in ids:
        # Of this type none is gathered before its application is called.
        client.request(stream_id, "/listed", "POST", [("content-type", "application/grpc")], end_stream=False)
        assert client.read(lambda: client.conn.outbound_flow_control_window >= 10000)
        client.data(stream_id, bytes(10000))
        assert client.read(lambda stream_id=stream_id: bool(client.found(h2.events.StreamEnded, stream_id)))
    assert client.read(lambda: len(client.found(h2.events.StreamReset)) == len(ids))
    assert {reset_code(client, stream_id) for stream_id in ids} == {NO_ERROR}
    client.read(lambda: client.conn.outbound_flow_control_window == 65535, 2.0)
    assert client.conn.outbound_flow_control_window > 30000


def test_a_whole_body_that_nobody_reads(client):
    for stream_id in range(1, 41, 2):
        client.read(lambda: client.conn.outbound_flow_control_window >= 10000)
        assert ask(client, "/listed", "POST", body=bytes(10000), stream_id=stream_id) == ("200", b"one two")
    assert not client.found(h2.events.StreamReset)
    client.read(lambda: client.conn.outbound_flow_control_window == 65535, 2.0)
    assert client.conn.outbound_flow_control_window > 30000


def test_a_client_that_resets_its_request(client, tmp_path):
    """The application's read raises an OSError."""
    client.request(1, f"/cut-off?called={tmp_path}/called&log={tmp_path}/log", "POST", end_stream=False)
    client.data(1, b"a part")
    await_file(f"{tmp_path}/called")
    client.conn.reset_stream(1, CANCEL)
    client.flush()
    assert written(tmp_path / "log") == ["OSError"]
    assert ask(client, "/listed")[0] == "200"


def test_a_client_that_goes_before_its_body_is_complete(client, tmp_path):
    client.request(1, f"/cut-off?called={tmp_path}/called&log={tmp_path}/log", "POST", end_stream=False)
    client.data(1, b"a part")
    await_file(f"{tmp_path}/called")
    client.sock.close()
    assert written(tmp_path / "log") == ["OSError"]


def test_content_length_is_there(client):
    status, body = ask(client, "/seen", "POST", [("content-length", "5"), ("content-type", "text/x")], b"12345")
    assert status == "200"
    assert b"('CONTENT_LENGTH', '5'), ('CONTENT_TYPE', 'text/x')" in body
