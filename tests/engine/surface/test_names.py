"""Every documented name of h2's modules, with its parameters and defaults."""
from __future__ import annotations

import importlib
import inspect

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import pytest

DOCUMENTED = {
    "config": ["H2Configuration"],
    "connection": ["H2Connection"],
    "errors": ["ErrorCodes"],
    "exceptions": [name for name, value in vars(h2.exceptions).items() if isinstance(value, type)],
    "events": [
        name
        for name, value in vars(h2.events).items()
        if isinstance(value, type) and issubclass(value, h2.events.Event) and not name.startswith("_")
    ],
    "settings": ["SettingCodes", "Settings", "ChangedSetting"],
}

NAMES = [(module, name) for module, names in DOCUMENTED.items() for name in names]

MEMBERS = [
    (module, name, member)
    for module, name in NAMES
    for member, value in vars(getattr(importlib.import_module(f"h2.{module}"), name)).items()
    if not member.startswith("_")
]


def pair(module, name):
    ours = importlib.import_module(f"fasth2.{module}")
    theirs = importlib.import_module(f"h2.{module}")
    return getattr(ours, name), getattr(theirs, name)


def parameters(function):
    found = list(inspect.signature(function).parameters.values())
    return [(p.name, p.kind, p.default) for p in found if p.name not in ("self", "cls")]


def taken(cls, member):
    """A class's member; a descriptor that is for instances only as it is."""
    found = inspect.getattr_static(cls, member)
    return found if hasattr(type(found), "__set__") else getattr(cls, member)


def plain(default):
    """A default in a form that compares across the two packages."""
    return int(default) if isinstance(default, int) else default


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_name_is_there(module, name):
    ours, theirs = pair(module, name)
    assert ours.__name__ == theirs.__name__
    assert isinstance(ours, type) == isinstance(theirs, type)


@pytest.mark.parametrize(("module", "name", "member"), MEMBERS)
def test_member_is_there_and_takes_what_h2_takes(module, name, member):
    ours, theirs = (taken(cls, member) for cls in pair(module, name))
    assert callable(ours) == callable(theirs)
    if inspect.isroutine(theirs):
        expected = parameters(theirs)
        given = parameters(ours)
        # More parameters may follow, if a caller of h2 need not know them.
        for (our_name, our_kind, our_default), (name_, kind, default) in zip(given, expected, strict=False):
            assert (our_name, our_kind, plain(our_default)) == (name_, kind, plain(default))
        assert len(given) >= len(expected)
        assert all(default is not inspect.Parameter.empty for _, _, default in given[len(expected):])


@pytest.mark.parametrize("name", DOCUMENTED["config"] + ["DummyLogger", "OutputLogger"])
def test_constructor_of_the_configuration(name):
    ours, theirs = pair("config", name)
    expected = parameters(theirs.__init__)
    assert parameters(ours.__init__)[:len(expected)] == expected


@pytest.mark.parametrize("name", DOCUMENTED["exceptions"])
def test_exception_has_the_same_place_code_and_constructor(name):
    ours, theirs = pair("exceptions", name)
    own = lambda classes: [cls.__name__ for cls in classes if cls.__name__ != "object"]  # noqa: E731
    assert own(ours.__mro__) == own(theirs.__mro__)
    assert getattr(ours, "error_code", None) == getattr(theirs, "error_code", None)
    if "__init__" in vars(theirs):
        assert parameters(ours.__init__) == [
            (name_, kind, default) for name_, kind, default in parameters(theirs.__init__)
        ]


@pytest.mark.parametrize("enumeration", [("errors", "ErrorCodes"), ("settings", "SettingCodes")])
def test_enumeration_has_the_same_members(enumeration):
    ours, theirs = pair(*enumeration)
    assert {member.name: int(member) for member in ours} == {member.name: int(member) for member in theirs}
    assert [str(member) for member in ours] == [str(member) for member in theirs]
    assert [repr(member) for member in ours] == [repr(member) for member in theirs]
