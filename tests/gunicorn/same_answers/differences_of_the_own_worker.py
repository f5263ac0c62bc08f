"""What may differ between gunicorn's ``gthread`` on h2 and fasth2's own worker, beyond `differences.py`."""
from __future__ import annotations

from tests.gunicorn.same_answers.differences import ALL, EVERYTHING, OLD, SIZES, only_differ, rule, served

REFUSED = ([":status", "400"], [":status", "414"], [":status", "431"])
ERROR = [[":status", "500"], ["content-type", "text/plain; charset=utf-8"], ["content-length", "21"]]

NAMED = [["server", "gunicorn"], ["date", "now"]]


def as_utf_8(text):
    """Latin-1 text read as UTF-8; other values, as they are."""
    return text.encode("latin-1").decode() if isinstance(text, str) else text


def logged(answer):
    """Whether the access log has one line, with the status that the client got."""
    return len(answer["log"]) == 1 and f" {answer['headers'][0][1]} " in answer["log"][0]


@rule("text-is-latin-1", workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    """Field values and paths, in both directions, as PEP 3333 has them."""
    if not served(ours) or len(ours["seen"]) != len(stock["seen"]):
        return
    if case.name.startswith("answer latin-1") and ["x-latin", "caf\xe9"] in ours["headers"]:
        yield "headers"
    if all(str(part).isascii() for field in case.headers for part in field):
        return
    same = [one["seen"].keys() == other["seen"].keys() and all(
        other["seen"][key] == value or as_utf_8(other["seen"][key]) == value for key, value in one["seen"].items())
        for one, other in zip(stock["seen"], ours["seen"])]
    if all(same):
        yield "seen"
    words = [SIZES.sub(" ", line).split() for line in stock["log"]], [SIZES.sub(" ", line).split() for line in ours["log"]]
    if all(word in (other, as_utf_8(other)) for lines in zip(*words) for word, other in zip(*lines)):
        yield "log"


@rule("refused-requests-are-answered", workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    """By gunicorn's limits and its policy for fields: with the status and the text that HTTP/1.1 gets, and a log line."""
    refused = "refused" in case.tags and not ours["seen"] and served(ours) and ours["headers"][0] in REFUSED
    return EVERYTHING if refused and logged(ours) else ()


@rule("CONNECT-is-refused", workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    """The application is not called, unless the operator asks for that."""
    refused = case.name == "malformed: CONNECT" and not ours["seen"] and served(ours) and ours["headers"][0][1] == "501"
    return EVERYTHING if refused and logged(ours) else ()


@rule("HEAD-is-over-once-its-head-is-out", workers=("gthread",), ways=("own",), always=False)
def _(case, stock, ours):
    """What fails behind it is no failure of the answer."""
    late = case.name == "application: raise-late to HEAD" and served(ours) and not ours["body"][0] and logged(ours)
    right = late and ours["headers"] == [[":status", "200"], ["content-type", "text/plain"], *NAMED]
    return ("headers", "end", "connection", "log") if right else ()


@rule("errors-tell-no-details", workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    """Not the exception's text; and a part that the application gave just before it fails does not leave first.

    Where the machine is so busy that this takes longer than a tick, it does, and the stream is reset.
    """
    late = case.name.startswith("application: raise-late") and "INTERNAL_ERROR" in str(ours["end"])
    if not late and not (case.name.startswith("application: ") and served(ours) and ours["headers"][:3] == ERROR):
        return ()
    return ("headers", "body", "trailers", "end", "connection", "log")


@rule("replaced-responses-are-replaced-whole", workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    """With ``exc_info``, gunicorn keeps the fields that it replaces beside the new."""
    if not case.name.startswith("application: exc-info"):
        return ()
    kept = [field for at, field in enumerate(stock["headers"]) if field not in stock["headers"][:at]]
    return ("headers",) if ours["headers"] in (kept, kept + NAMED) else ()


@rule("dates-and-servers-of-the-application", workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    own = case.name.startswith("answer own-date-and-server") and served(ours)
    return ("headers",) if own and ["server", "mine"] in ours["headers"] and ["date", "now"] not in ours["headers"] else ()


@rule("100-continue-where-the-body-is-not-here", workers=("gthread",), ways=("own",), always=False)
def _(case, stock, ours):
    if "continue" not in case.tags or ours["interim"] or not only_differ(stock, ours):
        return ()
    return () if case.waits else ("interim",)


@rule("responses-name-server-and-date", versions=OLD, workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    """As with gunicorn 27, and with HTTP/1.1 under each."""
    if not stock["headers"]:
        return ()
    kept = [field for field in stock["headers"] if field[0] != "content-length" or [":status", "204"] not in stock["headers"]]
    return ("headers",) if ours["headers"] == kept + NAMED else ()


@rule("gunicorn-27s-policy-for-fields", versions=ALL[:2], workers=("gthread",), ways=("own",))
def _(case, stock, ours):
    """Names with underscores and what says the scheme: gunicorn 25 asks neither who sent them nor its settings."""
    names = {name for name, _ in case.headers if isinstance(name, str)}
    if not served(ours) or not any("_" in name or name.startswith("x-forwarded-") for name in names):
        return ()
    keys = {f"HTTP_{name.upper().replace('-', '_')}" for name in names if "_" in name}
    same = only_differ(stock, ours, "wsgi.url_scheme", "SCRIPT_NAME", "PATH_INFO", *keys)
    return ("seen", "log") if same else ()
