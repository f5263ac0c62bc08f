"""What `python -m fasth2 run` puts on PYTHONPATH, in the program and in every Python that it starts."""
from __future__ import annotations

import os
import shutil

import pytest

import fasth2
from tests.support.programs_of_python import ASK, OURS, RUN, SOURCE, python

CHILDREN = {
    "itself": ASK,
    "a command": f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {ASK!r}], check=True)
""",
    "a command elsewhere": f"""
import subprocess, sys, tempfile
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, "-c", {ASK!r}], check=True, cwd=folder)
""",
    "a command of a command": f"""
import subprocess, sys
code = 'import subprocess, sys; subprocess.run([sys.executable, "-c", sys.argv[1]], check=True, cwd="/")'
subprocess.run([sys.executable, "-c", code, {ASK!r}], check=True)
""",
    **{
        method: f"""
import multiprocessing
def ask():
    exec({ASK!r})
if __name__ == "__main__":
    child = multiprocessing.get_context("{method}").Process(target=ask)
    child.start()
    child.join()
    raise SystemExit(child.exitcode)
"""
        for method in ("spawn", "forkserver", "fork")
    },
    "a pool": f"""
import concurrent.futures, multiprocessing
def ask():
    exec({ASK!r})
if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pool.submit(ask).result()
""",
    "a fork": f"""
import os
if os.fork() == 0:
    exec({ASK!r})
else:
    os.wait()
""",
}


@pytest.mark.skipif(os.name != "posix", reason="what other systems lack is named here, too")
@pytest.mark.parametrize("kind", CHILDREN)
@pytest.mark.parametrize("way", ["script", "module"])
def test_it_reaches_every_process(kind, way, program):
    folder = program(CHILDREN[kind])
    ended = python(*RUN, *(["program.py"] if way == "script" else ["-m", "program"]), cwd=folder)
    assert (ended.stdout.strip(), ended.stderr, ended.returncode) == (OURS, "", 0)


def test_a_program_that_uses_neither_loads_no_compiled_module():
    code = "import sys; print([name for name in sys.modules if name.startswith('fasth2.')])"
    assert python(*RUN, "-c", code).stdout == "['fasth2.alias']\n"


def test_a_sitecustomize_of_the_user_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.taken = (__name__, __file__)")
    code = "import sys, sitecustomize; print(sys.taken, sitecustomize.__file__);" + ASK
    for script in (code, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"):
        ended = python(*RUN, "-c", script, PYTHONPATH=str(tmp_path))
        file = str(tmp_path / "sitecustomize.py")
        assert ended.stdout == f"('sitecustomize', {file!r}) {file}\n{OURS}\n"


@pytest.mark.parametrize("code", ["1 / 0", "import no_such_module"])
def test_a_sitecustomize_that_fails_is_reported_as_without_fasth2(code, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(code)
    plain = python("-c", "print(1)", PYTHONPATH=str(tmp_path))
    ours = python(*RUN, "-c", "print(1)", PYTHONPATH=str(tmp_path))
    assert "sitecustomize" in plain.stderr
    # The command is an interpreter, too, and says it first.
    assert (ours.stdout, ours.stderr) == (plain.stdout, 2 * plain.stderr)


def test_a_child_that_finds_no_fasth2_by_itself(bare, tmp_path):
    """The parent found it by a relative path; the child runs in another folder."""
    executable, _ = bare
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ASK!r}], check=True, cwd='/')"
    ended = python(*RUN, "-c", code, executable=executable, cwd=SOURCE.parent, PYTHONPATH=SOURCE.name)
    assert (ended.stdout, ended.stderr, ended.returncode) == (OURS + "\n", "", 0)


def test_a_child_of_another_python_runs_on_as_it_would(bare, tmp_path):
    executable, packages = bare
    shutil.copytree(SOURCE / "fasth2", tmp_path / "fasth2", ignore=shutil.ignore_patterns("*.so", "*.pyd", "*.c"))
    (packages / "h2").mkdir()
    (packages / "h2" / "__init__.py").write_text("")
    ended = python("-c", "import h2; print(h2.__file__)", executable=executable, FASTH2_RUN="1",
                   PYTHONPATH=str(tmp_path / "fasth2" / "cli" / "at_startup"))
    assert ended.stdout == str(packages / "h2" / "__init__.py") + "\n"
    assert ended.stderr.startswith("fasth2: process ")
    assert ended.stderr.endswith("is compiled for another Python\n")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.returncode == 0


VERSIONS = """
from importlib import metadata
print(metadata.version("h2"), metadata.version("H2"), metadata.version("hpack"), metadata.metadata("h2")["Name"])
print(sorted(found.metadata["Name"] for found in metadata.distributions() if found.metadata["Name"] in ("h2", "hpack")))
print(metadata.requires("h2"), metadata.files("h2"), list(metadata.distribution("h2").entry_points))
try:
    metadata.version("hyperframe")
except metadata.PackageNotFoundError:
    print("no hyperframe")
"""


def test_metadata_of_h2_without_h2(bare):
    executable, packages = bare
    (packages / "fasth2.pth").write_text(f"{SOURCE}\n")
    ended = python(*RUN, "-c", VERSIONS, executable=executable)
    assert ended.stderr == ""
    assert ended.stdout == f"{fasth2.H2_VERSION} {fasth2.H2_VERSION} 4.2.0 h2\n['h2', 'hpack']\nNone None []\nno hyperframe\n"


def test_metadata_of_an_installed_h2_is_untouched(bare):
    executable, packages = bare
    (packages / "fasth2.pth").write_text(f"{SOURCE}\n")
    (packages / "h2-4.1.0.dist-info").mkdir()
    (packages / "h2-4.1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: h2\nVersion: 4.1.0\n")
    ended = python(*RUN, "-c", VERSIONS, executable=executable)
    assert ended.stdout.splitlines()[:2] == ["4.1.0 4.1.0 4.2.0 h2", "['h2', 'hpack']"]
