"""fasth2's request class against gunicorn's own: the same requests refused, the same attributes."""

import pytest
from gunicorn.http2 import request as stock
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fasth2.gunicorn.dropin import request as ours
from fasth2.gunicorn.dropin.connection import HTTP2ServerConnection
from tests.gunicorn.patched.request_strategies import CONFIGURATIONS, PEERS, SETTINGS, fields, pseudo, stream_of

pytestmark = pytest.mark.skipif(not HTTP2ServerConnection.contract.dispatches_on_headers,
                                reason="this gunicorn's requests are gunicorn's own")

ATTRIBUTES = (
    "method", "scheme", "uri", "path", "query", "fragment", "headers", "version", "must_close", "req_number",
    "proxy_protocol_info", "priority_weight", "priority_depends_on", "peer_addr", "remote_addr", "trailers",
    "content_length", "content_type", "_authority", "_expected_100_continue",
)

def outcome(make, all_fields):
    stream = stream_of(all_fields)
    try:
        request = make(stream)
    except Exception as exc:
        return type(exc), str(exc)
    return [getattr(request, name) for name in ATTRIBUTES], stream.expect_continue, request.should_close()


def compare(number, peer, head, rest):
    cfg = CONFIGURATIONS[number]
    all_fields = [*head.items(), *rest]
    wanted = outcome(lambda stream: stock.HTTP2Request(stream, cfg, peer), all_fields)
    policy = ours.policy_of(cfg, peer)
    for _ in range(2):  # judged, and from memory
        assert outcome(lambda stream: ours.HTTP2Request(stream, cfg, peer, policy), all_fields) == wanted
    return policy


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(SETTINGS) - 1), st.sampled_from(PEERS), pseudo, fields)
@example(0, PEERS[0], {":method": "POST", ":path": "/"}, [("content-type", "a"), ("content-type", "a")])
@example(6, PEERS[2], {":method": "GET", ":path": "/"}, [("x-secure", "on"), ("x-secure", "off")])
@example(0, PEERS[2], {":method": "GET", ":path": "/", ":scheme": "ftp"}, [("x-forwarded-proto", "https")])
def test_the_same_as_gunicorns(number, peer, head, rest):
    compare(number, peer, head, rest)


@pytest.mark.skipif(not ours._known, reason="this gunicorn's policy is not remembered")
def test_ordinary_requests_come_from_memory(monkeypatch):
    """Or nothing above would show anything."""
    monkeypatch.setattr(ours.gunicorn_request.HTTP2Request, "__init__", lambda *_: pytest.fail("gunicorn's was asked"))
    cfg = CONFIGURATIONS[0]
    policy = ours.policy_of(cfg, PEERS[0])
    for _ in range(2):
        request = ours.HTTP2Request(stream_of([
            (":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/a?b"),
            ("user-agent", "x"), ("cookie", "secret=1"), ("content-type", "a"), ("x-forwarded-proto", "https"),
        ]), cfg, PEERS[0], policy)
        assert request.scheme == "https"
        assert request.headers[-1] == ("HOST", "localhost")
    assert ("user-agent", "x") in policy.fields


@pytest.mark.skipif(not ours._known, reason="this gunicorn's policy is not remembered")
def test_secrets_and_long_fields_are_not_remembered():
    policy = compare(0, PEERS[0], {":method": "GET", ":path": "/"}, [
        ("cookie", "secret=1"), ("authorization", "Basic x"), ("x-long", "v" * 300), ("x" * 300, ""), ("accept", "y")])
    assert ("accept", "y") in policy.fields
    assert not {"cookie", "authorization", "x-long", "x" * 300} & {name for name, _ in policy.fields}


@pytest.mark.skipif(not ours._known, reason="this gunicorn's policy is not remembered")
def test_the_memory_is_bounded():
    cfg = CONFIGURATIONS[0]
    policy = ours.policy_of(cfg, PEERS[0])
    for number in range(5000):
        ours.HTTP2Request(stream_of([(":method", "GET"), (":path", "/"), ("x", str(number))]), cfg, PEERS[0], policy)
    assert len(policy.fields) <= 2048


def test_another_policy_of_gunicorn_is_not_remembered(monkeypatch):
    monkeypatch.setattr(ours, "_known", False)
    assert ours.policy_of(CONFIGURATIONS[0], PEERS[0]) is None
