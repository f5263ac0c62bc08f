"""`python -m fasth2 run`: programs as Python runs them."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

import fasth2
from tests.support.programs_of_python import RUN, SOURCE, python

#: What a program sees of how it was started.
VIEW = """
import json, os, sys
print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv, "path": sys.path, "name": __name__, "file": globals().get("__file__"),
    "spec": getattr(__spec__, "name", None), "package": __package__, "names": sorted(globals()), "flags": list(sys.flags),
    "warnings": sys.warnoptions, "x": sys._xoptions, "main": sys.modules["__main__"].__dict__ is globals(),
}))
"""

WAYS = {
    "script": ["program.py", "one", "-m", "two"],
    "module": ["-m", "program", "one", "--help"],
    "code": ["-c", VIEW, "-c"],
    "package": ["-m", "package", "--verbose"],
    "module in a package": ["-m", "package.inner"],
    "folder": ["package"],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_sees_what_it_would_see_without_fasth2(way, program):
    folder = program(VIEW)
    (folder / "package").mkdir()
    for name in ("__init__", "__main__", "inner"):
        (folder / "package" / f"{name}.py").write_text(VIEW if name != "__init__" else "")
    plain = python(*WAYS[way], cwd=folder)
    ours = python(*RUN, *WAYS[way], cwd=folder)
    assert json.loads(ours.stdout) == json.loads(plain.stdout)
    assert ours.stderr == plain.stderr == ""


def test_options_of_the_interpreter_are_kept(program):
    options = ["-W", "ignore::ResourceWarning", "-X", "dev", "-O", "-u"]
    folder = program(VIEW)
    plain = python(*options, "program.py", cwd=folder)
    for run in (RUN, ["-mfasth2", "run"]):
        assert json.loads(python(*options, *run, "program.py", cwd=folder).stdout) == json.loads(plain.stdout)


ENDS = {
    "a number": "import sys; sys.exit(3)",
    "a text": "import sys; sys.exit('no more')",
    "an exception": "def f():\n    raise ValueError('no')\nf()",
    "an error of syntax": "def",
    "at once": "import os; os._exit(7)",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "late": "import atexit, sys\natexit.register(lambda: print(__name__, sys.modules['__main__'].__name__, ENV))\nENV = 1",
    "an interrupt": "raise KeyboardInterrupt",
}


@pytest.mark.parametrize("way", ["script", "module"])
@pytest.mark.parametrize("end", ENDS)
def test_a_program_ends_as_without_fasth2(end, way, program):
    folder = program(ENDS[end])
    arguments = ["program.py"] if way == "script" else ["-m", "program"]
    plain, ours = python(*arguments, cwd=folder), python(*RUN, *arguments, cwd=folder)
    assert (ours.returncode, ours.stdout, ours.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    if end == "a signal" and os.name == "posix":
        assert ours.returncode == -signal.SIGTERM


@pytest.mark.parametrize("arguments", [["-m", "no_such_module"], ["no_such_script.py"], ["-m", "json"], ["-c", "1/0"]])
def test_what_cannot_be_run_says_so_as_python_does(arguments, tmp_path):
    plain, ours = python(*arguments, cwd=tmp_path), python(*RUN, *arguments, cwd=tmp_path)
    assert plain.returncode != 0
    assert (ours.returncode, ours.stderr) == (plain.returncode, plain.stderr)


@pytest.mark.skipif(os.name != "posix", reason="other systems start a second process")
def test_the_program_has_the_process():
    running = subprocess.Popen([sys.executable, *RUN, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE,
                               text=True)
    assert int(running.communicate(timeout=60)[0]) == running.pid


def test_each_process_says_whether_it_took_effect(program):
    folder = program("import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)")
    lines = python(*RUN, "--verbose", "program.py", cwd=folder).stderr.splitlines()
    assert len(lines) == 2
    assert len({line.split(":")[1] for line in lines}) == 2
    assert all(line.endswith(f": h2 and hpack are fasth2 {fasth2.__version__}") for line in lines)


def test_the_path_of_the_user_stays(tmp_path):
    there = os.pathsep.join([str(tmp_path), "relative", ""])
    code = "import os, sys; print(os.environ['PYTHONPATH'].split(os.pathsep)[1:], sys.path)"
    plain = python("-c", "import sys; print(sys.path)", PYTHONPATH=there, cwd=tmp_path)
    ours = python(*RUN, "-c", code, PYTHONPATH=there, cwd=tmp_path)
    assert ours.stdout == f"{there.split(os.pathsep)} {plain.stdout}"


def test_one_in_another_adds_nothing():
    code = "import os; print(os.environ['PYTHONPATH'])"
    once = python(*RUN, "-c", code)
    twice = python(*RUN, *RUN, "-c", code)
    assert once.stdout == twice.stdout != ""


def test_switched_off():
    ended = python(*RUN, "-c", "import h2.connection, os; print(h2.connection.__name__, 'FASTH2_RUN' in os.environ)",
                   FASTH2_DISABLE="1")
    assert ended.stdout == "h2.connection False\n"
    assert ended.stderr == "fasth2: the program runs on h2: FASTH2_DISABLE=1\n"


@pytest.mark.parametrize("option", ["-E", "-I", "-S"])
def test_options_that_keep_it_from_working_are_refused(option):
    start = f"import sys; sys.path.append({str(SOURCE)!r}); from fasth2.__main__ import main; sys.exit(main(sys.argv[1:]))"
    ended = python(option, "-c", start, "run", "-c", "print(1)")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "-E, -I and -S" in ended.stderr


@pytest.mark.parametrize("arguments", [[], ["-m"], ["-c"], ["--loud", "x.py"], ["--verbose"]])
def test_usage(arguments):
    ended = python(*RUN, *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: python -m fasth2 run ")


def test_help():
    ended = python(*RUN, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "--verbose" in ended.stdout
    assert "\n    run " in python("-m", "fasth2", "--help").stdout


def test_h2_that_a_pth_file_imports_is_an_error(bare):
    executable, packages = bare
    (packages / "h2").mkdir()
    (packages / "h2" / "__init__.py").write_text("")
    (packages / "fasth2.pth").write_text(f"{SOURCE}\nimport h2\n")
    ended = python(*RUN, "-c", "print(1)", executable=executable)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "h2 is imported from" in ended.stderr
    assert ".pth" in ended.stderr
