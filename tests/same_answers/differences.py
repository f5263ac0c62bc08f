"""What may differ between gunicorn on h2 and on fasth2, a rule for each row of docs/differences.md.

A rule looks at one case's two answers and names the fields that it accounts for. It accounts for nothing where
fasth2's answer is not the one that it promises.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.same_answers.cases import Case
from tests.same_answers.play import Answers
from tests.support.gunicorn_matrix import Setup

Answer = dict[str, Any]
ALL = ("25.0.3", "25.3.0", "26.2.0", "27.0.1")
OLD = ALL[:3]
WSGI = ("gthread", "gevent")
WORKERS = (*WSGI, "asgi")
WAYS = ("install", "class")
EVERYTHING = ("interim", "headers", "body", "trailers", "end", "connection", "seen", "log")
SERVED = ("END_STREAM", "serves on")


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

    def applies(self, setup: Setup) -> bool:
        """Whether it shows in a setup."""
        return setup.version.name in self.versions and setup.worker in self.workers and setup.way in self.ways


RULES: list[Rule] = []


def rule(name, versions=ALL, workers=WORKERS, ways=WAYS):
    """Make a rule of a function that gives the fields."""
    def make(fields):
        RULES.append(Rule(name, fields, versions, workers, ways))
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
    if case.tags & {"malformed", "refused"} and "list-size" not in case.tags and reset(ours) and not ours["headers"]:
        # Where the headers were good, the application may have been called and sees its body fail.
        if not ours["seen"] or all(call["trouble"] for call in ours["seen"]):
            return EVERYTHING
    return ()


@rule("header-lists-over-the-limit")
def _(case, stock, ours):
    if "list-size" in case.tags and not ours["seen"] and ours["end"] in (
            "RST_STREAM ENHANCE_YOUR_CALM", "GOAWAY PROTOCOL_ERROR"):
        return ("end", "connection")
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
    keys = ("gunicorn.http2.priority_weight", "gunicorn.http2.priority_depends_on", "extensions")
    return ("seen",) if "priority" in case.tags and only_differ(stock, ours, *keys) else ()


@rule("requests-with-trailers-run-once", versions=OLD)
def _(case, stock, ours):
    if "trailers" in case.tags and served(ours) and len(ours["seen"]) == len(ours["log"]) == 1 < len(stock["seen"]):
        return EVERYTHING
    return ()


@rule("100-continue-is-sent", versions=OLD, workers=WSGI)
def _(case, stock, ours):
    if "continue" in case.tags and ours["interim"] == [[[":status", "100"]]] and not stock["interim"]:
        return ("interim",)
    return ()


@rule("100-continue-is-left-out-once-the-body-is-here", workers=("asgi",))
def _(case, stock, ours):
    return ("interim",) if "continue" in case.tags and not case.waits and not ours["interim"] else ()


@rule("no-body-where-there-may-be-none")
def _(case, stock, ours):
    """A client ends the connection for it."""
    broken = "InvalidBodyLengthError"
    return ("end", "connection") if broken in stock["end"] and served(ours) and ours["body"][0] == 0 else ()


@rule("headers-leave-with-the-body")
def _(case, stock, ours):
    """A response that fails before the first octet of its body has no headers at all."""
    if ours["headers"] is None and reset(ours, "INTERNAL_ERROR") and stock["end"] == ours["end"]:
        return ("headers",)
    return ()


@rule("failed-responses-are-reset", versions=OLD)
def _(case, stock, ours):
    """On gunicorn's class the client is left waiting, or takes what it has for the whole, or loses the connection."""
    if "application: " in case.name and reset(ours, "INTERNAL_ERROR") and not reset(stock, "INTERNAL_ERROR"):
        return ("headers", "body", "end", "connection")
    return ()


@rule("early-hints-on-gevent", versions=OLD, workers=("gevent",))
def _(case, stock, ours):
    return EVERYTHING if "hints" in case.tags and ours["interim"] and served(ours) and not served(stock) else ()


@rule("bad-response-fields-are-refused", workers=("asgi",))
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


def compare(setup: Setup, cases: list[Case], stock: Answers, ours: Answers) -> tuple[list[str], set[str]]:
    """Compare all answers.

    Returns:
        A line for each difference that no rule accounts for, and the rules that accounted for one.
    """
    rules = [rule for rule in RULES if rule.applies(setup)]
    unexplained, shown = [], set()
    for case in cases:
        one, other = stock[case.name], ours[case.name]
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
