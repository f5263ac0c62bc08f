"""The compiled maker of environments against the rules as `HeaderPolicy` states them: the same environment or refusal."""
import itertools

import pytest
from gunicorn.config import Config

from fasth2.gunicorn.header_policy import Refused
from fasth2.gunicorn.native.environments import Environments
from fasth2.wsgi.dispatcher import Dispatcher
from fasth2.wsgi.environ import DECLINE, EnvironMaker, FieldRule
from fasth2.wsgi.leader import Leadership, Slot
from fasth2.wsgi.session import Session
from tests.support import frames
from tests.support.fields import request
from tests.support.wsgi_protocol import protocol

POLICIES = [
    {},
    {"header_map": "dangerous"},
    {"header_map": "refuse"},
    {"forwarder_headers": "X_REAL,SCRIPT_NAME"},
    {"forwarder_headers": "*"},
    {"secure_scheme_headers": {"X-SECURE": "on", "CONTENT-TYPE": "a"}},
    {"limit_request_line": 12, "limit_request_fields": 2, "limit_request_field_size": 40},
    {"limit_request_line": 0, "limit_request_fields": 0, "limit_request_field_size": 0, "certfile": "cert.pem"},
]

FIELDS = [
    ("host", "other.example"), ("content-type", "a"), ("content-length", "0"), ("expect", "x"), ("te", "trailers"),
    ("x-forwarded-proto", "https"), ("x-forwarded-proto", "http"), ("x-forwarded-ssl", "on"), ("x-secure", "on"),
    ("x-secure", "off"), ("x_real", "1"), ("x-real", "2"), ("script_name", "/app"), ("script-name", "/no"), ("version", "9"),
    ("cookie", "a=1"), ("cookie", "b=2"), ("accept", "v" * 35), ("x-tab", "a\tb"), ("x-empty", ""), ("x-latin", b"\xe9"),
    ("x-control", "a\x01b"), ("path-info", "/no"), ("request-method", "NO"), ("wsgi.input", "no"),
]

LISTS = [(), *((one,) for one in FIELDS), *itertools.product(FIELDS, repeat=2)]

PSEUDO = [
    {"path": "/app/"}, {"path": "/"}, {"path": "/app/", "method": "POST"}, {"path": "/app", "scheme": "http"},
    {"path": "/app/a%20b?c=d"}, {"path": "/app?" + "x" * 20}, {"path": "/a%zz"},
    {"path": "*", "method": "OPTIONS"}, {"path": "/app/", "authority": None}, {"path": "/app/", "authority": "[::1]:8"},
]

ADDRESS = ("192.0.2.1", 50000)

#: What is an object of its own for each request.
OBJECTS = ("wsgi.input", "wsgi.early_hints", "gunicorn.http2.send_trailers", "wsgi.ext.http.send_trailers",
           "gunicorn.socket")


class Server:
    """Connections whose requests are made into environments by one maker, and what became of the last request.

    Args:
        maker: The maker.
        fallback: Called with the fields that it leaves.
    """

    def __init__(self, maker, fallback):
        self._fallback = fallback
        self.outcome = None
        leadership = Leadership(lambda: None)
        leadership.acquire(Slot())
        self._dispatcher = Dispatcher(self._application, leadership, lambda: None, lambda call, error: None, timeout=20.0)
        self._maker = maker
        self._stream_id = 2**31
        self.loop = self

    def _application(self, environ, start_response):
        self.outcome = {key: value for key, value in environ.items() if key not in OBJECTS}
        start_response("200 OK", [])
        return []

    def _decline(self, client, pairs, over=""):
        self.outcome = self._fallback(pairs)
        return None, (400, "Bad Request", "")

    def postpone(self, client, first=False):
        """As the loop."""

    def answer(self, fields, pseudo):
        """What becomes of a request: the environment, what the fallback returned, or ``None`` for a stream error."""
        if self._stream_id > 150:
            # As few as limits allow of those that are refused.
            self._session = Session(protocol(), self._dispatcher, self._maker, self._decline, self)
            self._session.connection.initiate_connection()
            self._session.feed(frames.PREFACE + bytes(frames.settings()) + bytes(frames.settings_ack()))
            self._stream_id = -1
        self._stream_id += 2
        self.outcome = None
        self._session.feed(bytes(request(self._stream_id, *fields, **pseudo)))
        self._session.run()
        while self._session.pull(65536):
            pass
        return self.outcome


def stated(environments, pairs):
    """The environment by the rules, without the compiled maker."""
    try:
        environ = environments.environ(pairs, ADDRESS, None)
    except Refused as exc:
        return exc.code, str(exc)
    return {key: value for key, value in environ.items() if key not in OBJECTS}


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("number", range(len(POLICIES)))
@pytest.mark.parametrize("script_name", ["", "/app"])
def test_the_compiled_maker_obeys_the_stated_rules(monkeypatch, number, trusted, script_name):
    monkeypatch.setenv("SCRIPT_NAME", script_name)
    cfg = Config()
    for name, value in POLICIES[number].items():
        cfg.set(name, value)
    environments = Environments(cfg, trusted, ("127.0.0.1", 8000), 2, False)
    left = []
    ours = Server(environments.maker(ADDRESS, None), lambda pairs: left.append(pairs) or stated(environments, pairs))
    declining = EnvironMaker({}, {}, lambda name: FieldRule("", DECLINE), {}, decline_all=True)
    rules = Server(declining, lambda pairs: stated(environments, pairs))
    table = [*((fields, PSEUDO[0]) for fields in LISTS), *itertools.product(LISTS[:len(FIELDS) + 1], PSEUDO)]
    made = 0
    for fields, pseudo in table:
        count = len(left)
        expected = rules.answer(fields, pseudo)
        assert ours.answer(fields, pseudo) == expected, (fields, pseudo)
        made += len(left) == count and expected is not None
    # Or the rules would have been compared with themselves.
    assert made > 50
