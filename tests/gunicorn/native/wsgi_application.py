"""Applications that use every part of PEP 3333, each checked by `wsgiref.validate` on both sides.

The query of a request names files of the test: what is waited for, and what is written when something happens.
"""
from __future__ import annotations

import io
import os
import sys
import time
from urllib.parse import parse_qs
from wsgiref.validate import validator

TEXT = ("Content-Type", "text/plain")
LARGE = bytes(range(256)) * 4096


def options(environ):
    """The query's fields."""
    return {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}


def await_file(path):
    """Wait until the test has made a file."""
    while not os.path.exists(path):
        time.sleep(0.002)


def note(path, text):
    """Append a line to a file."""
    with open(path, "a") as file:
        file.write(text + "\n")


class Parts:
    """An iterable that is no sequence, and writes down when it is closed.

    Args:
        parts: What it yields; an exception is raised in its turn.
        log: The file for "closed".
        fails_at_once: Whether it cannot even be iterated.
    """

    def __init__(self, parts, log=None, fails_at_once=False):
        self._parts = iter(parts)
        self._log = log
        self._fails_at_once = fails_at_once

    def __iter__(self):
        if self._fails_at_once:
            raise ValueError("on purpose")
        return self

    def __next__(self):
        part = next(self._parts)
        if isinstance(part, Exception):
            raise part
        return part

    def close(self):
        if self._log:
            note(self._log, "closed")


def start(start_response, *fields, status="200 OK"):
    """Begin a response of text."""
    return start_response(status, [TEXT, *fields])


def listed(environ, start_response):
    start(start_response)
    return [b"one ", b"", b"two"]


def tupled(environ, start_response):
    start(start_response)
    return (b"one ", b"two")


def iterated(environ, start_response):
    """A class of its own: no list, no generator, no length."""
    start(start_response)
    return Parts([b"one ", b"two"], options(environ).get("log"))


def generated(environ, start_response):
    start(start_response)
    yield b"one "
    yield b"two"


def nothing(environ, start_response):
    start(start_response)
    return []


def started_late(environ, start_response):
    """start_response in the first next(), as generators do."""
    start(start_response)
    yield b""
    yield b"one "
    yield b"two"


def gated(environ, start_response):
    """A part, and another when the test has made a file."""
    start(start_response)
    yield b"one "
    await_file(options(environ)["gate"])
    yield b"two"


def ticking(environ, start_response):
    """Parts with pauses longer than a tick of the loop."""
    start(start_response)
    for number in range(8):
        yield b"%d " % number
        time.sleep(0.02)


def written(environ, start_response):
    write = start(start_response)
    write(b"one ")
    write(b"two")
    return []


def written_and_returned(environ, start_response):
    write = start(start_response)
    write(b"one ")
    write(b"")
    return Parts([b"two"])


def written_gated(environ, start_response):
    write = start(start_response)
    write(b"one ")
    await_file(options(environ)["gate"])
    write(b"two")
    return []


def written_large(environ, start_response):
    write = start(start_response, ("Content-Length", str(len(LARGE))))
    for at in range(0, len(LARGE), 50_000):
        write(LARGE[at:at + 50_000])
    return []


def generated_large(environ, start_response):
    start(start_response, ("Content-Length", str(len(LARGE))))
    for at in range(0, len(LARGE), 50_000):
        yield LARGE[at:at + 50_000]


def filed(environ, start_response):
    """A file by ``wsgi.file_wrapper``, and what the file was asked for."""
    log = options(environ)["log"]

    class File(io.BytesIO):
        def close(self):
            note(log, "closed")
            super().close()

    start(start_response, ("Content-Length", str(len(LARGE))))
    return environ["wsgi.file_wrapper"](File(LARGE), 10_000)


def real_file(environ, start_response):
    """A file of the system, from its middle."""
    file = open(options(environ)["path"], "rb")  # noqa: SIM115 (the wrapper closes it)
    file.seek(100_000)
    start(start_response)
    return environ["wsgi.file_wrapper"](file)


def replaced(environ, start_response):
    """An error before anything was sent: another response in its place."""
    start(start_response, ("X-First", "yes"))
    try:
        raise ValueError("on purpose")
    except ValueError:
        start_response("503 Service Unavailable", [TEXT, ("X-Second", "yes")], sys.exc_info())
    return [b"replaced"]


def too_late_to_replace(environ, start_response):
    """An error after a part was sent: it is raised again."""
    start(start_response)
    yield b"one "
    await_file(options(environ)["gate"])
    try:
        raise ValueError("on purpose")
    except ValueError:
        try:
            start_response("503 Service Unavailable", [TEXT], sys.exc_info())
        except ValueError:
            note(options(environ)["log"], "raised again")
            raise
    yield b"never"


def failing(environ, start_response):
    """An application that fails: itself, in its first part, or after the file of the test is there."""
    found = options(environ)
    if found["at"] == "call":
        raise ValueError("on purpose")
    start(start_response)
    if found["at"] == "first":
        return Parts([ValueError("on purpose")], found["log"])

    def parts():
        yield b"one "
        await_file(found["gate"])
        raise ValueError("on purpose")

    return Parts(parts(), found["log"])


def not_started(environ, start_response):
    """No start_response at all."""
    return Parts([b"one"], options(environ)["log"])


def endless(environ, start_response):
    start(start_response)

    def parts():
        while True:
            yield bytes(1000)
            time.sleep(0.002)

    return Parts(parts(), options(environ)["log"])


def read(environ, start_response):
    """The body, read in the way that the query says."""
    stream, how = environ["wsgi.input"], options(environ)["how"]
    if how == "pieces":
        found = list(iter(lambda: stream.read(7), b""))
    elif how == "at-once":
        found = [stream.read(1_000_000)]
    elif how == "line":
        found = list(iter(stream.readline, b""))
    elif how == "short-lines":
        found = list(iter(lambda: stream.readline(5), b""))
    elif how == "lines":
        found = stream.readlines()
    elif how == "some-lines":
        found = [*stream.readlines(12), b"|", *stream.readlines(12)]
    elif how == "iteration":
        found = list(stream)
    elif how == "mixed":
        found = [stream.read(3), stream.readline(), *stream.readlines(1), next(iter(stream)), stream.read(1_000_000)]
    else:
        found = []
    body = repr(found).encode()
    start(start_response, ("Content-Length", str(len(body))), ("X-Terminated", str(environ["wsgi.input_terminated"])))
    return [body]


def reflected(environ, start_response):
    """The body's lines, each as soon as it is here."""
    start(start_response)
    for line in environ["wsgi.input"]:
        yield line.upper()


def counted(environ, start_response):
    """How many octets the body has, read slowly."""
    size = 0
    while part := environ["wsgi.input"].read(30_000):
        size += len(part)
    start(start_response)
    return [str(size).encode()]


def gated_read(environ, start_response):
    """The body, read when the test has made a file."""
    await_file(options(environ)["gate"])
    body = environ["wsgi.input"].read(1_000_000)
    start(start_response)
    return [body]


def cut_off(environ, start_response):
    """A body whose client goes before it is complete, but not before the application was called."""
    open(options(environ)["called"], "w").close()
    try:
        environ["wsgi.input"].read(1_000_000)
    except OSError as exc:
        note(options(environ)["log"], type(exc).__mro__[-4].__name__)
        raise
    raise AssertionError("a whole body")


def emptied(environ, start_response):
    start_response("204 No Content", [])
    return []


def unmodified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"x"')])
    return []


def measured(environ, start_response):
    """A body and a Content-Length, the query says how long."""
    found = options(environ)
    start(start_response, ("Content-Length", found["length"]))
    return Parts([b"x" * int(found["size"])]) if "iterate" in found else [b"x" * int(found["size"])]


def errors(environ, start_response):
    """Lines for the log."""
    environ["wsgi.errors"].write("a line of the application's\n")
    environ["wsgi.errors"].flush()
    return nothing(environ, start_response)


def hinted(environ, start_response):
    """Early hints, from a call that is fast or has lost the lead; and once more when it is too late."""
    time.sleep(float(options(environ).get("sleep", 0)))
    environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload"), ("Link", "</b.js>; rel=preload")])
    start(start_response)
    yield b"one "
    yield b"two"
    environ["wsgi.early_hints"]([("Link", "</late>")])


def trailing(environ, start_response):
    """Trailers, set when the query says: before, between or after the parts."""
    send = environ["gunicorn.http2.send_trailers"]
    when = options(environ)["when"]
    start(start_response, ("Trailer", "x-sum"))
    if when == "before":
        send([("X-Sum", "abc")])
    yield b"one "
    if when == "between":
        send([("X-Sum", "abc")])
    yield b"two"
    if when == "after":
        send([("X-Sum", "abc")])


def seen(environ, start_response):
    """The keys and values of the environment."""
    body = repr(sorted((key, value) for key, value in environ.items() if isinstance(value, (str, bool, tuple)))).encode()
    start(start_response, ("Content-Length", str(len(body))))
    return [body]


CHECKED = {
    "/listed": listed, "/tupled": tupled, "/iterated": iterated, "/generated": generated, "/nothing": nothing,
    "/started-late": started_late, "/gated": gated, "/ticking": ticking, "/written": written,
    "/written-and-returned": written_and_returned, "/written-gated": written_gated, "/written-large": written_large,
    "/generated-large": generated_large, "/filed": filed, "/real-file": real_file, "/replaced": replaced,
    "/too-late-to-replace": too_late_to_replace, "/failing": failing, "/not-started": not_started, "/endless": endless,
    "/read": read, "/reflected": reflected, "/counted": counted, "/gated-read": gated_read, "/cut-off": cut_off,
    "/emptied": emptied, "/unmodified": unmodified, "/measured": measured, "/errors": errors, "/hinted": hinted,
    "/trailing": trailing, "/seen": seen,
}


# What the checker would not let pass; the server has to refuse it by itself.

def text_part(environ, start_response):
    start(start_response)
    return ["text"]


def nobodys_type(environ, start_response):
    start(start_response)
    return


def byte_array(environ, start_response):
    start(start_response)
    return [bytearray(b"one")]


BAD = {
    "status-bytes": (b"200 OK", []), "status-int": (200, []), "status-short": ("20", []), "status-long": ("2000 OK", []),
    "status-words": ("OK", []), "status-interim": ("103 Early Hints", []), "status-newline": ("200 OK\r\nx: y", []),
    "status-no-space": ("200OK", []), "headers-none": ("200 OK", None), "headers-pair": ("200 OK", ["ab", "c"]),
    "headers-triple": ("200 OK", [("a", "b", "c")]), "name-bytes": ("200 OK", [(b"a", "b")]),
    "name-empty": ("200 OK", [("", "b")]), "name-space": ("200 OK", [("a b", "c")]),
    "name-colon": ("200 OK", [(":status", "204")]), "name-newline": ("200 OK", [("a\n", "c")]),
    "name-not-ascii": ("200 OK", [("caf\xe9", "c")]), "value-bytes": ("200 OK", [("a", b"b")]),
    "value-int": ("200 OK", [("a", 1)]), "value-none": ("200 OK", [("a", None)]),
    "value-cr": ("200 OK", [("a", "b\rc")]), "value-lf": ("200 OK", [("a", "b\nc")]), "value-nul": ("200 OK", [("a", "\0")]),
    "value-control": ("200 OK", [("a", "b\x1fc")]), "value-wide": ("200 OK", [("a", "\u20ac")]),
    "length-words": ("200 OK", [("Content-Length", "ten")]), "length-sign": ("200 OK", [("Content-Length", "-1")]),
}


def bad(environ, start_response):
    start_response(*BAD[environ["QUERY_STRING"]])
    return [b"x"]


def twice(environ, start_response):
    start(start_response)
    start(start_response)
    return [b"x"]


def written_early(environ, start_response):
    """write() that was kept from a response that was replaced, and of a part that is text."""
    write = start(start_response)
    write("text")
    return []


def latin_1(environ, start_response):
    """A field of the request goes back, and one of all that latin-1 has."""
    every = "".join(map(chr, range(0xA0, 0x100)))
    start(start_response, ("X-Back", environ["HTTP_X_THERE"]), ("X-Every", every), ("X-Padded", "  a\tb \t"))
    return [environ["HTTP_X_THERE"].encode("latin-1")]


def not_iterable_after_all(environ, start_response):
    """iter() fails; the checker would have called it."""
    start(start_response)
    return Parts([], options(environ)["log"], fails_at_once=True)


def started_in_the_second_part(environ, start_response):
    """An empty part comes before start_response."""
    yield b""
    start(start_response)
    yield b"one "
    yield b"two"


def hop_by_hop(environ, start_response):
    start(start_response, ("Connection", "close"), ("Keep-Alive", "5"), ("Transfer-Encoding", "chunked"),
          ("Upgrade", "h2c"), ("Proxy-Connection", "close"), ("X-Kept", "yes"))
    return [b"x"]


class Text(str):
    """A str of another type."""


def subclasses(environ, start_response):
    """Strings and bytes of other types, lists of lists."""
    class Octets(bytes):
        pass

    start_response(Text("200 OK"), [[Text("X-Text"), Text("yes")]])
    return [Octets(b"one "), Octets(b"two")]


def with_a_body(environ, start_response):
    """A body where there may be none."""
    start_response(environ["QUERY_STRING"].replace("+", " "), [("Content-Length", "3"), ("ETag", '"x"')])
    return [b"one"]


UNCHECKED = {
    "/text-part": text_part, "/nobodys-type": nobodys_type, "/byte-array": byte_array, "/bad": bad, "/twice": twice,
    "/written-early": written_early, "/latin-1": latin_1, "/hop-by-hop": hop_by_hop, "/subclasses": subclasses,
    "/with-a-body": with_a_body, "/not-iterable-after-all": not_iterable_after_all,
    "/started-in-the-second-part": started_in_the_second_part,
}


@validator
def checked(environ, start_response):
    return CHECKED[environ["PATH_INFO"]](environ, start_response)


def app(environ, start_response):
    """All of them."""
    found = UNCHECKED.get(environ["PATH_INFO"])
    return found(environ, start_response) if found else checked(environ, start_response)
