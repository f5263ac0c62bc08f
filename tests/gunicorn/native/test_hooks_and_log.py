"""gunicorn's hooks, access log and statsd: the same as gthread's, for the same requests."""
import json
import re
import socket

import h2.events
import pytest

from tests.gunicorn.native.asking import ask
from tests.support.tls_client import Client

APP = "tests.gunicorn.native.settings_application:app"
GTHREAD = ("-k", "gthread", "--http-protocols", "h2,h1")

HOOKS = '''
import json

def note(kind, **values):
    with open("hooks", "a") as file:
        file.write(json.dumps([kind, values]) + "\\\\n")

def described(req):
    names = ("method", "uri", "path", "query", "fragment", "version", "scheme", "headers", "trailers", "must_close",
             "proxy_protocol_info", "priority_weight", "priority_depends_on", "content_length", "content_type",
             "req_number")
    found = {name: getattr(req, name) for name in names}
    found["headers"] = sorted(found["headers"])
    return {**found, "should_close": req.should_close(), "host": req.get_header("host"), "peer": req.peer_addr[0],
            "remote": req.remote_addr[0]}

def pre_request(worker, req):
    # Whether they are here already is a matter of chance.
    note("pre_request", request={**described(req), "trailers": None}, worker=worker.pid > 0, alive=worker.alive)

def post_request(worker, req, environ, resp):
    names = ("status", "status_code", "sent", "response_length", "chunked", "must_close", "headers_sent", "upgrade",
             "version")
    found = {name: getattr(resp, name) for name in names}
    fields = sorted([name.lower(), value] for name, value in resp.headers if name != "X-Pid" and name != "x-pid")
    note("post_request", request=described(req), **found, fields=fields,
         is_chunked=resp.is_chunked(), path_info=environ["PATH_INFO"], server=environ["SERVER_NAME"])

def post_worker_init(worker):
    note("post_worker_init", threads=worker.cfg.threads)

def worker_exit(server, worker):
    note("worker_exit")

def worker_int(worker):
    note("worker_int")
'''

ATOMS = ("h", "l", "u", "r", "s", "m", "U", "q", "H", "b", "B", "f", "a", "{host}i", "{x-field}i", "{content-type}o",
         "{content-length}o", "{wsgi.url_scheme}e", "{REQUEST_METHOD}e", "{x-missing}i", "{SERVER_PROTOCOL}e")
TIMES = {"t": r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]", "T": r"\d", "D": r"\d{1,6}", "M": r"\d{1,3}",
         "L": r"0\.\d{6}", "p": r"<\d+>"}


def requests(server):
    """Requests of each kind, one after another."""
    with Client(server) as client:
        ask(client, "/plain?a=b", headers=[("x-field", "1"), ("user-agent", "a \"quoted\" one"), ("referer", "http://r/")])
        ask(client, "/no-length", "POST", [("content-type", "text/x"), ("content-length", "4")], b"body")
        ask(client, "/head%20er", "HEAD", [("authorization", "Basic dXNlcjpwYXNz"), ("cookie", "a=b")])
        client.request(7, "/trailers", "POST", end_stream=False)
        client.data(7, b"body")
        client.conn.send_headers(7, [("x-sum", "abc")], end_stream=True)
        client.flush()
        client.read(client.ended(7))
        client.found(h2.events.ResponseReceived)


@pytest.fixture
def both(start):
    """Start gthread and the worker, let the same requests go to each, and stop them; returns the servers."""
    def both(*options, **kwargs):
        servers = []
        for worker in (GTHREAD, ("-k", "fasth2.gunicorn.WSGIWorker")):
            server = start(APP, *options, "--threads", "4", worker=worker, **kwargs)
            requests(server)
            server.terminate()
            server.process.wait(20)
            servers.append(server)
        return servers

    return both


def test_hooks_see_the_same(both):
    seen = []
    for server in both(config=HOOKS.replace('"hooks"', '__file__.replace("conf.py", "hooks")').replace("\\\\", "\\")):
        lines = (server.log_file.parent / "hooks").read_text().splitlines()
        seen.append([json.loads(line) for line in lines])
    theirs, ours = seen
    assert ours[-1][0] == "worker_exit"
    # A client that has its answer may be faster than the hook after it, on a busy machine.
    for entries in seen:
        assert [kind for kind, _ in entries if kind != "post_request"] == [
            "post_worker_init", *["pre_request"] * 4, "worker_exit"]
        entries.sort(key=lambda entry: entry[0])
    assert [kind for kind, _ in ours] == [kind for kind, _ in theirs] and len(ours) == 10
    for (kind, wanted), (_, found) in zip(theirs, ours):
        for values in (wanted, found):
            # The bodies have process numbers and ports in them.
            for name in ("sent", "response_length"):
                if values.get(name):
                    values[name] = "some"
            values["fields"] = [pair for pair in values.get("fields", ()) if pair[0] != "content-length"]
        assert found == wanted, kind


def test_the_access_log_has_the_same_lines(both):
    line = " | ".join(f"{atom}=%({atom})s" for atom in ATOMS)
    config = f"accesslog = '-'\naccess_log_format = {'LINE ' + line!r}\n"
    theirs, ours = ([re.sub(r"(=)\d{3,}", r"\1N", re.sub(r":\d{4,5}\b", ":PORT", found))
                     for found in re.findall("^LINE .*", server.log, re.M)] for server in both(config=config))
    assert len(ours) == 4
    # The octets of a body are not the same: it has ports and times.
    assert [re.sub(r"(length}o|b|B)=\S+", "", found) for found in ours] == [
        re.sub(r"(length}o|b|B)=\S+", "", found) for found in theirs]
    assert re.search(r"\| b=N \| B=N", ours[0])
    assert "u=user " in ours[2]


def test_times_in_the_access_log(start):
    line = "TIMES " + " | ".join(f"%({atom})s" for atom in TIMES)
    server = start(APP, config=f"accesslog = '-'\naccess_log_format = {line!r}\n")
    with Client(server) as client:
        ask(client, "/slow?0.12")
    server.stop()
    [found] = re.findall("^TIMES (.*)", server.log, re.M)
    assert re.fullmatch(r" \| ".join(TIMES.values()), found), found
    assert int(found.split(" | ")[2]) >= 120_000


def test_statsd_counts_each_request(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        server = start(APP, "--statsd-host", f"127.0.0.1:{sock.getsockname()[1]}", "--statsd-prefix", "pre")
        with Client(server) as client:
            ask(client, "/plain")
            ask(client, "/fail")
        seen = []
        while not any("gunicorn.request.status.500" in each for each in seen):
            seen.append(sock.recv(4096).decode())
        assert "pre.gunicorn.requests:1|c|@1.0" in seen
        assert "pre.gunicorn.request.status.200:1|c|@1.0" in seen
        assert any(re.fullmatch(r"pre\.gunicorn\.request\.duration:[\d.]+\|ms", each) for each in seen)


def test_a_hook_that_fails(start):
    """pre_request's error is the request's; post_request's, a line in the log."""
    config = "def pre_request(worker, req):\n    if req.path == '/before':\n        raise ValueError('on purpose')\n"
    config += "def post_request(worker, req, environ, resp):\n    if req.path == '/after':\n        raise ValueError('late')\n"
    server = start(APP, config=config)
    with Client(server) as client:
        assert ask(client, "/before")[0] == "500"
        assert ask(client, "/after")[0] == "200"
        assert ask(client, "/plain")[0] == "200"
    server.stop()
    assert "Exception in post_request hook" in server.log
    assert "ValueError: on purpose" in server.log
