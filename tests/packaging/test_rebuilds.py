"""What a change of a file builds again: `make` and `setup.py` find modules and declarations in any folder."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "src" / "fasth2"

#: A declaration of each folder that has one.
DECLARATIONS = [sorted(folder.glob("*.pxd"))[-1].relative_to(ROOT).as_posix()
                for folder in sorted({path.parent for path in PACKAGE.rglob("*.pxd") if path.name != "__init__.pxd"})]

TREE = """
import sys
from Cython.Build.Dependencies import create_dependency_tree
tree = create_dependency_tree()
for module in sys.argv[2:]:
    if sys.argv[1] in {path.replace("\\\\", "/") for path in tree.all_dependencies(module)}:
        print(module)
"""


def modules():
    return sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.pyx"))


def names_of(declaration):
    """How a cimport names a declaration."""
    dotted = ".".join(Path(declaration).with_suffix("").parts[1:])
    package, _, name = dotted.rpartition(".")
    return rf"from {re.escape(dotted)} cimport|from {re.escape(package)} cimport .*\b{name}\b|from \.{name} cimport"


def test_each_folder_with_compiled_modules_is_there():
    assert {Path(path).parent.name for path in DECLARATIONS} >= {"fasth2", "hpack", "_engine", "wsgi"}


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_make_builds_after_a_change_of_a_declaration(declaration):
    planned = subprocess.run(["make", "-n", "-W", declaration, "build", f"PYTHON={sys.executable}"], cwd=ROOT,
                             capture_output=True, text=True, check=True)
    assert "setup.py" in planned.stdout


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_what_depends_on_a_declaration_is_compiled_again(declaration):
    """By Cython's own tree, which `cythonize` compares with."""
    found = subprocess.run([sys.executable, "-c", TREE, declaration, *modules()], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split()
    named = {module for module in modules()
             if re.search(names_of(declaration), (ROOT / module).read_text()) or module == declaration[:-3] + "pyx"}
    assert named
    assert named <= set(found)


def test_setup_names_every_module():
    code = ("import runpy, sys; sys.argv = ['setup.py', '--version'];"
            "print(*(path.as_posix() for path in runpy.run_path('setup.py')['MODULES']), sep='\\n')")
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(modules()) <= set(listed.stdout.split())
