"""The section tests of ``tests/engine/rfc9113`` again, with each conversation played to a worker over a socket too.

The engine's outcome is what those tests look at. The worker gets the same octets, and must end the same streams and
connections with the same codes, acknowledge the same frames, and answer what the engine had to be told to answer.
"""
from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import tests.engine.rfc9113
from tests.support import frames
from tests.support import play as engine
from tests.support.frames import PREFACE
from tests.support.gunicorn_matrix import OWN_ASGI_WORKER, OWN_WORKER
from tests.support.gunicorn_server import Gunicorn
from tests.support.raw_client import RawClient

LAST = b"the last"

#: What the PING that measures the link for adaptive windows carries; the engine in the sections' own tests sends none.
MEASURES = b"fh2-rtt?"
MODULES = [importlib.import_module(f"tests.engine.rfc9113.{module.name}") for module in pkgutil.iter_modules(tests.engine.rfc9113.__path__)]
play_to_the_engine = engine.play
played = []


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def port(request, tmp_path_factory):
    """Of each worker in the clear."""
    worker, app = ((*OWN_WORKER, "--threads", "16"), "application") if request.param == "wsgi" else (OWN_ASGI_WORKER, "asgi")
    with Gunicorn(tmp_path_factory.mktemp("worker"), f"tests.gunicorn.native.test_rfc9113:{app}", *worker,
                  "--log-level", "info") as server:
        yield server.port
        assert "Traceback" not in server.log


def application(environ, start_response):
    """The answer of ``tests.support.play``, once the request's body is here."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("content-length", "5")])
    return [b"hello"]


async def asgi(scope, receive, send):
    """The same."""
    while scope["type"] == "http" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture(autouse=True)
def also_play_to_the_worker(request, port, monkeypatch):
    """Have the test at hand play its conversations to both."""
    def play(*steps, **options):
        cuts = {} if "cuts" in options else {"cuts": (engine.whole,)}
        outcome = play_to_the_engine(*steps, **options, **cuts)
        parts = parts_of(steps, options)
        if parts is not None:
            # `play` forgets what answered the preface.
            expected = essence(outcome.sent, acknowledged=int(options.get("preface", True)))
            replay(port, parts, outcome, expected)
            played.append(request.node.name)
        return outcome

    monkeypatch.setattr(engine, "play", play)
    if "play" in request.function.__globals__:
        monkeypatch.setitem(request.function.__globals__, "play", play)


def parts_of(steps, options):
    """A conversation as octets and, after each part, the streams whose answers are waited for.

    ``None`` where it is about the engine alone: its configuration, its calls, answers that come before their request.
    """
    if set(options) - {"rfc_errors", "preface", "cuts"} or not options.get("rfc_errors", True):
        return None
    connection = engine.server(rfc_errors=True)
    ended = set()
    parts = [[PREFACE + frames.settings() if options.get("preface", True) else b"", []]]
    for step in steps:
        if not callable(step):
            if parts[-1][1]:
                parts.append([b"", []])
            parts[-1][0] += bytes(step)
            continue
        if step.__qualname__ != "answer.<locals>.step":
            return None
        parts[-1][1].append(inspect.getclosurevars(step).nonlocals["stream_id"])
    for octets, answered in parts:
        try:
            events = connection.receive_data(octets)
        except engine.ProtocolError as error:
            events = error.events
        ended |= {event.stream_id for event in events if type(event).__name__ == "StreamEnded"}
        if set(answered) - ended:
            return None
    return parts if at_the_end_of_a_frame(b"".join(octets for octets, _ in parts)) else None


def at_the_end_of_a_frame(octets):
    """Whether a frame may follow."""
    octets = octets.removeprefix(PREFACE)
    at = 0
    while at + 9 <= len(octets):
        at += 9 + int.from_bytes(octets[at:at + 3], "big")
    return at == len(octets)


def replay(port, parts, outcome, expected):
    """Play a conversation to the worker, and compare."""
    with RawClient(port) as client:
        for octets, answered in parts:
            client.send(octets)
            for stream_id in answered:
                assert client.read(lambda: bool(client.wrote("HEADERS", stream_id))), client.sent  # noqa: B023
        if outcome.error is None:
            client.send(bytes(frames.ping(LAST)))
            client.read(lambda: any(sent.opaque == LAST for sent in client.sent))
            assert not client.closed, client.sent
            whole = {event.stream_id for event in outcome.of("StreamEnded")}
            cut = {event.stream_id for event in outcome.of("StreamReset")}
            for event in outcome.of("RequestReceived"):
                if event.stream_id in whole - cut:
                    answers = lambda: client.wrote("HEADERS", event.stream_id)  # noqa: E731, B023
                    assert client.read(lambda: bool(answers())), client.sent  # noqa: B023
            for sent in outcome.wrote("DATA"):
                if sent.end_stream:
                    ends = lambda: any(one.end_stream for one in client.wrote("DATA", sent.stream_id))  # noqa: E731, B023
                    assert client.read(ends), client.sent
        else:
            assert not client.read(lambda: False)
            assert client.closed, "the worker leaves the connection open"
        assert essence(client.sent) == expected


def essence(sent, acknowledged=0):
    """What does not hang on who answers, and when."""
    return {
        "reset": [(one.stream_id, one.error_code) for one in sent if one.kind == "RST_STREAM"],
        "goaway": [(one.error_code, one.last_stream_id) for one in sent if one.kind == "GOAWAY"],
        "ping": [one.opaque for one in sent if one.kind == "PING" and one.opaque not in (LAST, MEASURES)],
        "settings": acknowledged + sum(one.kind == "SETTINGS" and one.ack for one in sent),
    }


def _again(module):
    """A class with the tests of a module."""
    names = {name: staticmethod(value) for name, value in vars(module).items() if name.startswith("test_")}
    return type("Test" + module.__name__.rpartition(".test_")[2], (), {**names, "__module__": __name__})


for _module in MODULES:
    _class = _again(_module)
    globals()[_class.__name__] = _class


def test_most_conversations_were_played():
    assert len(set(played)) > 700
