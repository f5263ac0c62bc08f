"""A gunicorn whose methods are not those that the worker classes override is served by its own."""
import pytest
from gunicorn.http2 import connection as gunicorn_connection

from fasth2.gunicorn import gevent, gthread
from fasth2.gunicorn.dropin.source_digest import digest, incompatible_overrides, matches, restore
from tests.support.tls_client import Client

CHANGED = """
from gunicorn.workers import {module}
plain = {module}.{cls}.{method}
{module}.{cls}.{method} = lambda self, *args, surprise=None: plain(self, *args)
"""


@pytest.mark.parametrize("cls", [gthread, gevent])
def test_all_overrides_fit_this_gunicorn(cls):
    for _, names in cls.overrides:
        assert incompatible_overrides(cls, cls.stock, names) == []


def test_methods_that_do_not_fit_are_named_and_given_back():
    class Base:
        def one(self, a): return "base"
        def two(self, a, b): return "base"

    class Own(Base):
        def one(self, a): return "own"
        def two(self, a): return "own"
        def three(self): return "own"

    assert incompatible_overrides(Own, Base, ["one"]) == []
    assert incompatible_overrides(Own, Base, ["one", "two", "three"]) == ["two", "three"]
    restore(Own, Base, ["one", "two", "three"])
    assert (Own().one(1), Own().two(1, 2)) == ("base", "base")
    assert not hasattr(Own, "three")


def test_code_is_known_by_its_text():
    def function(): return 1
    assert matches([function], "0" * 16, digest([function]))
    assert not matches([function], digest([digest]))
    # Without source nothing is known.
    assert not matches([len], digest([len]) or "0" * 16)


@pytest.mark.parametrize(("worker", "module", "cls", "method", "purpose"), [
    ("gthread", "gthread", "ThreadWorker", "handle_http2_request", "whole responses"),
    ("gthread", "gthread", "ThreadWorker", "finish_request", "idle connections"),
    ("gevent", "ggevent", "GeventWorker", "handle_http2_request", "whole responses"),
    ("gevent", "ggevent", "GeventWorker", "handle_http2", "connections"),
])
def test_a_mismatch_falls_back_with_one_line_in_the_log(start, worker, module, cls, method, purpose):
    server = start("-k", f"fasth2.gunicorn.{worker}", config=CHANGED.format(module=module, cls=cls, method=method))
    with Client(server) as client:
        for stream_id in (1, 3):
            client.request(stream_id, "/hello")
            assert client.read(client.ended(stream_id))
            assert client.body(stream_id) == b"Hello, world!"
    assert server.log.count(f"fasth2 leaves {purpose} to gunicorn") == 1
    assert method in server.log
    assert "Error handling" not in server.log


def test_this_process_still_has_gunicorns_class():
    assert gunicorn_connection.HTTP2ServerConnection.__module__ == "gunicorn.http2.connection"
