"""What each compiled module is there for, as something to play with failing allocations."""
from __future__ import annotations

import _thread
import codecs
import operator
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasth2 import events
from fasth2._engine.settings import Settings
from fasth2.config import AdaptiveWindows, H2Configuration, Limits, WindowBudget
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from fasth2.hpack import fields as _fields
from fasth2.hpack import huffman as _huffman
from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder
from fasth2.hpack.hpack import Decoder as DecoderAlone
from fasth2.hpack.hpack import Encoder as EncoderAlone
from fasth2.server._closing import Lingering
from fasth2.server.errors import HTTP2StreamAborted
from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.environ import PLAIN, EnvironMaker, FieldRule
from fasth2.wsgi.leader import Leadership, Slot
from fasth2.wsgi.limits import WorkerLimits
from fasth2.wsgi.operations import do_requests
from fasth2.wsgi.session import Session
from fasth2.wsgi.waiting_calls import run_uploads
from fasth2.wsgi.wire import LoopState, Wire
from tests.support import frames
from tests.support.fields import block, in_frames, request, request_fields
from tests.support.frames import PREFACE, FrameReader
from tests.support.wsgi_protocol import protocol as wsgi_protocol

from .asgi_serving import ASGIServed, echo, faulty


@dataclass
class Scenario:
    """Something to play: ``act(make())``, then ``close`` of the same, whether it succeeded or not."""

    make: Callable[[], Any]
    act: Callable[[Any], Any]
    close: Callable[[Any], Any]


CONFIG = H2Configuration(client_side=False, rfc_errors=True)
CLIENT = H2Configuration(client_side=True, rfc_errors=True)
ADAPTIVE = H2Configuration(client_side=False, rfc_errors=True, adaptive_windows=AdaptiveWindows(
    stream=70000, connection=80000, budget=WindowBudget(5000)))
TEXT = H2Configuration(client_side=False, rfc_errors=True, header_encoding="utf-8", header_fallback_encoding="latin-1")
HELLO = PREFACE + frames.settings((frames.INITIAL_WINDOW_SIZE, 10000)) + frames.settings_ack()
POST = bytes(request(1, ("x-some-field", "some value"), ("cookie", "a=b"), ("cookie", "c=d"), end_stream=False))
FIELDS = [(":status", "200"), *((f"x-{n}", "v" * 50) for n in range(12)), (b"set-cookie", b"a=b; c=d")]
PUSHED = request_fields(("x-pushed", "v" * 100))
NAMED = [(b"name-%d" % n, b"value-%d" % n * 200 * (n % 3)) for n in range(20)]
CODED = Encoder().encode(NAMED)
LONG = b"A Huffman code of many octets, " * 40
HUFFMAN = _huffman.encode(LONG)


def received(*octets: Any, config: H2Configuration = CONFIG) -> H2Connection:
    """A connection that has received a preface, settings and more."""
    connection = H2Connection(config)
    connection.initiate_connection()
    connection.receive_data(HELLO + b"".join(bytes(each) for each in octets))
    return connection


def shut(connection: H2Connection) -> None:
    """End a connection as a server does, whatever has become of it; what it sent can be read."""
    output = connection.data_to_send()
    connection.close_connection()
    output += connection.data_to_send()
    try:
        connection.receive_data(bytes(frames.ping()))
    except ProtocolError:
        # Nothing had been received. Where something was lost the connection reads no more.
        assert set(connection.counters) <= {"preface", "settings_first"}
    FrameReader().read(output)
    connection.streams, connection.counters, repr(connection)


def change_encoding(connection: H2Connection) -> None:
    """Change the encoding twice; the table has entries of the first one."""
    for stream_id, encoding in ((3, "latin-1"), (5, None)):
        connection.config.header_encoding = encoding
        connection.receive_data(bytes(request(stream_id, ("x-text", "é"), ("x-other", "v" * 100))))


def shut_all(kept: list[H2Connection]) -> None:
    """As `shut`, for what `act` has made, if anything."""
    for connection in kept:
        shut(connection)


def on_connection(act: Callable[[H2Connection], Any], *octets: Any, config: H2Configuration = CONFIG) -> Scenario:
    """A scenario on a connection that has received something."""
    return Scenario(lambda: received(*octets, config=config), act, shut)


def feeds(*octets: Any, config: H2Configuration = CONFIG, before: Any = b"") -> Scenario:
    """A scenario that receives something, by both methods' ways; connection errors are expected."""
    whole = b"".join(bytes(each) for each in octets)

    def make() -> list[H2Connection]:
        return [received(before, config=config), received(before, config=config)]

    def act(pair: list[H2Connection]) -> None:
        for connection, receive in zip(pair, (H2Connection.receive_data, H2Connection.ready_requests)):
            try:
                receive(connection, whole)
            except ProtocolError:
                pass
            _ = connection.counters

    return Scenario(make, act, shut_all)


def nothing() -> list[Any]:
    """A place for what `act` makes."""
    return []


def let_go(kept: list[Any]) -> None:
    """Look at it once and drop it."""
    for each in kept:
        repr(each)
    kept.clear()


def open_and_answer(kept: list[H2Connection]) -> None:
    """A connection's whole life."""
    kept.append(H2Connection(CONFIG))
    [connection] = kept
    connection.initiate_connection()
    connection.receive_data(HELLO + POST + bytes(frames.data(1, b"d" * 100, end_stream=True)))
    connection.send_headers(1, FIELDS)
    connection.send_data(1, b"body")
    connection.end_stream(1)
    connection.update_settings({3: 50, 99: 7})
    connection.ping(b"12345678")
    connection.increment_flow_control_window(10)
    connection.advertise_alternative_service(b"h2", origin=b"o" * 100)


def asked() -> H2Connection:
    """A client's connection with a request."""
    connection = H2Connection(CLIENT)
    connection.initiate_connection()
    connection.receive_data(frames.settings() + frames.settings_ack())
    connection.send_headers(1, PUSHED)
    return connection


def ask_more(connection: H2Connection) -> None:
    """Requests and priorities."""
    connection.send_headers(3, [*PUSHED, ("x-e", "é"), ("cookie", "a; b")], priority_weight=5)
    connection.send_data(3, b"d" * 100)
    connection.send_headers(3, [("t", "1")], end_stream=True)
    connection.prioritize(5, 3, 1)


def receive_responses(connection: H2Connection) -> None:
    """What a client receives, pushed streams among it."""
    answer = block([(":status", "200"), ("x", "y" * 50)])
    connection.receive_data(b"".join(bytes(each) for each in (
        frames.push_promise(1, 2, block(PUSHED)), frames.push_promise(1, 4, block(PUSHED[1:])),
        frames.altsvc(1), frames.altsvc(0, b"origin"), frames.headers(1, block([(":status", "103")])),
        frames.headers(2, answer), frames.data(2, b"d" * 10, end_stream=True), frames.headers(1, answer),
        frames.headers(1, block([("t", "1")]), end_stream=True))))


def upgrade_as_client(kept: list[H2Connection]) -> None:
    """h2c from the client's side."""
    kept.append(H2Connection(CLIENT))
    kept[0].initiate_upgrade_connection()
    kept[0].receive_data(bytes(frames.settings()))


def grow_windows(connection: H2Connection) -> None:
    """Windows that adapt to the link, up to every limit."""
    for _ in range(4):
        for _ in range(4):
            connection.receive_data(bytes(frames.data(1, b"d" * 10000)))
            connection.acknowledge_received_data(10000, 1)
        connection.receive_data(bytes(frames.ping(b"fh2-rtt?", ack=True)))


def upgrade(kept: list[H2Connection]) -> None:
    """h2c, and a configuration assigned afterwards."""
    kept.append(H2Connection(CONFIG))
    kept[0].initiate_upgrade_connection(b"AAQAAP__")
    kept[0].config = TEXT
    kept[0].respond(1, 200, [("x", "y")], b"body")


def answer_late(connection: H2Connection) -> None:
    """Bodies that wait for a window, their turns, trailers, and streams that end before."""
    connection.respond(1, 200, [("x", "y")], bytes(30000), trailers=[("t", "1")])
    connection.respond(3, 200, [("x", "y")], bytearray(200), end_stream=False)
    connection.write(3, b"more" * 4000)
    connection.write(3, bytearray(300))
    connection.pull(9000)
    connection.receive_data(frames.window_update(1, 30000) + frames.window_update(0, 30000))
    connection.reset_stream(3)
    connection.push_stream(5, 2, PUSHED)


def settings_life(kept: list[Any]) -> None:
    """Values queued, acknowledged, deleted, copied as pickle does it."""
    settings = Settings(client=True, initial_values={3: 7, 99: 1})
    kept.append(settings)
    settings[4] = 1000
    settings.max_frame_size = 20000
    settings[77] = 5
    kept.append(settings.acknowledge())
    del settings[3]
    make, arguments, state = settings.__reduce__()
    again = make(*arguments)
    again.__setstate__(state)
    kept.append(again == settings)


def settings_made() -> list[Any]:
    """Some that a failure must leave usable."""
    return [Settings(client=False, initial_values={3: 100})]


def settings_usable(kept: list[Any]) -> None:
    """The mapping and the C values still agree."""
    settings = kept[0]
    while settings.acknowledge():
        pass
    current = dict(settings)
    assert all(int(value) == current[code] for code, value in settings._mirrors().items() if code in current)
    let_go(kept)


def settings_changed(kept: list[Any]) -> None:
    """On an object that was there before."""
    settings = kept[0]
    settings[3] = 50
    settings.initial_window_size = 90000
    settings[55] = 1
    settings.acknowledge()
    settings[3] = 60
    settings.acknowledge()


def events_life(kept: list[Any]) -> None:
    """Made by their constructors, shown, compared, assigned, taken apart as pickle does it."""
    event = events.RequestReceived(stream_id=1, headers=FIELDS, stream_ended=events.StreamEnded(stream_id=1))
    kept.append(event)
    event.headers = [("a", "b")]
    del event.stream_ended
    kept.append(repr(event))
    kept.append(events.RemoteSettingsChanged.from_settings({3: 1}, {3: 2, 4: 5}))
    kept.append(repr(kept[-1]))
    kept.append(event.__reduce__())
    kept.append(event == kept[0])
    kept.append(repr(events.DataReceived(stream_id=1, data=b"d" * 30)))


def decoded(pair: list[Any]) -> None:
    """A decoder that lost a block is out of step and is thrown away; until then it answers."""
    for decoder in pair:
        _ = decoder.header_table
        try:
            decoder.decode(b"\x82", raw=True)
        except UnicodeDecodeError:
            raise
        decoder.header_table_size = 0


def encoded(encoder: Encoder) -> None:
    """What it encodes next can be decoded by whoever has seen its table."""
    encoder.header_table_size = 0
    decoder = Decoder()
    assert decoder.decode(encoder.encode(NAMED), raw=True) == NAMED


def both_ways(kept: list[Any]) -> None:
    """Huffman."""
    kept.append(_huffman.encode(LONG))
    kept.append(_huffman.decode(HUFFMAN))


def decode(pair: list[Decoder]) -> None:
    """With an encoding and without."""
    for decoder in pair:
        decoder.decode(CODED, raw=True)
        _ = decoder.header_table


def encode(encoder: Encoder) -> None:
    """Twice, the second time from the table."""
    encoder.encode(NAMED)
    encoder.encode([("name-1", "é" * 100), *NAMED])
    _ = encoder.header_table


def alone() -> list[Any]:
    """What a program that uses HPACK alone has; the second decoder is asked for text and for octets."""
    return [EncoderAlone(), DecoderAlone(10**6), DecoderAlone(10**6)]


def use_alone(kept: list[Any]) -> None:
    """Both ways, with and without Huffman, as text and raw; a field alone, and a table that is looked at."""
    encoder, text, raw = kept
    encoder.encode(NAMED, huffman=False)
    encoder.encode([("name-1", "é" * 100), ["name-2", 5], *NAMED])
    encoder.add((b"alone", b"v" * 300), False, True)
    encoder.header_table.add(b"added", b"value")
    text.decode(CODED)
    raw.decode(CODED, raw=True)
    raw.decode(b"\xbe\x82")
    raw.header_table.add(b"added", b"value")
    for one in kept:
        repr(one.header_table)
        one.header_table.search(b"added", b"value")
        one.__reduce_ex__(2)


def used_alone(kept: list[Any]) -> None:
    """The encoder's next block can be decoded by whoever has seen its table; the decoders answer."""
    encoder, *decoders = kept
    encoder.header_table_size = 0
    assert Decoder().decode(encoder.encode(NAMED), raw=True) == NAMED
    for decoder in decoders:
        decoder.decode(b"\x82")
        decoder.header_table_size = 0


FAULTY = (frames.headers(1, block(request_fields(method=None))), frames.headers(3, block(request_fields(("X", "y")))),
          frames.data(5, b"x"), frames.window_update(0, 0))
CONTROL = (frames.ping(b"12345678"), frames.priority(1), frames.window_update(1, 9), frames.window_update(0, 9),
           frames.unknown(payload=b"u" * 100), frames.priority_update(1), frames.priority_update(5, b"u=1, i"),
           frames.ping(ack=True), frames.rst_stream(1), frames.goaway(0, 0, b"debug" * 20))


def threads() -> int:
    """Return how many there are, as the system has it: until one of the last is quite gone, the next needs a new stack."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else _thread._count()


class Served:
    """A session of the worker's loop without the loop: one thread, that leads.

    Where it detaches, another thread takes the lead, and does nothing with it: what a call waits for does not come.
    """

    def __init__(self, application: Callable[..., Any], wired: bool, detaches: bool,
                 limits: WorkerLimits | None = None) -> None:
        #: Not the exceptions themselves: CPython has a few MemoryErrors for when there is no memory, and wants them back.
        failed = self.failed = list[type]()
        self.leadership, self.slot = Leadership(lambda: None), Slot()
        self.dispatcher = Dispatcher(application, self.leadership, lambda: None, lambda call, exc: failed.append(type(exc)),
                         timeout=0.005 if detaches else 5.0, limits=limits)
        protocol = wsgi_protocol()
        self.engine = protocol.engine
        self.maker = EnvironMaker({"wsgi.url_scheme": "http", "SCRIPT_NAME": ""}, {}, lambda name: FieldRule(
            "HTTP_" + name.upper(), PLAIN), {}, keep=True)
        self.session = Session(protocol, self.dispatcher, self.maker, lambda *_: (None, (400, "Bad Request", "")), self)
        self.engine.initiate_connection()
        self.leadership.acquire(self.slot)
        self.threads = threads()
        self.detaches = detaches
        #: What an application may fail with.
        self.expected: type | None = HTTP2StreamAborted if detaches else None
        if detaches:
            self.have_another_thread()
        if wired:
            self.peer, self.sock = socket.socketpair()
            self.sock.setblocking(False)
            self.wire = Wire(self.sock)
            self.wire.session = self.session
            self.round = LoopState()
        self.wired = wired

    def have_another_thread(self) -> None:
        """Have one wait for the lead, once the last is gone."""
        self.await_threads()
        _thread.start_new_thread(self.leadership.acquire, (Slot(),))
        while not self.leadership.idle_slots:
            time.sleep(0)

    def await_threads(self) -> None:
        """Wait until there are no more of them than there were before this."""
        while threads() > self.threads:
            time.sleep(0)

    def serve(self, octets: bytes) -> None:
        """Receive octets and run what requests they hold; a failure that an application got counts as one."""
        if self.wired:
            self.peer.send(octets)
            self.wire.serve(self.round)
            if self.wire.out:
                self.wire.send_rest()
        else:
            self.session.feed(octets)
            self.session.run(True)
            run_uploads(self.dispatcher)
            self.session.streams.update_calls()
            if self.dispatcher.unsent.held_back:
                self.session.pull(-1)
                self.dispatcher.unsent.release()
                self.session.run(True)
        if self.detaches:
            do_requests(self.dispatcher)
            assert not self.dispatcher.calling
        for failure in self.failed:
            if failure is not self.expected:
                raise MemoryError

    def flush(self) -> None:
        """As the session's client: nobody reads what there is to send."""

    def shut(self) -> None:
        """Close it as the loop does."""
        if self.wired:
            Lingering(0.0).read(self.sock)
            self.sock.close()
            self.peer.close()
        else:
            FrameReader().read(self.session.pull(-1))
            self.session.close()
        self.leadership.yield_lead(self.slot)
        self.leadership.stop()
        do_requests(self.dispatcher)
        assert not self.dispatcher.calling
        self.await_threads()


def reading(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """An application that reads its body in every way."""
    body = environ["wsgi.input"]
    parts = [body.read(10), body.readline(), *body, body.read()]
    start_response("200 OK", [("x-read", str(len(parts))), ("content-type", "text/plain")])
    return parts


#: A request that starts before its body is there.
STREAMED = request(1, ("content-length", "100000"), end_stream=False)

#: Made beforehand: CPython 3.13 crashes where a generator expression finds no memory.
MANY = [(f"x-{n}", "v" * 40) for n in range(5)]


def writing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    """An application that writes, and returns an iterator."""
    write = start_response("200 OK", [("x-path", environ["PATH_INFO"]), *MANY])
    write(b"w" * 3000)
    return iter([b"one", b"two" * 3000])


def waiting(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """An application that waits for what does not come."""
    try:
        environ["wsgi.input"].read()
    except HTTP2StreamAborted:
        # Not left to CPython 3.11: it forgets an exception that goes on where it finds no memory for a frame.
        pass
    start_response("200 OK", [])
    return []


def known_as_slow() -> Served:
    """A session whose next call is taken for slow, and raises: from C, as `waiting` says."""
    served = Served(waiting, False, True)
    served.serve(HELLO + bytes(STREAMED))
    served.dispatcher.application = operator.getitem
    served.expected = KeyError
    served.failed.clear()
    served.have_another_thread()
    return served


def leads(kept: list[Any]) -> None:
    """Who leads changes."""
    kept.append(Leadership(lambda: None))
    kept.append(Slot())
    kept[0].acquire(kept[1])
    kept[0].yield_lead(kept[1])
    kept[0].stop()


def serves(application: Callable[..., Any], *octets: Any, limits: WorkerLimits | None = None, wired: bool = False,
           detaches: bool = False) -> Scenario:
    """A scenario of the worker's session."""
    whole = HELLO + b"".join(bytes(each) for each in octets)
    return Scenario(lambda: Served(application, wired, detaches, limits), lambda served: served.serve(whole), Served.shut)


UPLOAD = (request(1, ("x-some", "v" * 50), ("content-type", "text/plain"), end_stream=False),
          frames.data(1, b"a line\n" * 20), frames.data(1, b"the rest", end_stream=True))

THIRD = bytes(request(3))

# A debug build of CPython looks it up whenever something is encoded; it is imported for that at first.
codecs.lookup("latin-1")

#: By the module's name, without ``fasth2.``.
def serves_asgi(application: Callable[..., Any], *octets: Any, wired: bool = False) -> Scenario:
    """A connection of the ASGI server receives octets, each in a read."""
    return Scenario(lambda: ASGIServed(application, wired), lambda served: served.serve(*octets), ASGIServed.shut)


SCENARIOS: dict[str, Scenario] = {
    "asgi.exchange": serves_asgi(echo, request(1), request(3, method="HEAD")),
    "asgi.field_rules": serves_asgi(echo, request(1, ("x-a", "b"), ("cookie", "a"))),
    "asgi.response_fields": serves_asgi(echo, request(1)),
    "asgi.response_head": serves_asgi(faulty, request(1), request(3, path="/a")),
    "asgi.scope": serves_asgi(faulty, request(1, ("x-a", "b"), ("cookie", "a"), ("cookie", "b"), ("priority", "u=1"),
                                              path="/a%20b?c=d")),
    "asgi.service": serves_asgi(echo, request(1)),
    "asgi.session": serves_asgi(echo, *UPLOAD, request(3), request(5, end_stream=False), frames.rst_stream(5),
                                request(7, method="CONNECT", path=None, scheme=None), frames.goaway()),
    "asgi.tunnel": serves_asgi(echo, request(1, end_stream=False, method="CONNECT", protocol="websocket"), frames.data(
        1, b"d" * 100), frames.data(1, b"d", end_stream=True), request(3, end_stream=False, method="CONNECT", protocol="websocket"),
        frames.rst_stream(3)),
    "asgi.transport": serves_asgi(echo, request(1), wired=True),
    "asgi.streams": serves_asgi(faulty, STREAMED, frames.data(1, b"d" * 100), frames.window_update(0, 1)),
    "_engine.connection": Scenario(nothing, open_and_answer, shut_all),
    "_engine.core": Scenario(nothing, upgrade, shut_all),
    "_engine.deliver": feeds(POST, *CONTROL, *[frames.data(1, b"d" * 10)] * 3),
    "_engine.errors": feeds(*FAULTY),
    "_engine.events": Scenario(nothing, events_life, let_go),
    "hpack.fields": Scenario(nothing, lambda kept: kept.append(_fields.classify(b"content-length", b"12")), let_go),
    "_frames": on_connection(lambda c: [c.receive_data(frames.data(1, b"d" * 9000).cut(at)[-3000:])
                                        for at in (3000, 6000, 9000)] + [c.ping(b"12345678"), c.pull(3), c.pull()], POST),
    "_engine.headers": on_connection(lambda c: (c.send_headers(1, [(":status", "103"), ("link", "x")]),
                                         c.send_headers(1, FIELDS), c.send_headers(1, [("T", " é ")], end_stream=True)),
                              POST),
    "hpack.decoder": Scenario(lambda: [Decoder(10**6), Decoder(10**6, encoding="utf-8")], decode, decoded),
    "hpack.encoder": Scenario(Encoder, encode, encoded),
    "hpack.hpack": Scenario(alone, use_alone, used_alone),
    "hpack.huffman": Scenario(nothing, both_ways, let_go),
    "_engine.limits": feeds(*[frames.priority(1)] * 4, *[frames.ping()] * 5, before=POST, config=H2Configuration(
        client_side=False, rfc_errors=True, limits=Limits(priority_frames=1, ack_backlog=3))),
    "_engine.members": Scenario(lambda: [events.StreamReset(stream_id=1, error_code=8)],
                         lambda kept: (setattr(kept[0], "error_code", [7]), delattr(kept[0], "remote_reset"),
                                       kept.append(kept[0].error_code)), let_go),
    "_priority": feeds(request(3, ("priority", "u=2, i")), frames.priority_update(3, b"u=1, i=?1"),
                       frames.priority_update(1, b"u=9"), *(frames.priority_update(n, b"u=1") for n in range(21, 3, -2)),
                       request(11)),
    "_engine.ready": feeds(POST, frames.priority(1), *[frames.data(1, b"d" * 10)] * 3, frames.headers(
        1, block([("t", "trailer")]), end_stream=True), request(3), frames.rst_stream(3), frames.goaway()),
    "_engine.receive": feeds(POST, frames.data(1, b"d" * 100), *CONTROL, config=TEXT),
    "_engine.receive_control": feeds(*CONTROL, frames.altsvc(0, b"origin"), before=POST),
    "_engine.receive_push": Scenario(asked, receive_responses, shut),
    "_engine.request": Scenario(asked, ask_more, shut),
    "_engine.field_block": feeds(*in_frames(1, block(request_fields(("x-other", "v" * 300))), 50)),
    "_engine.upgrade of a client": Scenario(nothing, upgrade_as_client, shut_all),
    "_engine.receive_data": feeds(*[frames.data(1, b"d" * 2000).pad(20)] * 4, frames.data(1, b"", end_stream=True), before=POST),
    "_engine.receive_headers": feeds(*in_frames(1, block(request_fields(("x-other", "v" * 300), ("cookie", "a"),
                                                                 ("cookie", "b"), ("x-text", "é"))), 50),
                              request(3, ("x-other", b"\xff")), request(5), config=TEXT),
    "_engine.receive_settings": feeds(frames.settings((1, 100), (3, 20), (4, 70000), (5, 20000), (6, 5), (8, 1), (99, 1)),
                               frames.settings(), frames.settings((4, 2**31))),
    "_engine.send": on_connection(answer_late, POST, request(3), request(5, end_stream=False)),
    "_engine.settings": Scenario(nothing, settings_life, let_go),
    "_engine.stream": on_connection(lambda c: [(s.state, s.closed_by, s.stream_id, repr(s)) for s in c.streams.values()],
                             POST, request(3)),
    "_engine.stream_map": on_connection(lambda c: [list(c.streams), c.streams.get(1), c.streams.copy(), repr(c.streams),
                                                   c.streams.pop(1), c.streams.clear()], POST, request(3)),
    "_engine.core that follows its configuration": Scenario(
        lambda: received(request(1, ("x-text", "é")), config=H2Configuration(
            client_side=False, header_encoding="utf-8", rfc_errors=True)),
        change_encoding, shut),
    "_engine.stream_table": feeds(*(request(n) for n in range(1, 80, 2)), *(frames.rst_stream(n) for n in range(1, 40, 2))),
    "_engine.scheduler": on_connection(lambda c: [c.respond(n, 200, [("priority", "i")], b"b" * 9000) for n in (1, 3, 5)]
                            + [c.pull(5000), c.receive_data(bytes(frames.priority_update(1, b"u=7"))), c.pull()],
                            *(request(n, ("priority", "u=1")) for n in (1, 3)), request(5)),
    "server._protocol": serves(reading, *UPLOAD, request(3), frames.window_update(0, 0)),
    "server._unread_uploads": serves(writing, STREAMED, frames.data(1, b"d" * 100)),
    "wsgi.call": serves(writing, request(1), request(3)),
    "server.transport": serves(writing, request(1), request(3), wired=True),
    "wsgi.call_state": serves(writing, request(1, method="HEAD"), request(3)),
    "wsgi.call_streams": serves(reading, *UPLOAD, request(3, end_stream=False), frames.data(3, b"d" * 100), frames.rst_stream(3)),
    "wsgi.dispatcher": serves(waiting, STREAMED, detaches=True),
    "wsgi.operations": serves(waiting, STREAMED, request(3), detaches=True),
    "wsgi.waiting_calls": serves(writing, STREAMED, request(3, ("content-length", "100000"), end_stream=False)),
    "_engine.upgrade": Scenario(nothing, upgrade, shut_all),
    "_engine.flow_control": serves(reading, request(1, end_stream=False), *[frames.data(1, b"d" * 10000)] * 4,
                             frames.data(1, b"", end_stream=True)),
    "_engine.window_growth": on_connection(grow_windows, POST, config=ADAPTIVE),
    "windows": Scenario(nothing, lambda kept: kept.append(AdaptiveWindows(budget=WindowBudget(10))), let_go),
    "wsgi.environ": serves(writing, request(1, ("x-a", "b"), ("cookie", "a"), ("cookie", "b"), ("host", "h"),
                                               ("content-length", "0"), path="/a%20b?c=d")),
    "wsgi.input": serves(reading, *UPLOAD),
    "wsgi.leader": Scenario(nothing, leads, let_go),
    "server._parts": serves(reading, UPLOAD[0], *[frames.data(1, b"line\n")] * 3, frames.data(1, b"d" * 5000), UPLOAD[-1]),
    "wsgi.request_bodies": serves(writing, STREAMED, request(3, end_stream=False), frames.data(3, b"d" * 100),
                              frames.data(1, b"d" * 100), limits=WorkerLimits(gathered_bodies=50)),
    "wsgi.response_fields": serves(writing, request(1)),
    "wsgi.response_head": serves(writing, request(1)),
    "wsgi.session": serves(reading, *UPLOAD, request(3), request(5, end_stream=False), frames.rst_stream(5),
                              frames.goaway()),
    "server.unsent": serves(writing, request(1), request(3), request(5), limits=WorkerLimits(unsent_connection=100)),
    "wsgi.uploads": serves(reading, STREAMED, request(3, end_stream=False), request(5, end_stream=False),
                              frames.data(3, b"d" * 100), frames.data(5, b"d" * 100), frames.data(3, b"", end_stream=True),
                              frames.rst_stream(1), frames.rst_stream(5), limits=WorkerLimits(gathered_bodies=150)),
    "wsgi.waiting": serves(waiting, STREAMED, detaches=True),
    "wsgi.wire": serves(writing, request(1), wired=True),
    # CPython 3.13's PyDict_SetDefault leaves a dict that finds no memory to grow with an entry too many.
    "wsgi.environ that grows": serves(writing, request(1, *((f"x-{n}", "v") for n in range(30)))),
    "wsgi.call that is detached and fails": Scenario(known_as_slow, lambda served: served.serve(THIRD), Served.shut),
    "_engine.settings of an object that is kept": Scenario(settings_made, settings_changed, settings_usable),
}
