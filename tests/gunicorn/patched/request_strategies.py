"""Requests, configurations and peers for the tests of what is remembered of them."""
from __future__ import annotations

import types

from gunicorn.config import Config
from hypothesis import strategies as st

from fasth2.gunicorn.dropin.connection import HTTP2ServerConnection

SETTINGS = [
    {},
    {"header_map": "dangerous"},
    {"header_map": "refuse"},
    {"forwarder_headers": "x_real,SCRIPT_NAME", "forwarded_allow_ips": "10.0.0.0/8"},
    {"forwarder_headers": "*"},
    {"limit_request_line": 12, "limit_request_fields": 3, "limit_request_field_size": 40},
    {"secure_scheme_headers": {"X-SECURE": "on"}, "forwarded_allow_ips": "*"},
    {"certfile": "cert.pem", "limit_request_fields": 0, "limit_request_field_size": 0, "limit_request_line": 0},
]
PEERS = [("127.0.0.1", 1), ("10.1.2.3", 2), ("192.0.2.1", 3), "", None, ("not an address", 4)]

names = st.sampled_from([
    "host", "expect", "content-type", "content-length", "x-forwarded-proto", "x-forwarded-ssl", "x-forwarded-protocol",
    "x-secure", "x_real", "x-real", "script_name", "cookie", "authorization", "accept", "user-agent", "te", "x",
]) | st.text("abcxyz-_.!", min_size=1, max_size=12)
values = st.sampled_from([
    "", "https", "http", "on", "ssl", "100-continue", "100-Continue ", "text/plain", "5", "a\tb", "\x7f", "\x01", "é", "\x80",
    "a\u2028b", "v" * 300, " padded ", "localhost",
]) | st.text(max_size=20)
paths = st.sampled_from([
    "/", "/a?b", "/a?b?c#d", "//a/b", "//[/x", "*", "", "http://h/p?q", "/a#b", "/%41%zz", "/a b", "/é?ü", "/a\tb", "/?",
    "/a;b?", "x:y", "/x:y", "/[", " /", "/a\x1f", "/\u2100",
]) | st.text("/?#%:;[]@ab \t", max_size=20).map(lambda text: "/" + text) | st.text(max_size=12)
pseudo = st.fixed_dictionaries({
    ":method": st.sampled_from(["GET", "POST", "PUT", "get", "M-SEARCH", "A B", "", "CONNECT"]),
    ":path": paths,
}, optional={
    ":scheme": st.sampled_from(["https", "http", "ftp", ""]),
    ":authority": st.sampled_from(["localhost", "h:8", "", "é"]),
})
fields = st.lists(st.tuples(names, values), max_size=6)


def configuration(number):
    cfg = Config()
    for name, value in SETTINGS[number].items():
        cfg.set(name, value)
    return cfg


CONFIGURATIONS = [configuration(number) for number in range(len(SETTINGS))]


def stream_of(all_fields):
    connection = types.SimpleNamespace(initial_window_size=65535, is_closed=False)
    stream = HTTP2ServerConnection.stream_class(7, connection)
    stream.receive_headers(list(all_fields))
    stream.update_priority(42, 5)
    return stream
