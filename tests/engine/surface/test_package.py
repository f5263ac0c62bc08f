"""The package itself: lazy names, what every public name must have."""
from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fasth2
from tests.support.modules import COMPILED, MODULES, PACKAGE, within

PUBLIC = [
    name
    for name in MODULES
    if not within(name, "fasth2.gunicorn") and not any(part.startswith("_") for part in name.split("."))
]


def test_lazy_names_are_the_faces_own():
    for name in fasth2.__all__:
        value = getattr(fasth2, name)
        if name.startswith("HTTP2"):
            assert value.__name__ == name
            assert value is getattr(sys.modules[value.__module__], name)
    assert set(fasth2.__all__) <= set(dir(fasth2))


def test_type_checkers_see_the_lazy_names():
    source = Path(fasth2.__file__).read_text()
    for name in fasth2._LAZY:
        assert f"import {name} as {name}\n" in source


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'fasth2' has no attribute 'nothing'"):
        fasth2.nothing  # noqa: B018


def test_h2_version_is_the_one_compared_with():
    from importlib.metadata import version

    assert version("h2") == fasth2.H2_VERSION


def own_names(module):
    """Classes and functions that a module defines or, if public, re-exports."""
    exported = getattr(module, "__all__", ())
    for name, value in vars(module).items():
        if name.startswith("_") or not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        if name in exported or getattr(value, "__module__", None) == module.__name__:
            yield name, value


def described(value, name):
    """Whether there is a docstring beyond the signature that Cython writes first."""
    text = (value.__doc__ or "").strip()
    first, _, rest = text.partition("\n")
    if f"{name}(" in first.partition(" ")[0]:
        text = rest.strip()
    return bool(text)


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_says_what_it_is_for(module):
    loaded = importlib.import_module(module)
    missing = [] if loaded.__doc__ else [module]
    for name, value in own_names(loaded):
        if not described(value, name):
            missing.append(name)
        if inspect.isclass(value):
            for member, attribute in vars(value).items():
                if member.startswith("_"):
                    continue
                function = attribute.__func__ if isinstance(attribute, (classmethod, staticmethod)) else attribute
                if (inspect.isroutine(function) or isinstance(function, property)) and not described(function, member):
                    missing.append(f"{name}.{member}")
    assert missing == []


@pytest.mark.parametrize("module", COMPILED)
def test_compiled_module_with_python_names_has_a_stub(module):
    names = [name for name, _ in own_names(importlib.import_module(module))]
    stub = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".pyi")
    assert stub.exists() or not names


def test_stubs_say_what_the_modules_have():
    stubbed = [
        name for name in COMPILED if PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".pyi").exists()
    ]
    allowed = Path(__file__).with_name("stubtest_allowlist.txt")
    result = subprocess.run(
        [
            sys.executable, "-m", "mypy.stubtest", "--ignore-disjoint-bases", "--ignore-unused-allowlist",
            "--allowlist", str(allowed), *stubbed,
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        # mypy finds what is installed by itself, and refuses to be told.
        env={**os.environ, **({} if "site-packages" in PACKAGE.parts else {"MYPYPATH": str(PACKAGE.parent)})},
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
