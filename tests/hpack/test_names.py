"""The names of `fasth2.hpack` are hpack's: modules, classes, parameters, defaults, attributes, exceptions.

What is read is the installed hpack, so a name that a new version of it adds fails here.
"""
from __future__ import annotations

import inspect
import logging
import pkgutil
from pathlib import Path
from typing import Any

import hpack
import pytest

import fasth2.hpack
from tests.support.names import is_public, load, parameters, stub_parameters

#: hpack and its modules, below hpack.
MODULES = ["", *(module.name for module in pkgutil.iter_modules(hpack.__path__))]


#: The compiled classes' constructors are written down here.
STUB = Path(fasth2.hpack.__file__).with_name("hpack.pyi")

NAMES = [(module, name) for module in MODULES
         for name, value in vars(load("hpack", module)).items() if is_public(name, value, ("hpack",))]
CLASSES = sorted({getattr(load("hpack", module), name) for module, name in NAMES
                  if inspect.isclass(getattr(load("hpack", module), name))}, key=lambda cls: cls.__name__)


def ours(cls: type) -> type:
    """The class of fasth2 that stands for one of hpack's."""
    found = getattr(load("fasth2", cls.__module__), cls.__name__)
    assert isinstance(found, type)
    return found


def attributes(cls: type) -> set[str]:
    """The public attributes of a class, and those that its constructor gives an instance."""
    made: dict[str, Any] = {}
    if not issubclass(cls, (BaseException, tuple)) and cls is not hpack.huffman.HuffmanEncoder:
        made = vars(cls())
    return {name for name in {*vars(cls), *made} if not name.startswith("_")}


MEMBERS = [(cls, name) for cls in CLASSES for name in sorted(attributes(cls))]


def test_there_are_names_to_compare():
    assert len(MODULES) >= 8
    assert len(NAMES) >= 55
    assert len(MEMBERS) >= 24


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_the_module_has_the_name(module, name):
    theirs = getattr(load("hpack", module), name)
    mine = getattr(load("fasth2.hpack", module), name)
    if inspect.isclass(theirs) or inspect.isroutine(theirs):
        assert type(mine) is type(theirs) or callable(mine)
        assert mine.__name__ == theirs.__name__
        # One class under all its names.
        assert mine is getattr(load("fasth2", theirs.__module__), name)
    elif isinstance(theirs, logging.Logger):
        assert isinstance(mine, logging.Logger)
    else:
        assert mine == theirs


@pytest.mark.parametrize("module", MODULES)
def test_what_the_module_exports(module):
    expected = getattr(load("hpack", module), "__all__", ())
    assert set(expected) <= set(getattr(load("fasth2.hpack", module), "__all__", expected))
    assert hasattr(fasth2.hpack, module or "hpack"), "importing the package gives its modules"


@pytest.mark.parametrize("cls", CLASSES)
def test_the_class_has_the_same_bases(cls):
    names = lambda cls: [base.__name__ for base in cls.__mro__]  # noqa: E731
    assert names(ours(cls)) == names(cls)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if not issubclass(cls, BaseException)])
def test_the_constructor_takes_the_same(cls):
    if cls in (hpack.Encoder, hpack.Decoder):
        assert stub_parameters(STUB, cls.__name__) == parameters(cls.__init__)
    else:
        assert parameters(ours(cls)) == parameters(cls)


@pytest.mark.parametrize(("cls", "name"), MEMBERS)
def test_the_class_has_the_member(cls, name):
    if not hasattr(cls, name):
        # An attribute that the constructor sets.
        arguments = ([0x1], [0x1]) if cls is hpack.huffman.HuffmanEncoder else ()
        theirs, mine = getattr(cls(*arguments), name), getattr(ours(cls)(*arguments), name)
        assert type(mine).__name__ == type(theirs).__name__ or isinstance(mine, ours(type(theirs)))
        if isinstance(theirs, (int, list, str, bool)):
            assert mine == theirs
        return
    theirs, mine = getattr(cls, name), getattr(ours(cls), name)
    if inspect.isroutine(theirs):
        assert parameters(mine) == parameters(theirs)
    elif inspect.isdatadescriptor(theirs):
        assert inspect.isdatadescriptor(mine)
    else:
        assert mine == theirs


@pytest.mark.parametrize("name", ["encode_integer", "decode_integer", "decode_huffman", "table_entry_size"])
def test_the_function_takes_the_same(name):
    [module] = {module for module, other in NAMES if other == name and getattr(
        load("hpack", module), name).__module__ == f"hpack.{module}"}
    assert parameters(getattr(load("fasth2.hpack", module), name)) == parameters(getattr(load("hpack", module), name))


def test_every_function_of_hpack_is_compared():
    functions = {name for module, name in NAMES if inspect.isfunction(getattr(load("hpack", module), name))}
    assert functions == {"encode_integer", "decode_integer", "decode_huffman", "table_entry_size"}


def test_an_unknown_name_of_a_module():
    for module in (fasth2.hpack.hpack, fasth2.hpack.huffman_table, fasth2.hpack.table):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            module.nothing  # noqa: B018
