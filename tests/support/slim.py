"""What ``ready_requests`` must return for given h2 events."""
from __future__ import annotations

from typing import Any

from fasth2.server.request import MEANINGLESS_TRAILERS

REQUEST, DATA, TRAILERS, RESET, GOAWAY, PRIORITY = range(6)


def expected_slim(events: list[Any]) -> list[tuple[Any, ...]]:
    """The slim objects that stand for events, as tuples."""
    found: list[tuple[Any, ...]] = []
    inside = {id(event.priority_updated) for event in events
              if getattr(event, "priority_updated", None) is not None}
    for event in events:
        kind = type(event).__name__
        if kind == "RequestReceived":
            updated = event.priority_updated
            priority = None if updated is None else (updated.weight, updated.depends_on, updated.exclusive)
            found.append((REQUEST, event.stream_id, cookie_last(event.headers), event.stream_ended is not None, priority))
        elif kind == "DataReceived":
            found.append((DATA, event.stream_id, event.data, event.flow_controlled_length,
                          event.stream_ended is not None))
        elif kind == "TrailersReceived":
            found.append((TRAILERS, event.stream_id, meaningful(event.headers)))
        elif kind == "StreamReset":
            found.append((RESET, event.stream_id, int(event.error_code), event.remote_reset))
        elif kind == "ConnectionTerminated":
            found.append((GOAWAY, int(event.error_code), event.last_stream_id, event.additional_data or b""))
        elif kind == "PriorityUpdated" and id(event) not in inside:
            found.append((PRIORITY, event.stream_id, event.weight, event.depends_on, event.exclusive))
    return joined(found)


def slim_facts(objects: list[Any]) -> list[tuple[Any, ...]]:
    """Slim objects as tuples of their attributes."""
    names = {
        REQUEST: ("stream_id", "headers", "end_stream", "priority"),
        DATA: ("stream_id", "data", "flow_controlled_length", "end_stream"),
        TRAILERS: ("stream_id", "headers"),
        RESET: ("stream_id", "error_code", "remote"),
        GOAWAY: ("error_code", "last_stream_id", "additional_data"),
        PRIORITY: ("stream_id", "weight", "depends_on", "exclusive"),
    }
    return joined([(one.kind, *(cookie_last(getattr(one, name)) if name == "headers" else getattr(one, name)
                                for name in names[one.kind])) for one in objects])


def joined(facts: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """DATA that follows DATA of the same stream as one, since ``ready_requests`` may give it as one."""
    result: list[tuple[Any, ...]] = []
    for fact in facts:
        if fact[0] == DATA and result and result[-1][:2] == fact[:2]:
            _, stream_id, data, length, _ = result.pop()
            fact = (DATA, stream_id, data + fact[2], length + fact[3], fact[4])
        result.append(fact)
    return result


def meaningful(headers: list[Any]) -> list[tuple[Any, Any]]:
    """The trailers that ``ready_requests`` gives: those that RFC 9110 section 6.5.1 lets say something there."""
    return [(name, value) for name, value in headers
            if (name if isinstance(name, str) else name.decode("latin-1")) not in MEANINGLESS_TRAILERS]


def cookie_last(headers: list[Any]) -> list[tuple[Any, Any]]:
    """Plain pairs; h2 moves the cookie field to the end, ``ready_requests`` leaves a single one in its place."""
    pairs = [tuple(header) for header in headers]
    return [pair for pair in pairs if pair[0] not in (b"cookie", "cookie")] + [
        pair for pair in pairs if pair[0] in (b"cookie", "cookie")]
