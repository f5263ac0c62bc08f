"""Where fasth2 cannot be compiled, the last line of the build is one sentence that says what to do."""
import pytest


def last_line(done):
    assert done.returncode != 0
    return done.stderr.splitlines()[-1]


def is_one_sentence(line):
    return line.startswith("fasth2 ") and line.endswith(".") and ". " not in line


@pytest.mark.parametrize("options", [(), ("--parallel", "2")])
def test_no_compiler(tree, options):
    line = last_line(tree.setup("build_ext", *options, CC="/nonexistent/cc"))
    assert is_one_sentence(line)
    assert "no C compiler that works was found: install one (Debian, Ubuntu: apt install gcc libc6-dev;" in line


def test_a_compiler_without_the_c_library(tree):
    assert "no C compiler that works was found" in last_line(tree.setup("build_ext", CC="cc -nostdinc"))


def test_no_headers_of_python(tree):
    # What the build looks for is not there, whatever the compiler finds by itself.
    (tree.path / "none").mkdir()
    (tree.path / "none" / "Python.h").write_text("#error not here\n")
    line = last_line(tree.setup("build_ext", CC=f"cc -I{tree.path / 'none'}"))
    assert is_one_sentence(line)
    assert "this Python's headers were not found: install them (Debian, Ubuntu: apt install python3-dev;" in line


def test_a_fault_of_the_source_is_not_blamed_on_the_compiler(tree):
    (tree.path / "src" / "fasth2" / "_one.pyx").write_text('cdef extern from *:\n    """\n    #error our own\n    """\n')
    done = tree.setup("build_ext")
    assert done.returncode != 0
    assert "our own" in done.stderr
    assert "install" not in done.stderr


def test_pypy_is_refused_before_anything_else_is_needed(tree):
    done = tree.setup("build_ext", before="import platform\n"
                      "platform.python_implementation = lambda: 'PyPy'\n"
                      "sys.modules['Cython'] = sys.modules['setuptools'] = None")
    line = last_line(done)
    assert done.stderr == line + "\n"
    assert is_one_sentence(line)
    assert "made for CPython and cannot be built for PyPy: use CPython, or the h2 package" in line


@pytest.mark.parametrize("setting", ["0", "1"])
def test_a_warning_is_an_error_where_that_is_asked_for(tree, setting):
    (tree.path / "src" / "fasth2" / "_one.pyx").write_text(
        'cdef extern from *:\n    """\n    int fasth2_one(void) { int unused; return 1; }\n    """\n')
    done = tree.setup("build_ext", FASTH2_WERROR=setting)
    assert (done.returncode == 0) == (setting == "0")
    assert "unused" in done.stderr
