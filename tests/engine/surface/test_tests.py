"""What a test may import: helpers of its own folder or of one above it, and those of tests/support.

A test that needs what another one has finds it in such a helper: no test imports a test or a conftest. Applications that
servers are told to load, as ``"tests.support.wsgi_app:app"``, obey the same rule.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[2]

#: (file, what it imports) below tests: why.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("gunicorn/dropin/test_every_version.py", "gunicorn.dropin.test_faults_of_gunicorns_class"):
        "runs those tests again; their marks say in which version each must fail",
    ("gunicorn/native/test_rfc9113.py", "engine.rfc9113"): "runs those tests again, over a socket",
}

#: Text that names an application, which may be in the test's own file.
APPLICATION = re.compile(r"tests\.([\w.]+):\w+")


def module_of(path: Path) -> str:
    """The module below tests, empty for the package itself."""
    name = ".".join(path.relative_to(TESTS).with_suffix("").parts)
    return name.removesuffix("__init__").removesuffix(".")


FILES = sorted(TESTS.rglob("*.py"))
THERE = {module_of(path) for path in FILES}


def inner(base: str, name: str) -> str:
    """The module that an import takes: the name's own where there is one, else the one that has the name."""
    module = f"{base}.{name}".strip(".")
    return module if module in THERE else base


def modules_named(path: Path) -> Iterator[str]:
    """The modules below tests that a file imports, or names as applications."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("tests.") for alias in node.names if alias.name.startswith("tests."))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path.parents[node.level - 1].relative_to(TESTS).parts
                base = ".".join((*folder, base)).strip(".")
            elif base == "tests" or base.startswith("tests."):
                base = base.removeprefix("tests").removeprefix(".")
            else:
                continue
            yield from {inner(base, alias.name) for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (module for module in APPLICATION.findall(node.value) if module != module_of(path))


def is_allowed(path: Path, imported: str) -> bool:
    """Whether the rule lets a file import a module."""
    folder, _, name = imported.rpartition(".")
    if name.startswith("test_") or name == "conftest":
        return False
    return folder == "support" or path.is_relative_to(TESTS / folder.replace(".", "/"))


#: (file, module that it imports).
IMPORTS = [(path, imported) for path in FILES for imported in modules_named(path)]


def test_no_test_imports_another_or_a_helper_of_another_folder():
    wrong = {(path.relative_to(TESTS).as_posix(), imported)
             for path, imported in IMPORTS if not is_allowed(path, imported)}
    assert wrong == set(EXCEPTIONS)


def test_every_module_that_is_imported_is_there():
    """Late imports too, and applications, which a server would miss only when it runs."""
    assert {imported for _, imported in IMPORTS} <= THERE
