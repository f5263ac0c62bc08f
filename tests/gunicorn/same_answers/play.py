"""Sends the cases to a server and gathers, for each, what the client, the application and the log saw."""
from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from tests.gunicorn.same_answers.cases import Case
from tests.support.certificate import Certificate
from tests.support.gunicorn_matrix import Setup
from tests.support.gunicorn_server import Gunicorn
from tests.support.waiting import settled, until

#: Streams at once on a connection that several cases share.
BATCH = 40

#: Connections at once.
CONNECTIONS = 8
FORMAT = "CASE %({x-case}i)s | %(h)s %(l)s %(u)s %(r)s %(s)s %(m)s %(U)s %(q)s %(H)s %(B)s %(b)s %(f)s %(a)s %({content-type}o)s"

#: case: field: what was seen.
Answers = dict[str, dict[str, Any]]


class Connection:
    """A client's connection, and what has come of each stream."""

    def __init__(self, server: Gunicorn, source: str, quiet: float) -> None:
        self.quiet = quiet
        context = ssl.create_default_context(cafile=str(server.certificate.authority))
        context.set_alpn_protocols(["h2"])
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=10, source_address=(source, 0))
        self.sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False))
        self.streams: dict[int, dict[str, Any]] = {}
        self.ended = ""
        self.greeted = False
        self.unread = b""
        self.conn.initiate_connection()
        self.flush()
        # The server's settings, so that its limits are known.
        self.read(lambda: self.greeted, 5.0)

    def flush(self) -> None:
        data = self.conn.data_to_send()
        if data:
            # The server may have gone; reading tells.
            with contextlib.suppress(OSError):
                self.sock.sendall(data)

    def read(self, until, quiet=None) -> bool:
        """Read until a condition holds, the connection ends, or nothing has come for a while."""
        while not self.ended and not until():
            self.sock.settimeout(quiet or self.quiet)
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                return False
            except OSError:
                data = b""
            if not data:
                self.ended = self.ended or "closed"
                return until()
            self.unread += data
            self.on_frames()
            self.flush()
        return until()

    def on_frames(self) -> None:
        """Take what has been read, frame by frame: an error must not hide the frames before it."""
        while len(self.unread) >= 9 and not self.ended:
            size = 9 + int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < size:
                return
            frame, self.unread = self.unread[:size], self.unread[size:]
            try:
                for event in self.conn.receive_data(frame):
                    self.on_event(event)
            except h2.exceptions.ProtocolError as exc:
                self.ended = f"the client saw {type(exc).__name__}: {exc}"

    def on_event(self, event: Any) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.greeted = True
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.ended = f"GOAWAY {h2.errors.ErrorCodes(event.error_code).name}"
        elif stream is None:
            return
        elif isinstance(event, h2.events.InformationalResponseReceived):
            stream["interim"].append(readable(event.headers))
        elif isinstance(event, h2.events.ResponseReceived):
            stream["headers"] = readable(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream["body"] += event.data
            if event.flow_controlled_length:
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            stream["trailers"] = readable(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            # What comes after the end is of no use to a client.
            stream["end"] = stream["end"] or "END_STREAM"
        elif isinstance(event, h2.events.StreamReset):
            stream["end"] = stream["end"] or f"RST_STREAM {h2.errors.ErrorCodes(event.error_code).name}"

    def send(self, case: Case, attempt: int = 0) -> int:
        """Send a whole request; return its stream."""
        headers = [(name, f"{value}#{attempt}") if name == "x-case" else (name, value) for name, value in case.headers]
        stream_id = self.conn.get_next_available_stream_id()
        stream = self.streams[stream_id] = {"interim": [], "headers": None, "body": b"", "trailers": None, "end": ""}
        priority = dict(zip(("priority_weight", "priority_depends_on", "priority_exclusive"), case.priority or ()))
        over = lambda: bool(stream["end"])  # noqa: E731
        try:
            self.conn.send_headers(stream_id, headers, end_stream=case.body is None and case.trailers is None,
                                   **priority)
            self.flush()
            if case.waits:
                # Not for ever: a client sends the body all the same after a while.
                self.read(lambda: bool(stream["interim"]) or over(), 0.5)
            for number, (data, padding) in enumerate(case.body or (), 1):
                size = len(data) + (padding + 1 if padding else 0)
                self.read(lambda size=size: self.conn.local_flow_control_window(stream_id) >= size or over())
                if over() or self.ended:
                    break
                last = number == len(case.body) and case.trailers is None
                self.conn.send_data(stream_id, data, end_stream=last, pad_length=padding or None)
                self.flush()
            if case.trailers is not None and not over():
                self.conn.send_headers(stream_id, case.trailers, end_stream=True)
                self.flush()
        except h2.exceptions.ProtocolError:
            pass  # reset or ended by the server meanwhile
        return stream_id

    def close(self) -> None:
        self.sock.close()


def readable(headers) -> list[list[str]]:
    """Header fields as text, without what time changes."""
    text = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in headers]
    return [[name, "now" if name == "date" and "Jan 2026" not in value else value] for name, value in text]


def together(cases: list[Case]) -> list[list[Case]]:
    """Cases that can share a connection, in batches; what hangs on one side waits for its time once a batch."""
    shared = sorted((case for case in cases if not case.alone), key=lambda case: (case.source, "empty" in case.tags))
    batches: list[list[Case]] = []
    size = 0
    for case in shared:
        size += sum(len(data) for data, _ in case.body or ()) + sum(len(n) + len(v) for n, v in case.headers)
        if not batches or len(batches[-1]) == BATCH or batches[-1][0].source != case.source or size > 60_000:
            batches.append([])
            size = 0
        batches[-1].append(case)
    return batches


def play(server: Gunicorn, cases: list[Case], quiet: float, patient: bool = False) -> Answers:
    """Send the cases; return what the client saw of each.

    Args:
        server: The server, over TLS.
        quiet: Seconds without a frame after which an answer is taken to never come.
        patient: Whether a case that shared a connection, and of which nothing came, is sent again alone.
    """
    answers: Answers = {}

    def outcome(connection: Connection, stream_id: int) -> dict[str, Any]:
        stream = connection.streams[stream_id]
        body = stream["body"]
        return {**stream, "body": [len(body), hashlib.sha256(body).hexdigest()[:16], body[:60].decode("latin-1")],
                "end": stream["end"] or connection.ended or "nothing"}

    def run(batch: list[Case], attempt: int = 0) -> list[Case]:
        """Play a batch on a connection; return those that another one's end, or slowness, took with it."""
        # Most of what did not come the first time was only late.
        late = attempt > 0 and "empty" not in batch[0].tags
        connection = Connection(server, batch[0].source, 3 * quiet if late else quiet)
        try:
            ids = {case.name: connection.send(case, attempt) for case in batch}
            connection.read(lambda: all(connection.streams[stream_id]["end"] for stream_id in ids.values()))
            lost = []
            for case in batch:
                stream = connection.streams[ids[case.name]]
                gone = connection.ended or (patient and stream["headers"] is None)
                if gone and len(batch) > 1 and not stream["end"]:
                    lost.append(case)
                else:
                    answers[case.name] = {**outcome(connection, ids[case.name]), "attempt": attempt}
            if batch[0].alone:
                answers[batch[0].name]["connection"] = connection.ended or after(connection)
            return lost
        finally:
            connection.close()

    def after(connection: Connection) -> str:
        """Whether the connection still serves."""
        stream_id = connection.send(AFTER)
        connection.read(lambda: bool(connection.streams[stream_id]["end"]))
        return "serves on" if connection.streams[stream_id]["headers"] else connection.ended or "serves no more"

    def run_to_the_end(batch: list[Case]) -> None:
        for case in run(batch):
            run([case], 1)

    # Several at once, because what hangs hangs for a while.
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(run_to_the_end, [*together(cases), *([case] for case in cases if case.alone)]))
    return answers


AFTER = Case("", [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/after")])


def answers_of(setup: Setup, cases: list[Case], directory: Path, certificate: Certificate) -> tuple[Answers, str]:
    """Start a server, send it all cases, stop it.

    Returns:
        What was seen of each case, by the client (``headers``, ``body``, ``end``, ...), the application
        (``seen``: a call each) and the access log (``log``); and the server's whole log.
    """
    seen = directory / "seen"
    seen.touch()
    config = f"access_log_format = {FORMAT!r}\naccesslog = '-'\nforwarded_allow_ips = '127.0.0.1'\n"
    module = "tests.gunicorn.same_answers.application"
    quiet = 2.0 if setup.way == "h2" else 6.0
    with setup.start(directory, f"{module}:wsgi", f"{module}:asgi", "--threads", str(2 * CONNECTIONS), "--timeout", "10",
                     "--graceful-timeout", "1",
                     certificate=certificate, config=config, env={"FASTH2_SEEN": str(seen)}) as server:
        # What gunicorn's own classes answer is the measure: a busy machine must not make it "nothing".
        answers = play(server, cases, quiet, patient=setup.way == "h2")
        # The calls that end go on to write lines when their answers are read already.
        settled(lambda: (seen.stat().st_size, server.log_file.stat().st_size))
        server.terminate()
        until(lambda: server.process.poll() is not None)
        port = str(server.port)
    for answer in answers.values():
        answer["seen"], answer["log"] = [], []
    for line in seen.read_text().splitlines():
        call = json.loads(line)
        name, _, attempt = (call.pop("case") or "").rpartition("#")
        if name in answers and answers[name]["attempt"] == int(attempt):
            answers[name]["seen"].append(without_ports(call, port))
    for line in server.log.splitlines():
        if line.startswith("CASE "):
            case, _, rest = line.removeprefix("CASE ").partition(" | ")
            name, _, attempt = case.rpartition("#")
            if name in answers and answers[name]["attempt"] == int(attempt):
                answers[name]["log"].append(rest)
    for answer in answers.values():
        del answer["attempt"]
    return answers, server.log


def without_ports(call: dict[str, Any], port: str) -> dict[str, Any]:
    """What changes from run to run, masked."""
    seen = call["seen"]
    seen.pop("HTTP_X_CASE", None)
    if "headers" in seen:
        seen["headers"] = [pair for pair in seen["headers"] if pair[0] != ["bytes", "x-case"]]
    if "REMOTE_PORT" in seen:
        seen["REMOTE_PORT"] = "a port"
    if seen.get("SERVER_PORT") == port:
        seen["SERVER_PORT"] = "the port"
    for name in ("client", "server"):
        if isinstance(seen.get(name), list):
            seen[name][1] = "a port"
    return call
