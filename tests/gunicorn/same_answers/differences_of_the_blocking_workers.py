"""What may differ between gunicorn on h2 and fasth2's ``gthread`` and ``gevent``, beyond `differences.py`."""
from __future__ import annotations

from tests.gunicorn.same_answers.differences import ALL, EVERYTHING, WSGI, only_differ, rule, served

#: The answers to what gunicorn's rules refuse.
REFUSED = ([":status", "400"], [":status", "414"], [":status", "431"])


def failed(ours, status="500"):
    """Whether the answer is an error, and the access log says so."""
    return served(ours) and ours["headers"][0] == [":status", status] and all(f" {status} " in line for line in ours["log"])


@rule("classes-answer-refused-requests", versions=ALL[3:], workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """With the status that HTTP/1.1 gets, and a line in the access log."""
    refused = "refused" in case.tags and not ours["seen"] and len(ours["log"]) == 1 and served(ours)
    return EVERYTHING if refused and ours["headers"][0] in REFUSED else ()


@rule("classes-refuse-CONNECT", workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """The application is not called, unless the operator asks for that."""
    return EVERYTHING if case.name == "malformed: CONNECT" and not ours["seen"] and failed(ours, "501") else ()


@rule("classes-replace-responses-whole", workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """With ``exc_info``, gunicorn keeps the fields that it replaces beside the new."""
    if not case.name.startswith("application: exc-info"):
        return ()
    kept = [field for at, field in enumerate(stock["headers"]) if field not in stock["headers"][:at]]
    return ("headers",) if ours["headers"] == kept else ()


@rule("classes-send-latin-1", workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """gunicorn gives such values to h2 as text, which encodes them as UTF-8."""
    latin = case.name.startswith("answer latin-1") and ["x-latin", "caf\xe9"] in ours["headers"]
    return ("headers",) if latin else ()


@rule("classes-log-what-was-sent", versions=ALL[3:], workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """Where an application fails, gunicorn logs what it meant to send, or ``None``."""
    return ("log",) if case.name.startswith("application: ") and failed(ours) else ()


@rule("classes-end-HEAD-with-its-head", workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """An application whose head is out, with END_STREAM, is not drawn on: it cannot fail any more.

    Where its body is whole, the head says how long it is.
    """
    if not case.name.startswith(("application: ", "answer ")) or not case.name.endswith(" to HEAD"):
        return ()
    if not served(ours) or ours["body"][0]:
        return ()
    # Its own error, where it has failed before its head was known, has the fields of one.
    return EVERYTHING if not any(name == "content-type" and "charset" in value for name, value in ours["headers"]) else ()


@rule("classes-send-no-head-before-a-part", workers=WSGI, ways=("class",))
def _(case, stock, ours):
    """What the application gives is looked at before anything is sent: what is no ``bytes`` is a 500."""
    return EVERYTHING if case.name.startswith("application: text") and failed(ours) else ()


@rule("classes-leave-100-out-once-the-body-is-here", versions=ALL[3:], workers=WSGI, ways=("class",), always=False)
def _(case, stock, ours):
    """A body that has come before the application asks for it needs no 100."""
    left_out = "continue" in case.tags and not case.waits and not ours["interim"]
    return ("interim",) if left_out and only_differ(stock, ours) else ()
