"""What may differ between gunicorn on h2 and on fasth2, a rule for each row of docs/differences.md.

A rule looks at one case's two answers and names the fields that it accounts for. It accounts for nothing where
fasth2's answer is not the one that it promises.
"""
from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from tests.gunicorn.same_answers.cases import Case
from tests.gunicorn.same_answers.play import Answers
from tests.support.gunicorn_matrix import Setup

Answer = dict[str, Any]
ALL = ("25.0.3", "25.3.0", "26.2.0", "27.0.1")
OLD = ALL[:3]
WSGI = ("gthread", "gevent")
WORKERS = (*WSGI, "asgi")
WAYS = ("install", "class", "own")
CLASSES = WAYS[1:]

#: A key of the environment that fasth2's classes have and gunicorn's have not.
STANDARD_TRAILERS = "wsgi.ext.http.send_trailers"
#: Keys of the environment whose objects are of fasth2's own classes where its own worker serves, or that it alone has.
OWN_OBJECTS = ("wsgi.input", "gunicorn.socket", STANDARD_TRAILERS)
EVERYTHING = ("interim", "headers", "body", "trailers", "end", "connection", "seen", "log")

#: Both sizes, %(B)s and %(b)s, of a line of the access log.
SIZES = re.compile(r" \d+ \S+ (?=\S+ \S+ \S+$)")


@dataclass(frozen=True)
class Rule:
    """One difference."""

    #: Its id in docs/differences.md.
    name: str

    #: The fields that it accounts for in a case.
    fields: Callable[[Case, Answer, Answer], Iterable[str]]

    #: Where it shows.
    versions: tuple[str, ...]
    workers: tuple[str, ...]
    ways: tuple[str, ...]

    #: Where it does not although the above says so.
    but: tuple[str, ...]

    #: Whether it shows each time; not so where two things happen at once.
    always: bool

    def applies(self, setup: Setup) -> bool:
        """Whether it may show in a setup."""
        return (setup.version.name in self.versions and setup.worker in self.workers and setup.way in self.ways
                and str(setup) not in self.but)


RULES: list[Rule] = []


def rule(name, versions=ALL, workers=WORKERS, ways=WAYS, but=(), always=True):
    """Make a rule of a function that gives the fields."""
    def make(fields):
        RULES.append(Rule(name, fields, versions, workers, ways, but, always))
        return fields
    return make


def reset(answer: Answer, code: str = "PROTOCOL_ERROR") -> bool:
    """Whether the stream was reset, and its neighbours live."""
    return answer["end"] == f"RST_STREAM {code}" and answer.get("connection", "serves on") == "serves on"


def served(answer: Answer) -> bool:
    """Whether there is an answer, and the connection lives."""
    return answer["end"] == "END_STREAM" and answer.get("connection", "serves on") == "serves on"


def one_call(call: Answer) -> dict[str, Any]:
    """What the application saw, but for the named keys."""
    return {**call, **call["seen"]}


def only_differ(stock: Answer, ours: Answer, *keys: str) -> bool:
    """Whether the application was called as often and what it saw differs in no more than some keys."""
    if len(stock["seen"]) != len(ours["seen"]):
        return False
    for one, other in zip(stock["seen"], ours["seen"]):
        one, other = one_call(one), one_call(other)
        one.pop("seen"), other.pop("seen")
        if {name for name in {*one, *other} if one.get(name) != other.get(name)} - set(keys):
            return False
    return True


@rule("malformed-requests-are-reset-alone")
def _(case, stock, ours):
    about = case.tags & {"malformed", "refused"} and "list-size" not in case.tags
    # Where the headers were good, the application may have been called and sees its body fail.
    failed = all(call["trouble"] for call in ours["seen"])
    return EVERYTHING if about and failed and reset(ours) and not ours["headers"] else ()


@rule("header-lists-over-the-limit")
def _(case, stock, ours):
    if "list-size" in case.tags and not ours["seen"] and ours["end"] in (
            "RST_STREAM ENHANCE_YOUR_CALM", "GOAWAY PROTOCOL_ERROR"):
        return ("end", "connection")
    if "list-size" in case.tags and not ours["seen"] and ours["headers"] and ours["headers"][0] == [":status", "431"]:
        return EVERYTHING  # the worker classes'
    return ()


@rule("values-that-are-not-UTF-8")
def _(case, stock, ours):
    return EVERYTHING if "octets" in case.tags and served(ours) and len(ours["seen"]) == 1 else ()


@rule("an-empty-cookie-crumb")
def _(case, stock, ours):
    if "empty-crumb" in case.tags and served(ours) and len(ours["seen"]) == 1:
        return EVERYTHING
    return ()


@rule("priorities-in-HEADERS")
def _(case, stock, ours):
    keys = ("gunicorn.http2.priority_weight", "gunicorn.http2.priority_depends_on", "extensions",
            "gunicorn.http2.send_trailers")
    return ("seen",) if "priority" in case.tags and only_differ(stock, ours, *keys) else ()


@rule("requests-with-trailers-run-once", versions=OLD)
def _(case, stock, ours):
    if "trailers" in case.tags and served(ours) and len(ours["seen"]) == len(ours["log"]) == 1 < len(stock["seen"]):
        return EVERYTHING
    return ()


@rule("100-continue-is-sent", versions=OLD)
def _(case, stock, ours):
    if "continue" in case.tags and ours["interim"] == [[[":status", "100"]]] and not stock["interim"]:
        return ("interim",)
    return ()


@rule("100-continue-is-left-out-once-the-body-is-here", versions=ALL[3:], workers=("asgi",), ways=("class",), always=False)
def _(case, stock, ours):
    return ("interim",) if "continue" in case.tags and not case.waits and not ours["interim"] else ()


@rule("no-body-where-there-may-be-none")
def _(case, stock, ours):
    """A client ends the connection for it. With 204 there is no content-length either."""
    if not served(ours) or ours["body"][0]:
        return ()
    fields = []
    if "InvalidBodyLengthError" in stock["end"]:
        fields += ["end", "connection", "trailers"]
        if not stock["log"] and len(ours["log"]) == 1:  # it had not come so far
            fields.append("log")
    if case.headers[0] == (":method", "HEAD"):
        fields += ["trailers"]
    if case.name.startswith(("answer 204-with", "answer 304-with-a-body")):
        fields += ["body"]
        if [":status", "204"] in ours["headers"]:
            fields += ["headers"] * (ours["headers"] == [f for f in stock["headers"] if f[0] != "content-length"])
    return fields


@rule("no-more-body-than-its-length", versions=OLD[:2], workers=WSGI, ways=CLASSES)
def _(case, stock, ours):
    """As with gunicorn 26."""
    return EVERYTHING if case.name == "answer too-long" and served(ours) and ours["body"][2] == "mor" else ()


@rule("write-callable", versions=OLD[:2], workers=WSGI)
def _(case, stock, ours):
    """gunicorn 25 writes HTTP/1 into the connection: with fasth2's workers it does not, with its own the client goes."""
    if not case.name.startswith("application: write"):
        return ()
    return EVERYTHING if (served(ours) and len(ours["seen"]) == 1) or ours["end"] == stock["end"] == "nothing" else (
        ("end", "connection") if ours["end"] == "closed" else ())


@rule("file-wrapper", versions=OLD[:1], workers=WSGI, ways=CLASSES)
def _(case, stock, ours):
    """gunicorn 25.0 sends no body."""
    return ("body",) if case.name.startswith("application: file") and ours["body"][0] == 20000 else ()


@rule("failures-before-the-first-octet", versions=OLD[:1], workers=("asgi",), ways=("class",))
def _(case, stock, ours):
    """As with later versions, a response of which nothing is out becomes a 500, and a second start is refused."""
    answered = served(ours) and (ours["headers"][0] == [":status", "500"] or "start-twice" in case.name)
    return EVERYTHING if case.name.startswith("application: ") and answered and not served(stock) else ()


@rule("connections-live-though-idle", versions=OLD, workers=("asgi",), always=False)
def _(case, stock, ours):
    """gunicorn ends a connection that is idle for a second."""
    return ("connection",) if stock.get("connection") in ("GOAWAY NO_ERROR", "closed") and served(ours) else ()


@rule("headers-leave-with-the-body", versions=ALL[3:], workers=WSGI, ways=("install",))
def _(case, stock, ours):
    """A response that fails before the first octet of its body has no headers at all."""
    if ours["headers"] is None and reset(ours, "INTERNAL_ERROR") and stock["end"] == ours["end"]:
        return ("headers",)
    return ()


@rule("failed-responses-are-reset", versions=OLD, ways=WAYS[:2], but=(
    "25.0.3-gthread-install", "25.0.3-gevent-install", "25.3.0-gthread-install", "25.3.0-gevent-install"))
def _(case, stock, ours):
    """On gunicorn's class the client is left waiting, or takes what it has for the whole, or loses the connection."""
    if "application: " in case.name and reset(ours, "INTERNAL_ERROR") and not reset(stock, "INTERNAL_ERROR"):
        return ("headers", "body", "end", "connection")
    return ()


@rule("early-hints-on-gevent", versions=OLD, workers=("gevent",))
def _(case, stock, ours):
    return EVERYTHING if "hints" in case.tags and ours["interim"] and served(ours) and not served(stock) else ()


@rule("bad-response-fields-are-refused", workers=("asgi",), but=("25.0.3-asgi-install", "25.0.3-asgi-class"))
def _(case, stock, ours):
    """CR, LF and spaces went out, and clients end the connection for them."""
    bad = case.name.startswith(("application: bad-field", "application: bad-name"))
    return EVERYTHING if bad and served(ours) and ours["headers"][0] == [":status", "500"] else ()


@rule("octets-as-they-were-sent", workers=("asgi",))
def _(case, stock, ours):
    """An ASGI application sees and sends octets; gunicorn decodes UTF-8 and encodes latin-1, which fails or changes them."""
    text = "".join(str(part) for field in case.headers for part in field)
    if not text.isascii() and served(ours) and len(ours["seen"]) == 1:
        return EVERYTHING
    return ("headers",) if "latin-1" in case.name and ["x-latin", "caf\xe9"] in ours["headers"] else ()


@rule("errors-name-fasth2s-class", workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """The text of an AttributeError is the body of gunicorn's 500."""
    if case.name.startswith("application: no-start") and "status_code" in ours["body"][2] + ours["end"] + "status_code":
        return ("headers", "body", "end", "connection")
    return ()


@rule("END_STREAM-is-sent", versions=OLD[1:], workers=("asgi",))
def _(case, stock, ours):
    """gunicorn sends none where the last part of a body is empty."""
    if stock["end"] == "END_STREAM" or "RST" in stock["end"]:
        return ()
    # A client takes the length of a 204 or 304 for that of a body, and the empty last part ends it.
    ended = served(ours) or ("with-a-length" in case.name and "InvalidBodyLengthError" in ours["end"])
    return ("end", "connection") if ended else ()


@rule("request-bodies-are-whole", versions=OLD[1:], workers=("asgi",))
def _(case, stock, ours):
    """gunicorn tells the application that the first part is the last one."""
    whole = b"".join(data for data, _padding in case.body or ())
    sizes = [call["size"] for call in stock["seen"]], [call["size"] for call in ours["seen"]]
    right = len(sizes[1]) == 1 and ours["seen"][0]["body"] == hashlib.sha256(whole).hexdigest()
    return ("seen",) if right and sizes[0] != sizes[1] and only_differ(stock, ours, "size", "body") else ()


@rule("bodies-of-many-frames-are-answered", versions=("25.3.0",), workers=("asgi",), always=False)
def _(case, stock, ours):
    """gunicorn runs the application, and now and then sends nothing of its answer."""
    lost = case.name == "body in frames of one octet" and stock["headers"] is None and stock["end"] != "END_STREAM"
    right = served(ours) and ours["headers"][0] == [":status", "200"] and ours["body"][2] == "plain"
    return ("headers", "body", "end", "connection") if lost and right else ()


@rule("sizes-in-the-access-log", versions=OLD[:2], ways=CLASSES)
def _(case, stock, ours):
    """gunicorn 25 writes 0 for all, or the body that HEAD does not get."""
    same = len(ours["log"]) == len(stock["log"]) == 1 and SIZES.sub(" ", ours["log"][0]) == SIZES.sub(" ", stock["log"][0])
    return ("log",) if same else ()


@rule("failed-requests-in-the-access-log", versions=OLD, workers=WSGI, ways=CLASSES)
def _(case, stock, ours):
    """As with gunicorn 27."""
    return ("log",) if case.name.startswith("application: ") and not stock["log"] and len(ours["log"]) == 1 else ()


@rule("response-trailers-on-every-worker", versions=OLD, workers=("gevent", "asgi"), ways=("class",),
      but=("25.0.3-asgi-class",))
def _(case, stock, ours):
    """gunicorn has them on gthread only, and loses them on asgi."""
    if case.name.startswith("application: trailers") and served(ours) and ours["trailers"]:
        return EVERYTHING
    return ("seen",) if only_differ(stock, ours, "gunicorn.http2.send_trailers") else ()


@rule("paths-are-text-with-asgi", workers=("asgi",), but=("25.0.3-asgi-install",))
def _(case, stock, ours):
    """As over HTTP/1.1; the access log's %(U)s has the text too."""
    if case.name.startswith("path ") and "%" in case.name and only_differ(stock, ours, "path") and ours["seen"]:
        wanted = unquote_to_bytes(one_call(stock["seen"][0])["path"]).decode("utf-8", "replace")
        return ("seen", "log") if one_call(ours["seen"][0])["path"] == wanted else ()
    return ()


@rule("equal-lengths-are-one", workers=("asgi",))
def _(case, stock, ours):
    """Several content-length fields of one length; a WSGI application never sees but one."""
    # Where gunicorn takes the body for another than it is (`request-bodies-are-whole`), that differs too.
    keys = ("headers", "size", "body")
    if case.name != "content-length twice" or not served(ours) or not only_differ(stock, ours, *keys):
        return ()
    if len(ours["seen"]) != 1 or ours["seen"][0]["body"] != hashlib.sha256(b"x").hexdigest():
        return ()
    length = [["bytes", "content-length"], ["bytes", "1"]]
    lists = [one_call(answer["seen"][0])["headers"] for answer in (stock, ours)]
    return ("seen",) if lists[1].count(length) == 1 and [length, *lists[1]] == lists[0] else ()


@rule("protocol-in-the-access-log-with-asgi", workers=("asgi",), ways=("class",))
def _(case, stock, ours):
    """HTTP/2.0, as of every other worker. `compare` spells it as gunicorn for the other rules."""
    return ()


@rule("refused-requests-are-answered-with-asgi", workers=("asgi",), ways=("class",))
def _(case, stock, ours):
    """By gunicorn's limits and its policy for fields, and CONNECT: as over HTTP/1.1, with a line in the access log."""
    statuses = [":status", "400"], [":status", "414"], [":status", "431"], [":status", "501"]
    answered = not ours["seen"] and served(ours) and ours["headers"] and ours["headers"][0] in statuses
    return EVERYTHING if answered else ()


@rule("server-and-date-with-asgi", workers=("asgi",), ways=("class",))
def _(case, stock, ours):
    """As over HTTP/1.1. `compare` leaves them out for the other rules."""
    return ()


@rule("HEAD-has-the-length-of-GET", workers=("asgi",), ways=("class",))
def _(case, stock, ours):
    """Where the body is whole and the application gives none."""
    head = case.headers[0] == (":method", "HEAD") and ours["headers"] and ours["headers"][-1][0] == "content-length"
    return ("headers",) if head and ours["headers"][:-1] == stock["headers"] else ()


@rule("HEAD-ends-with-its-head", workers=("asgi",), ways=("class",), always=False)
def _(case, stock, ours):
    """Though what follows fails."""
    return ("headers", "end", "connection") if case.name == "application: raise-late to HEAD" and served(ours) else ()


@rule("no-more-body-than-its-length-with-asgi", workers=("asgi",), ways=("class",))
def _(case, stock, ours):
    return EVERYTHING if case.name == "answer too-long" and served(ours) and ours["body"][2] == "mor" else ()


def without_server_and_date(answer: Answer) -> Answer:
    """An answer without the fields that `ASGIWorker` adds, and with gunicorn's name of the protocol in the log."""
    added = ["date", "now"], ["server", "gunicorn/asgi"]
    log = [line.replace("HTTP/2.0", "HTTP/2") for line in answer["log"]]
    return {**answer, "log": log, "headers": answer["headers"] and [field for field in answer["headers"] if field not in added]}


def without_objects(answer: Answer, keys: Sequence[str]) -> Answer:
    """An answer without some keys of the environment."""
    return {**answer, "seen": [
        {**call, "seen": {key: value for key, value in call["seen"].items() if key not in keys}}
        for call in answer["seen"]]}


def compare(setup: Setup, cases: list[Case], stock: Answers, ours: Answers) -> tuple[list[str], set[str]]:
    """Compare all answers.

    Returns:
        A line for each difference that no rule accounts for, and the rules that accounted for one.
    """
    rules = [rule for rule in RULES if rule.applies(setup)]
    unexplained, shown = [], set()
    for case in cases:
        one, other = stock[case.name], ours[case.name]
        if setup.way in CLASSES:
            keys = OWN_OBJECTS if setup.way == "own" else (STANDARD_TRAILERS,)
            one, other = (without_objects(answer, keys) for answer in (one, other))
        if (setup.worker, setup.way) == ("asgi", "class"):
            if ["server", "gunicorn/asgi"] in (other["headers"] or ()):
                shown.update(("server-and-date-with-asgi", "protocol-in-the-access-log-with-asgi"))
            other = without_server_and_date(other)
        differing = [name for name in EVERYTHING if one.get(name) != other.get(name)]
        for each in rules if differing else ():
            explained = set(each.fields(case, one, other)) & set(differing)
            if explained:
                shown.add(each.name)
                differing = [name for name in differing if name not in explained]
        unexplained += [f"{case.name}: {name}: {short(one, other, name)}" for name in differing]
    return unexplained, shown


def short(one: Answer, other: Answer, name: str) -> str:
    """A difference as text."""
    left, right = one.get(name), other.get(name)
    if name == "seen" and len(left) == len(right) == 1:
        left, right = one_call(left[0]), one_call(right[0])
        left, right = ({key: value for key, value in side.items() if left.get(key) != right.get(key) and key != "seen"}
                       for side in (left, right))
    return f"{left} on h2, {right} on fasth2"
