"""tools/check_wheel_contents.py, on a small wheel made by hand."""
import importlib.util
import subprocess
import zipfile

import pytest

from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("check_wheel_contents", ROOT / "tools" / "check_wheel_contents.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """The octets of a shared library, stripped and not."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "one.c").write_text("static int one(void) { return 1; }\nint two(void) { return 1 + one(); }\n")
    found = []
    for options in (["-s"], []):
        subprocess.run(["cc", "-shared", "-fPIC", *options, "-o", "one.so", "one.c"], cwd=folder, check=True)
        found.append((folder / "one.so").read_bytes())
    return found


@pytest.fixture
def check(script, tmp_path, libraries):
    """Make a wheel without fault, but for what is given; return the faults that are found."""
    source = tmp_path / "fasth2"
    (source / "server").mkdir(parents=True)
    contents = dict.fromkeys(("__init__.py", "_one.pyi", "_one.pxd", "py.typed", "server/__init__.py"), b"")
    for name in (*contents, "_one.pyx"):
        (source / name).write_bytes(b"")
    contents = {f"fasth2/{name}": octets for name, octets in contents.items()}
    contents |= {"fasth2/_one.cpython-313-x.so": libraries[0], "fasth2-1.0.dist-info/METADATA": b""}

    def faults(**changes):
        wheel = tmp_path / "fasth2-1.0.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, octets in {**contents, **changes}.items():
                if octets is not None:
                    archive.writestr(name, octets)
        return script.faults(wheel, source)

    return faults


def test_a_whole_wheel_passes_the_check(check):
    assert check() == []


@pytest.mark.parametrize("name", ["_one.pyi", "_one.pxd", "py.typed", "server/__init__.py"])
def test_a_file_that_is_missing(check, name):
    assert check(**{f"fasth2/{name}": None}) == [f"{name} is missing"]


@pytest.mark.parametrize("name", ["_one.c", "_one.pyx", "build/_one.c"])
def test_a_file_that_is_too_much(check, name):
    assert check(**{f"fasth2/{name}": b""}) == [f"{name} is too much"]


@pytest.mark.parametrize("folder", ["tests", "bench", "fasth2.libs"])
def test_something_beside_the_package(check, folder):
    assert check(**{f"{folder}/one.py": b""}) == [f"beside the package: {sorted(['fasth2-1.0.dist-info', folder])}"]


def test_a_module_that_is_not_compiled(check):
    assert check(**{"fasth2/_one.cpython-313-x.so": None}) == ["_one is not compiled"]


def test_a_library_with_symbols(check, libraries):
    name = "fasth2/_one.cpython-313-x.so"
    assert check(**{name: libraries[1]}) == [f"{name} is not stripped"]


def test_a_large_wheel(check):
    octets = b"\0" * (2 << 20)
    assert any("octets, 2097152 are too many" in fault for fault in check(**{"fasth2/__init__.py": octets}))
