"""The time that an environment takes grows with a request's octets, and not with their square."""
import time

import pytest

from fasth2.limits import Limits
from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.environ import PLAIN, SCHEME, EnvironMaker, FieldRule
from fasth2.wsgi.leader import Leadership
from fasth2.wsgi.session import Session
from tests.support import frames
from tests.support.fields import block, in_frames, request_fields
from tests.support.wsgi_protocol import protocol

ORDINARY = [("user-agent", "a browser of some length"), ("accept", "text/html,application/xhtml+xml"),
            ("accept-encoding", "gzip, deflate, br"), ("cookie", "session=0123456789abcdef0123456789abcdef")]
MANY = 60000
KINDS = {"x-scheme": SCHEME}


def requests(fields, count):
    """So many requests with these fields, as octets, without the dynamic table."""
    made = block(request_fields(*fields))
    return [b"".join(bytes(one) for one in in_frames(1 + 2 * n, made, 16384)) for n in range(count)]


def seconds_per_octet(fields, count):
    """Of the processor's time, the least of several runs."""
    octets = requests(fields, count)
    taken = []
    for _ in range(5):
        limits = Limits(header_fields=None, header_list_size=1 << 26, continuation_frames=None, string_size=1 << 20)
        dispatcher = Dispatcher(lambda environ, start_response: [], Leadership(lambda: None), lambda: None, lambda call, error: None)
        maker = EnvironMaker(
            {"wsgi.url_scheme": "http", "SCRIPT_NAME": ""}, {},
            lambda name: FieldRule("HTTP_" + name.upper().replace("-", "_"), KINDS.get(name, PLAIN)), {"X-SCHEME": "on"})
        session = Session(protocol(limits=limits), dispatcher, maker, lambda *given: None, None)
        session.connection.initiate_connection()
        session.feed(frames.PREFACE + bytes(frames.settings()))
        begun = time.thread_time()
        for one in octets:
            session.feed(one)
        taken.append(time.thread_time() - begun)
        assert session.begun == count
        session.close()
    return min(taken) / sum(map(len, octets))


@pytest.fixture(scope="module")
def ordinary():
    return seconds_per_octet(ORDINARY, 50)


# Joined one by one, an octet takes some forty times as long at this size: no busy machine blurs that.
@pytest.mark.parametrize("name", ["cookie", "x-again", "x-scheme"])
def test_many_fields_of_one_name(ordinary, name):
    fields = [(name, f"crumb{n}=some value, as it may be") for n in range(MANY)]
    assert seconds_per_octet(fields, 1) < 5 * ordinary


@pytest.mark.parametrize(("name", "key", "between"), [
    ("cookie", "HTTP_COOKIE", "; "), ("x-again", "HTTP_X_AGAIN", ","), ("x-scheme", "HTTP_X_SCHEME", ",")])
@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_values_are_joined_in_order(name, key, between, count):
    """Whatever stands between them."""
    seen = []

    class Peek:
        def begin(self, call):
            seen.append(dict(call.environ))

        def end(self, call):
            pass

    def app(environ, start_response):
        start_response("200 OK", [])
        return [b""]

    dispatcher = Dispatcher(app, Leadership(lambda: None), lambda: None, lambda call, error: None)
    dispatcher.observer = Peek()
    maker = EnvironMaker(
        {"wsgi.url_scheme": "http", "SCRIPT_NAME": ""}, {},
        lambda name: FieldRule("HTTP_" + name.upper().replace("-", "_"), KINDS.get(name, PLAIN)), {"X-SCHEME": "on"})
    session = Session(protocol(), dispatcher, maker, lambda *given: None, None)
    session.connection.initiate_connection()
    fields = [field for n in range(count) for field in ((name, str(n)), (f"x-other-{n}", "1"))]
    session.feed(frames.PREFACE + bytes(frames.settings()) + b"".join(map(bytes, in_frames(
        1, block(request_fields(*fields)), 16384))))
    session.run()
    assert seen[0][key] == between.join(map(str, range(count)))
