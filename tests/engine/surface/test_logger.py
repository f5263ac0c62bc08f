"""`config.logger`: a line for each frame, fields without credentials."""
from __future__ import annotations

import logging

import h2.config
import pytest

from fasth2.config import DummyLogger, H2Configuration, OutputLogger
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from fasth2.hpack import HeaderTuple, NeverIndexedHeaderTuple

REQUEST = [
    (":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/"),
    HeaderTuple("accept", "text/plain"),
    NeverIndexedHeaderTuple("x-key", "hush-key"),
    ("Authorization", "Basic hush-basic"),
    ("proxy-authorization", "hush-proxy"),
    ("cookie", "session=hush-cookie-that-is-long-enough-to-be-indexed"),
    ("x-line", "a\tb"),
]


class Kept(DummyLogger):
    """A logger as programs write them: a subclass of DummyLogger, here one that formats at once."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def debug(self, fmtstr, *args):
        self.lines.append(fmtstr % args)

    def trace(self, fmtstr, *args):
        self.lines.append(fmtstr % args)


def pair(**options):
    loggers = Kept(), Kept()
    client = H2Connection(H2Configuration(client_side=True, logger=loggers[0], **options))
    server = H2Connection(H2Configuration(client_side=False, logger=loggers[1], **options))
    client.initiate_connection()
    server.initiate_connection()
    exchange(client, server)
    return client, server, loggers


def exchange(client, server):
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())


def test_h2s_dummy_logger_has_what_ours_has():
    names = {name for name in vars(h2.config.DummyLogger) if not name.startswith("_")}
    assert names <= set(vars(DummyLogger))
    assert names <= set(vars(OutputLogger))


@pytest.mark.parametrize("encoding", [None, "utf-8"])
@pytest.mark.parametrize("headers", [list, tuple, iter])
def test_fields_are_logged_without_credentials(encoding, headers):
    client, server, loggers = pair(header_encoding=encoding)
    client.send_headers(1, headers(REQUEST), end_stream=True)
    exchange(client, server)
    server.push_stream(1, 2, headers(REQUEST))
    server.send_headers(1, headers([(":status", "103"), ("link", "</a>")]))
    server.respond(1, 200, headers([("content-type", "text/plain"), ("set-cookie", "a=hush-set")]), b"x")
    server.pull()
    for logger in loggers:
        text = "\n".join(logger.lines)
        assert "hush" not in text
        assert "accept: text/plain, x-key: <redacted>, " in text
        assert "uthorization: <redacted>, proxy-authorization: <redacted>, cookie: <redacted>" in text
        assert "x-line: a\\tb" in text
    sent = [line for line in loggers[1].lines if line.startswith("sent")]
    assert [line.partition(":")[0] for line in sent] == [
        "sent PUSH_PROMISE on stream 1", "sent HEADERS on stream 1", "sent HEADERS on stream 1"]
    assert sent[1].endswith("on stream 1: :status: 103, link: </a>")
    assert sent[2].endswith("on stream 1: content-type: text/plain, set-cookie: <redacted>")


def test_received_fields_are_logged_once():
    client, server, (log, other) = pair()
    client.send_headers(1, REQUEST)
    client.send_data(1, b"x")
    client.send_headers(1, [("digest", "1")], end_stream=True)
    exchange(client, server)
    assert [line for line in other.lines if line.startswith("received on stream")] == [
        next(line for line in other.lines if ":method" in line), "received on stream 1: digest: 1"]
    server.send_headers(1, [(":status", "200"), ("set-cookie", "hush")], end_stream=True)
    exchange(client, server)
    assert [line for line in log.lines if line.startswith("received on stream")] == [
        "received on stream 1: :status: 200, set-cookie: <redacted>"]


def test_slim_objects_are_logged_alike():
    client, server, (_, log) = pair()
    client.send_headers(1, REQUEST, end_stream=True)
    server.ready_requests(client.data_to_send())
    text = "\n".join(log.lines)
    assert ":path: /" in text
    assert "hush-basic" not in text and "hush-cookie" not in text


def test_each_frame_and_each_fault_have_a_line():
    client, server, (_, log) = pair()
    log.lines.clear()
    client.ping(b"12345678")
    server.receive_data(client.data_to_send())
    assert log.lines[-1:] == ["received frame: type 6, flags 0x0, stream 0, 8 octets"]
    with pytest.raises(ProtocolError):
        server.receive_data(b"\0\0\0\4\0\0\0\0\1")
    assert log.lines[-1].startswith("connection error: ")


def test_a_logger_of_the_standard_library_formats_only_what_is_wanted(caplog):
    logger = logging.getLogger("tests.fasth2")
    connection = H2Connection(H2Configuration(logger=logger))
    with caplog.at_level(logging.INFO, logger="tests.fasth2"):
        connection.send_headers(1, REQUEST)
    assert caplog.text == ""
    with caplog.at_level(logging.DEBUG, logger="tests.fasth2"):
        connection.send_headers(3, REQUEST)
    assert "sent HEADERS on stream 3" in caplog.text
    assert "hush" not in caplog.text


def test_without_a_logger_the_fields_are_read_once():
    reads = []

    def fields():
        reads.append(1)
        yield from REQUEST

    H2Connection().send_headers(1, fields())
    H2Connection(H2Configuration(logger=Kept())).send_headers(1, fields())
    assert len(reads) == 2
