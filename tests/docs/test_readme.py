"""Every block of code in the README, docs/engine.md and docs/hpack.md: part of an example, or run here; and the figures of speed."""
from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import types

import httpx
import pytest

import fasth2
from tests.docs.readme import BLOCKS, ENGINE, HPACK, README
from tests.support.curl import curl
from tests.support.gunicorn_server import Gunicorn
from tests.support.paths import ROOT, SOURCE

TABLE = ROOT / "tools" / "update_speed_tables.py"
SPEED = (ROOT / "docs" / "speed.md").read_text()


def shell(command):
    """Run a line of the README; return what it printed."""
    words = shlex.split(command)
    changes = dict(word.split("=", 1) for word in words if re.match(r"[A-Z0-9_]+=", word))
    python, *rest = words[len(changes):]
    assert python == "python"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **changes}
    return subprocess.run(
        [sys.executable, *rest], env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def test_each_block_has_a_test():
    assert (README + ENGINE + HPACK).count("\n```") == 2 * len(BLOCKS)
    assert sorted(BLOCKS) == [
        "adaptive windows", "alias", "configuration", "disabled", "engine", "hpack", "limits", "part of examples/client.py",
        "part of examples/h2_calls.py",
        "part of examples/one_call.py", "socket", "status",
    ]


def test_the_README_is_short():
    assert README.count("\n") <= 180


@pytest.mark.parametrize("name", [name for name in BLOCKS if name.startswith("part of ")])
def test_blocks_that_are_parts_of_examples(name):
    text = (ROOT / name.removeprefix("part of ")).read_text()
    assert "\n" + BLOCKS[name] in text
    assert ("\ndef fetch(" if name.endswith("client.py") else "\ndef serve(sock):\n") in BLOCKS[name]


@pytest.mark.parametrize("name", ["status", "disabled"])
def test_commands_print_what_stands_below_them(name):
    command, printed = BLOCKS[name].removeprefix("$ ").split("\n", 1)
    assert shell(command) == printed
    assert fasth2.__version__ in printed


def test_alias():
    assert shell(shlex.join(["python", "-c", BLOCKS["alias"] + "print(h2.connection.__name__)"])) == "fasth2.connection\n"


def test_hpack_alone(capsys):
    """It prints the same on hpack."""
    for block in (BLOCKS["hpack"], BLOCKS["hpack"].replace("from fasth2 import hpack", "import hpack")):
        exec(block, {})
        assert capsys.readouterr().out == "b':method' b'GET'\nb'accept' b'*/*'\nb'x-token' (hidden)\n"


def test_the_engine():
    """What it sends is a response, by h2's client."""
    import h2.connection
    import h2.events

    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")], end_stream=True)
    sent = []
    exec(BLOCKS["engine"], {"received": client.data_to_send(), "sock": types.SimpleNamespace(sendall=sent.append)})
    [block] = sent
    events = client.receive_data(block)
    [response] = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
    assert (b"content-type", b"text/plain") in response.headers
    assert [event.data for event in events if isinstance(event, h2.events.DataReceived)] == [b"Hello\n"]
    assert any(isinstance(event, h2.events.StreamEnded) for event in events)


def test_limits():
    made = {}
    exec(BLOCKS["limits"], made)
    assert made["connection"].config.limits.reset_burst == 200
    assert made["connection"].counters == {}


def test_adaptive_windows():
    made = {}
    exec(BLOCKS["adaptive windows"], made)
    assert made["connection"].config.adaptive_windows == made["windows"]
    assert made["windows"].budget.granted == 0


def test_a_connection_over_a_socket():
    cfg = types.SimpleNamespace(http2_initial_window_size=65535, http2_max_concurrent_streams=100,
                                http2_max_frame_size=16384, http2_max_header_list_size=65536)

    def serve():
        sock, addr = listener.accept()
        with sock:
            exec(BLOCKS["socket"], {"cfg": cfg, "sock": sock, "addr": addr})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with httpx.Client(http1=False, http2=True, trust_env=False) as client:
            answers = [client.get(address) for _ in range(3)]
        thread.join(10)
    assert not thread.is_alive()
    assert [(answer.http_version, answer.text) for answer in answers] == [("HTTP/2", "Hello\n")] * 3


def gunicorn_line():
    """The options of the README's command."""
    line = re.search(r"^    gunicorn (-k .*) --certfile cert.pem --keyfile key.pem hello:app$", README, re.MULTILINE)
    return tuple(shlex.split(line[1]))


@pytest.mark.parametrize("way_in", ["command", "configuration"])
def test_gunicorn(tmp_path, certificate, way_in):
    """The h2 package is not there."""
    config = BLOCKS["configuration"] if way_in == "configuration" else None
    options = () if config else gunicorn_line()
    with Gunicorn(tmp_path, "hello:app", "--chdir", str(ROOT / "examples"), *options, certificate=certificate,
                  config=config, blocked=("h2", "hpack", "hyperframe")) as server:
        assert curl(server) == b"Hello over HTTP/2.0: /\n"
        assert f"HTTP/2 by fasth2 {fasth2.__version__}" in server.log


def test_every_target_of_make_is_there():
    makefile = (ROOT / "Makefile").read_text() + (ROOT / "bench" / "bench.mk").read_text()
    pages = README + SPEED + (ROOT / "CONTRIBUTING.md").read_text() + (ROOT / "bench" / "README.md").read_text()
    named = set(re.findall(r"(?:^ {4}|^|`)(?:\w+=\S+ )?make ([a-z0-9.-]+)", pages, re.MULTILINE))
    assert {"serve", "test", "bench", "bench-e2e", "lint"} <= named
    for target in named:
        assert re.search(rf"^(?:[\w.-]+ )*{re.escape(target)}(?: [\w.-]+)*:", makefile, re.MULTILINE), target


PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md", *sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]


def anchors(page):
    """What a heading is called in a link."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", (ROOT / page).read_text()):
        if not target.startswith("https://"):
            file = (ROOT / page).parent / target if target else ROOT / page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("update_speed_tables", TABLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_replace_those_between_the_markers(table, tmp_path, monkeypatch):
    """Another run's: its numbers are there, the rest of the page is as it was."""
    raw = json.loads(table.RAW.read_text())
    for benchmark in raw["benchmarks"]:
        if benchmark["group"] == "small_get" and benchmark["params"]["contestant"] == "h2":
            benchmark["stats"]["data"] = [value * 1000 for value in benchmark["stats"]["data"]]
    (tmp_path / "raw.json").write_text(json.dumps(raw))
    copy = tmp_path / "speed.md"
    copy.write_text(SPEED)
    monkeypatch.setattr(table, "SPEED", copy)
    table.main([str(tmp_path / "raw.json")])
    text = copy.read_text()
    [row] = re.findall(r"^\| small GET \| .* \|$", text.partition("| fasth2's class")[0], re.MULTILINE)
    assert float(row.split(" | ")[3].rstrip("×")) > 10_000
    assert raw["date"] in text
    outside = re.compile(f"{table.BEGIN}.*{table.END}", re.DOTALL)
    assert outside.sub("", text) == outside.sub("", SPEED)
    table.main([str(tmp_path / "raw.json")])
    assert copy.read_text() == text


@pytest.mark.parametrize("text", ["", "{BEGIN}", "{END}{BEGIN}", "{BEGIN}{BEGIN}{END}"])
def test_markers_must_be_there_once(table, text):
    with pytest.raises(ValueError, match="must be there once, in this order"):
        table.replaced(text.format(BEGIN=table.BEGIN, END=table.END), "new")


def test_the_pages_have_the_figures_of_the_results(table, tmp_path, monkeypatch):
    """What the tool writes of bench/results is what stands there."""
    for name, text in (("SPEED", SPEED), ("README", README)):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(table, name, tmp_path / name)
    table.main([])
    table.main(["--servers"])
    assert (tmp_path / "SPEED").read_text() == SPEED
    assert (tmp_path / "README").read_text() == README
    between = SPEED.partition(table.BEGIN)[2].partition(table.END)[0]
    assert len(re.findall(r"^\| [^|-]+ \|(?: [0-9.e+]+×? \|){2,6}$", between, re.MULTILINE)) > 10


def test_servers_figures_replace_those_between_their_markers(table, tmp_path, monkeypatch):
    """A run in which one server had a row and another failed in it."""
    sample = {"rate": 4321.0, "processor": 5.0, "lost": 0}
    raw = {
        "contestants": {"fasth2": "fasth2", "granian-8": "granian"}, "samples": {"8x10": {"fasth2": [sample]}},
        "errors": {"8x10": {"granian-8": "not answered"}}, "date": "2026-11-26", "commit": "abc", "processor": "some",
        "processors": 2, "python": "3.11.7", "openssl": "OpenSSL", "versions": {"granian": "2.8.7"},
        "worker_class": "fasth2.gunicorn.WSGIWorker", "rounds": 1, "quick": False,
    }
    (tmp_path / "servers.json").write_text(json.dumps(raw))
    links = {"rates": {"fasth2.gunicorn.WSGIWorker": {"20 MB, 50 ms": [2e8, 3.61e7]}, "granian, 8 threads": {}},
             "date": "2026-11-30", "processor": "other", "processors": 4, "python": "3.11.7"}
    (tmp_path / "links.json").write_text(json.dumps(links))
    head, tail = "# head\n", "tail\n"
    pages = {name: tmp_path / name for name in ("SPEED", "README")}
    for name, copy in pages.items():
        copy.write_text(head + table.SERVERS_BEGIN + "old\n" + table.SERVERS_END + tail)
        monkeypatch.setattr(table, name, copy)
    table.main(["--servers", str(tmp_path / "servers.json"), str(tmp_path / "links.json")])
    for copy in pages.values():
        text = copy.read_text()
        assert text.startswith(head + table.SERVERS_BEGIN)
        assert text.endswith(table.SERVERS_END + tail)
        assert "old" not in text
    assert "| 13 bytes, requests/s | 4,321 | fails |\n| upload of 20 MB, 50 ms away, MB/s | 36 |  |\n" in text
    assert "2026-11-26, some × 2, CPython 3.11.7; the upload 2026-11-30, other × 4, CPython 3.11.7." in text
    text = pages["SPEED"].read_text()
    assert re.search(r"^\| 13 bytes, -c 8 -m 10 +\| +requests/s \| +4,321 \| +fails \|$", text, re.MULTILINE)
    assert "granian fails in 8x10: not answered" in text
