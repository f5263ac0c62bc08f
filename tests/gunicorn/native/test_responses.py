"""Responses by every means of PEP 3333, from applications between two `wsgiref.validate` checkers."""
import h2.events
import pytest

from tests.gunicorn.native.asking import ask, fields, reset_code, written
from tests.gunicorn.native.wsgi_application import BAD, LARGE
from tests.support import frames
from tests.support.play import request
from tests.support.raw_client import RawClient

NO_ERROR, INTERNAL_ERROR, CANCEL = 0, 2, 8


@pytest.mark.parametrize("path", ["listed", "tupled", "iterated", "generated", "started-late", "written",
                                  "written-and-returned", "started-in-the-second-part"])
def test_a_body_in_parts(client, path):
    assert ask(client, f"/{path}") == ("200", b"one two")
    assert fields(client)["content-type"] == "text/plain"
    assert not client.found(h2.events.StreamReset)


def test_a_response_without_a_part_has_no_body(client):
    assert ask(client, "/nothing") == ("200", b"")
    assert not client.found(h2.events.DataReceived, 1) or client.body(1) == b""


@pytest.mark.parametrize("path", ["gated", "written-gated"])
def test_a_part_is_sent_before_the_next_is_made(client, path, tmp_path):
    """"WSGI servers, gateways, and middleware must not delay the transmission of any block"."""
    client.request(1, f"/{path}?gate={tmp_path}/gate")
    assert client.read(lambda: client.body() == b"one ")
    assert not client.found(h2.events.StreamEnded)
    (tmp_path / "gate").touch()
    assert client.read(client.ended())
    assert client.body() == b"one two"


def test_parts_of_an_application_that_sleeps_come_one_by_one(client):
    client.request(1, "/ticking")
    seen = []
    for number in range(8):
        assert client.read(lambda number=number: client.body().count(b" ") > number)
        seen.append(client.body().count(b" "))
    assert client.read(client.ended())
    assert client.body() == b"0 1 2 3 4 5 6 7 "
    assert len(set(seen)) > 3, "they came together"


@pytest.mark.parametrize("path", ["written-large", "generated-large"])
def test_a_large_response(client, path):
    assert ask(client, f"/{path}") == ("200", LARGE)


@pytest.mark.parametrize("path", ["written-large", "generated-large"])
def test_an_application_waits_for_a_client_that_does_not_read(client, path):
    """The body is made as the client takes it; others are served meanwhile."""
    client.credit = False
    client.request(1, f"/{path}")
    assert client.read(lambda: len(client.body()) == 65535)
    client.conn.increment_flow_control_window(1 << 20)
    client.conn.increment_flow_control_window(1 << 20, 1)
    client.flush()
    assert client.read(client.ended())
    assert client.body() == LARGE


def test_a_file(client, tmp_path):
    assert ask(client, f"/filed?log={tmp_path}/log") == ("200", LARGE)
    assert written(tmp_path / "log") == ["closed"]


def test_a_file_from_its_middle(client, tmp_path):
    (tmp_path / "file").write_bytes(LARGE)
    assert ask(client, f"/real-file?path={tmp_path}/file") == ("200", LARGE[100_000:])


def test_a_response_is_replaced_before_it_is_sent(client):
    assert ask(client, "/replaced") == ("503", b"replaced")
    assert fields(client)["x-second"] == "yes"
    assert "x-first" not in fields(client)


def test_a_response_is_not_replaced_once_a_part_was_sent(client, tmp_path):
    client.request(1, f"/too-late-to-replace?gate={tmp_path}/gate&log={tmp_path}/log")
    assert client.read(lambda: client.body() == b"one ")
    (tmp_path / "gate").touch()
    assert client.read(client.ended())
    assert (client.status(), client.body(), reset_code(client)) == ("200", b"one ", INTERNAL_ERROR)
    assert written(tmp_path / "log") == ["raised again"]
    assert ask(client, "/listed")[0] == "200"


@pytest.mark.parametrize("path", ["failing?at=call&", "failing?at=first&", "not-iterable-after-all?"])
def test_an_application_that_fails_before_a_part_is_sent(client, server, path, tmp_path):
    status, body = ask(client, f"/{path}log={tmp_path}/log")
    assert (status, body) == ("500", b"Internal Server Error")
    if "call" not in path:
        assert written(tmp_path / "log") == ["closed"]
    assert "ValueError: on purpose" in server.log


def test_an_application_that_fails_after_a_part_was_sent(client, tmp_path):
    client.request(1, f"/failing?at=later&gate={tmp_path}/gate&log={tmp_path}/log")
    assert client.read(lambda: client.body() == b"one ")
    (tmp_path / "gate").touch()
    assert client.read(client.ended())
    assert reset_code(client) == INTERNAL_ERROR
    assert written(tmp_path / "log") == ["closed"]
    assert ask(client, "/listed")[0] == "200"


def test_an_application_that_does_not_start_its_response(client, tmp_path):
    assert ask(client, f"/not-started?log={tmp_path}/log")[0] == "500"
    assert written(tmp_path / "log") == ["closed"]


def test_an_iterable_is_closed_when_the_client_resets_the_stream(client, tmp_path):
    client.request(1, f"/endless?log={tmp_path}/log")
    assert client.read(lambda: len(client.body()) > 2000)
    client.conn.reset_stream(1, CANCEL)
    client.flush()
    assert written(tmp_path / "log") == ["closed"]
    assert ask(client, "/listed")[0] == "200"


def test_an_iterable_is_closed_when_the_client_goes(client, tmp_path):
    client.request(1, f"/endless?log={tmp_path}/log")
    assert client.read(lambda: len(client.body()) > 2000)
    client.sock.close()
    assert written(tmp_path / "log") == ["closed"]


@pytest.mark.parametrize("path", ["listed", "generated", "written", "filed?log=/dev/null", "gated?gate=/",
                                  "written-large", "generated-large"])
def test_head_has_the_fields_and_no_body(client, path):
    assert ask(client, f"/{path}", "HEAD") == ("200", b"")
    assert fields(client)["content-type"] == "text/plain"
    if "large" in path or "filed" in path:
        assert fields(client)["content-length"] == str(len(LARGE))
    assert not client.found(h2.events.StreamReset)


@pytest.mark.parametrize("path, status", [("/emptied", "204"), ("/unmodified", "304"), ("/with-a-body?204+Nothing", "204"),
                                          ("/with-a-body?304+Not+Modified", "304")])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_statuses_that_have_no_body(client, path, status, method):
    assert ask(client, path, method) == (status, b"")
    assert ("content-length" in fields(client)) == (path == "/with-a-body?304+Not+Modified")
    assert not client.found(h2.events.DataReceived, 1)


@pytest.mark.parametrize("iterate", ["", "&iterate=1"])
def test_a_body_that_is_longer_than_its_length_is_cut(client, iterate):
    assert ask(client, f"/measured?length=4&size=10{iterate}") == ("200", b"xxxx")
    assert fields(client)["content-length"] == "4"
    assert not client.found(h2.events.StreamReset)


@pytest.mark.parametrize("iterate", ["", "&iterate=1"])
def test_a_body_that_is_shorter_than_its_length_is_no_response(client, server, iterate):
    """Nothing was sent, so an error can be; otherwise the stream is reset."""
    answer = ask(client, f"/measured?length=10&size=4{iterate}")
    if answer[0] == "200":
        # A busy machine: the part was sent while the application was asked for the next one.
        assert reset_code(client) == INTERNAL_ERROR
    else:
        assert answer == ("500", b"Internal Server Error")
    assert "4 octets and Content-Length says 10" in server.log


def test_a_body_that_is_shorter_than_its_length_once_a_part_was_sent(client):
    assert ask(client, "/measured?length=400000&size=300000&iterate=1")[0] in ("200", "500")
    assert client.status() == "500" or reset_code(client) == INTERNAL_ERROR


@pytest.mark.parametrize("sleep", [0, 0.02])
def test_early_hints(client, sleep):
    """From a call that leads, and from one that has lost the lead; none once the response has begun."""
    assert ask(client, f"/hinted?sleep={sleep}") == ("200", b"one two")
    hints = client.found(h2.events.InformationalResponseReceived)
    assert [list(event.headers) for event in hints] == [
        [(":status", "103"), ("link", "</a.css>; rel=preload"), ("link", "</b.js>; rel=preload")]]


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_trailers(client, when):
    assert ask(client, f"/trailing?when={when}") == ("200", b"one two")
    [trailers] = client.found(h2.events.TrailersReceived)
    assert list(trailers.headers) == [("x-sum", "abc")]


def test_trailers_of_a_response_to_head(client):
    assert ask(client, "/trailing?when=before", "HEAD") == ("200", b"")


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_response_is_refused(client, what):
    status, body = ask(client, f"/bad?{what}")
    assert (status, body) == ("500", b"Internal Server Error")


@pytest.mark.parametrize("path", ["text-part", "nobodys-type", "byte-array", "twice", "written-early"])
def test_other_mistakes_are_refused(client, path):
    assert ask(client, f"/{path}") == ("500", b"Internal Server Error")
    assert ask(client, "/listed") == ("200", b"one two")


def test_fields_of_a_connection_are_left_out(client):
    assert ask(client, "/hop-by-hop") == ("200", b"x")
    assert set(fields(client)) == {":status", "content-type", "x-kept", "server", "date"}


def test_strings_of_other_types(client):
    assert ask(client, "/subclasses") == ("200", b"one two")
    assert fields(client)["x-text"] == "yes"


def test_the_errors_stream_is_the_log(client, server):
    assert ask(client, "/errors")[0] == "200"
    assert "a line of the application's" in server.log


@pytest.mark.parametrize("server", ["clear"], indirect=True)
def test_values_are_latin_1_octet_for_octet(server):
    """Both ways; a response's value loses its padding (RFC 9113 section 8.2.1)."""
    with RawClient(server.port) as peer:
        every = bytes(range(0xA0, 0x100))
        peer.send(frames.PREFACE + frames.settings() + request(1, (b"x-there", b"caf\xe9 " + every), path=b"/latin-1"))
        assert peer.read(lambda: any(sent.end_stream for sent in peer.wrote("DATA", 1)))
        [response] = peer.wrote("HEADERS", 1)
        assert {(b"x-back", b"caf\xe9 " + every), (b"x-every", every), (b"x-padded", b"a\tb")} <= set(response.fields)
        assert b"".join(sent.data for sent in peer.wrote("DATA", 1)) == b"caf\xe9 " + every
