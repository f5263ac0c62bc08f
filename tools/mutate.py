"""Show that the tests would notice a wrong engine: change one line of a module, build it, run the tests, expect a failure.

    python tools/mutate.py            every mutation
    python tools/mutate.py _headers   those of one module
    python tools/mutate.py --list

Works on a copy of the tree in a temporary directory. Each mutation names the
text it replaces, which must occur exactly once. The exit code is 0 when every
mutation was noticed, 1 when one survived, 2 when one could not be made.
"""
from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ("tests/engine/rfc9113", "tests/engine/limits", "tests/engine/extensions", "tests/engine/surface/test_events.py", "tests/oracle")


@dataclass(frozen=True)
class Mutation:
    """One wrong line: ``old`` becomes ``new`` in ``src/fasth2/<module>``."""

    module: str
    what: str
    old: str
    new: str


MUTATIONS = (
    Mutation("_window.pxd", "the receive window allows one octet too many",
             "return w.current >= 0", "return w.current >= -1"),
    Mutation("_ratelimit.pxd", "a bucket fills beyond its burst",
             "                b.tokens = b.burst\n", "                b.tokens = 2 * b.burst\n"),
    Mutation("_frames.pyx", "padding as long as the payload passes",
             "    if pad >= h.length:\n        return LAYOUT_PADDING", "    if pad > h.length:\n        return LAYOUT_PADDING"),
    Mutation("_engine/errors.pyx", "a broken field block is a PROTOCOL_ERROR",
             'FAULT_COMPRESSION: ("compression", "connection", ErrorCodes.COMPRESSION_ERROR',
             'FAULT_COMPRESSION: ("compression", "connection", ErrorCodes.PROTOCOL_ERROR'),
    Mutation("_engine/settings.pyx", "SETTINGS_MAX_FRAME_SIZE may be 2**24",
             "return 0 if 16384 <= value <= 16777215 else 1", "return 0 if 16384 <= value <= 16777216 else 1"),
    Mutation("_engine/headers.pyx", "connection-specific fields are accepted",
             "cdef uint32_t BAD_FIELD = (F_BAD_NAME | F_EMPTY_NAME | F_UNKNOWN_PSEUDO | F_CONNECTION | F_BAD_VALUE",
             "cdef uint32_t BAD_FIELD = (F_BAD_NAME | F_EMPTY_NAME | F_UNKNOWN_PSEUDO | F_BAD_VALUE"),
    Mutation("_engine/headers.pyx", "a request needs no :method",
             "    if not seen & BIT_METHOD:\n        return FAULT_METHOD_MISSING", "    if not seen:\n        return FAULT_METHOD_MISSING"),
    Mutation("_engine/stream_table.pyx", "closing the gap of a removed stream loses others",
             "if ((j - home) & self.mask) >= ((j - i) & self.mask):",
             "if ((j - home) & self.mask) > ((j - i) & self.mask):"),
    Mutation("_engine/limits.pyx", "L9 counts streams once instead of twice",
             "l.window_updates + 2 * (l.streams_opened + 10 * l.data_sent)",
             "l.window_updates + 2 * (l.streams_opened // 2 + 10 * l.data_sent)"),
    Mutation("_engine/core.pyx", "a stream that ends unanswered still counts as open",
             "count_open(&self.ids, s.id, -1)", "count_open(&self.ids, s.id, -s.headers_sent)"),
    Mutation("_engine/receive_data.pyx", "padding is not flow-controlled",
             "    if not window_consume(&s.window, h.length):", "    if not window_consume(&s.window, body.length):"),
    Mutation("_engine/receive_data.pyx", "content shorter than its length passes",
             "(s.received > s.expected or (ends and s.received != s.expected))", "s.received > s.expected"),
    Mutation("_engine/send.pyx", "padding is not taken off the send window",
             "    c.out_window -= size\n    s.out_window -= size\n", "    c.out_window -= n\n    s.out_window -= n\n"),
    Mutation("_engine/send.pyx", "interim responses may follow the final one",
             '            raise ProtocolError("Information response after final response")\n', "            pass\n"),
    Mutation("_engine/flow_control.pyx", "a window may pass 2**31 - 1",
             "    if not window_open(&c.window if s is None else &s.window, size):\n",
             "    if not window_open(&c.window if s is None else &s.window, size) and size < 0:\n"),
    Mutation("_engine/events.pyx", "an event forgets its flow-controlled length",
             "        self.flow_controlled_length = flow_controlled_length\n", "        self.flow_controlled_length = len(data)\n"),
)


def only(text: str, old: str) -> bool:
    """Whether the text to replace is there exactly once."""
    return text.count(old) == 1


def copy_tree(where: Path) -> None:
    """The sources with what is built of them, so that only what changes is built again."""
    names = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src", "tests", "docs", "build")
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, where / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, where / name)


def run(command: list[str], where: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the copy."""
    return subprocess.run(command, cwd=where, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def build(where: Path) -> None:
    """Builds what is out of date."""
    done = run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], where)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])


def first_failure(where: Path) -> str | None:
    """The first test that fails, or None when all pass."""
    done = run([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *TESTS], where,
               PYTHONPATH="src", FASTH2_QUICK_FAILURES="1")
    if done.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if found is None:
        # Collection failed or the interpreter died: noticed, too.
        return f"pytest ended with {done.returncode}: {(done.stdout + done.stderr).strip().splitlines()[-1]}"
    return found.group(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", nargs="?", help="part of a module's name")
    parser.add_argument("--list", action="store_true", help="only list the mutations")
    options = parser.parse_args()
    chosen = [one for one in MUTATIONS if options.module is None or options.module in one.module]
    if options.list:
        for one in chosen:
            print(f"{one.module:20} {one.what}")
        return 0
    with tempfile.TemporaryDirectory(prefix="fasth2-mutations-") as directory:
        where = Path(directory)
        copy_tree(where)
        build(where)
        unchanged = first_failure(where)
        if unchanged is not None:
            print(f"the tests fail without any mutation: {unchanged}")
            return 2
        worst = 0
        for one in chosen:
            path = where / "src" / "fasth2" / one.module
            text = path.read_text()
            if not only(text, one.old):
                print(f"{one.module:20} {one.what}: text found {text.count(one.old)} times")
                worst = 2
                continue
            start = time.monotonic()
            path.write_text(text.replace(one.old, one.new))
            try:
                build(where)
                failure = first_failure(where)
            except RuntimeError as error:
                print(f"{one.module:20} {one.what}: does not compile: {error}")
                worst = 2
                continue
            finally:
                path.write_text(text)
            verdict = f"noticed by {failure}" if failure else "SURVIVED"
            print(f"{one.module:20} {one.what}: {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
            if failure is None:
                worst = max(worst, 1)
        return worst


if __name__ == "__main__":
    sys.exit(main())
