"""The names of fasth2's modules are h2's: classes, functions, parameters, defaults, attributes, bases.

What is read is the installed h2, so a name that a new version of it adds fails here. What is missing on purpose stands
in `ABSENT`, as in docs/differences.md.
"""
from __future__ import annotations

import enum
import inspect
import re
from pathlib import Path
from typing import Any

import h2
import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import h2.stream
import h2.utilities
import pytest

import fasth2
from tests.support.names import is_public, load, parameters, stub_parameters
from tests.support.paths import ROOT
from tests.support.tables import rows

#: h2's documented modules, and `stream` and `utilities`, which programs import.
MODULES = ["config", "connection", "errors", "events", "exceptions", "settings", "stream", "utilities"]

#: A name of h2 that fasth2 leaves out, to the reason. A class's member follows the class. Checked against the document.
ABSENT = {
    **dict.fromkeys([
        "connection.AltSvcFrame", "connection.ContinuationFrame", "connection.DataFrame", "connection.ExtensionFrame",
        "connection.Frame", "connection.GoAwayFrame", "connection.HeadersFrame", "connection.InvalidPaddingError",
        "connection.PingFrame", "connection.PriorityFrame", "connection.PushPromiseFrame", "connection.RstStreamFrame",
        "connection.SettingsFrame", "connection.WindowUpdateFrame", "settings.SettingsFrame", "stream.AltSvcFrame",
        "stream.ContinuationFrame", "stream.DataFrame", "stream.Frame", "stream.HeadersFrame", "stream.PushPromiseFrame",
        "stream.RstStreamFrame", "stream.WindowUpdateFrame",
    ], "hyperframe's classes"),
    **dict.fromkeys([
        "connection.AllowedStreamIDs", "connection.ConnectionInputs", "connection.FrameBuffer",
        "connection.H2Connection.incoming_buffer", "connection.H2ConnectionStateMachine", "connection.WindowManager",
        "events.kw_only", "stream.H2StreamStateMachine", "stream.STREAM_OPEN", "stream.StreamInputs",
        "stream.WindowManager",
    ], "parts of h2's own implementation"),
    **dict.fromkeys([
        f"stream.H2Stream.{name}" for name in (
            "acknowledge_received_data", "advertise_alternative_service", "config", "end_stream",
            "increase_flow_control_window", "locally_pushed", "max_outbound_frame_size", "push_stream_in_band",
            "receive_alt_svc", "receive_continuation", "receive_data", "receive_headers", "receive_push_promise_in_band",
            "receive_window_update", "remotely_pushed", "request_method", "reset_stream", "send_data", "send_headers",
            "stream_reset", "upgrade")
    ], "what a connection does with its streams"),
}

#: The packages whose names h2's modules have for others.
PACKAGES = ("h2", "hpack", "hyperframe")

NAMES = [(module, name) for module in MODULES
         for name, value in vars(load("h2", module)).items() if is_public(name, value, PACKAGES)]
PRESENT = [(module, name) for module, name in NAMES if f"{module}.{name}" not in ABSENT]


def theirs(module: str, name: str) -> Any:
    return getattr(load("h2", module), name)


def mine(module: str, name: str) -> Any:
    return getattr(load("fasth2", module), name)


def home(value: Any) -> tuple[str, str]:
    """The package and the module below it that define something of h2's or hpack's."""
    package, _, module = value.__module__.partition(".")
    return package, module


def ours(value: Any) -> Any:
    """What stands in fasth2 for a class or a function of h2 or hpack."""
    package, module = home(value)
    return getattr(load("fasth2" if package == "h2" else "fasth2.hpack", module), value.__name__)


CLASSES = sorted({theirs(module, name) for module, name in PRESENT
                  if inspect.isclass(theirs(module, name)) and home(theirs(module, name))[0] == "h2"},
                 key=lambda cls: (cls.__module__, cls.__name__))
FUNCTIONS = sorted({theirs(module, name) for module, name in PRESENT if inspect.isfunction(theirs(module, name))
                    and home(theirs(module, name))[0] == "h2"}, key=lambda function: function.__name__)

#: Objects of the classes whose constructors set attributes.
MADE = {
    h2.config.H2Configuration: (),
    h2.config.OutputLogger: (),
    h2.connection.H2Connection: (),
    h2.settings.Settings: (),
    h2.settings.ChangedSetting: (h2.settings.SettingCodes.MAX_FRAME_SIZE, 1, 2),
    h2.utilities.HeaderValidationFlags: (True, False, True, False),
    h2.exceptions.StreamIDTooLowError: (1, 3),
    h2.exceptions.NoSuchStreamError: (1,),
    h2.exceptions.StreamClosedError: (1,),
    h2.exceptions.InvalidBodyLengthError: (1, 2),
    h2.exceptions.InvalidSettingsValueError: ("text", h2.errors.ErrorCodes.PROTOCOL_ERROR),
}


def of_both(cls: type) -> tuple[Any, Any]:
    """An object of a class, and one of ours."""
    if cls is h2.stream.H2Stream:
        found = []
        for package in ("fasth2", "h2"):
            connection = load(package, "connection").H2Connection()
            connection.send_headers(1, [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")])
            found.append(connection.streams[1])
        return found[1], found[0]
    if issubclass(cls, h2.events.Event):
        required = {parameter.name: 1 for parameter in inspect.signature(cls).parameters.values()
                    if parameter.default is parameter.empty}
        return cls(**required), ours(cls)(**required)
    arguments = MADE[cls]
    return cls(*arguments), ours(cls)(*arguments)


def attributes(cls: type) -> list[str]:
    """The public attributes of a class, and those that its constructor gives an object."""
    found = {name for base in cls.__mro__ if base.__module__.partition(".")[0] == "h2" for name in vars(base)}
    if cls in MADE or cls is h2.stream.H2Stream or (issubclass(cls, h2.events.Event) and cls is not h2.events.Event):
        found |= set(getattr(of_both(cls)[0], "__dict__", ()))
    place = f"{home(cls)[1]}.{cls.__name__}"
    return sorted(name for name in found if not name.startswith("_") and f"{place}.{name}" not in ABSENT)


MEMBERS = [(cls, name) for cls in CLASSES for name in attributes(cls)]


def comparable(found: list[tuple[str, Any, Any]]) -> list[tuple[str, Any, Any]]:
    """Parameters whose defaults compare across the packages and the stubs."""
    return [(name, kind, int(default) if isinstance(default, int) and not isinstance(default, bool) else default)
            for name, kind, default in found]


def accepts(given: Any, expected: Any) -> None:
    """Ours may take more, if a caller of h2 need not know it."""
    given, expected = comparable(given), comparable(expected)
    assert given[: len(expected)] == expected
    assert all(default is not inspect.Parameter.empty for _, _, default in given[len(expected) :])


def test_there_are_names_to_compare():
    assert len(NAMES) >= 150
    assert len(CLASSES) >= 40
    assert len(FUNCTIONS) == 9
    assert len(MEMBERS) >= 150


@pytest.mark.parametrize(("module", "name"), PRESENT)
def test_the_module_has_the_name(module, name):
    expected, given = theirs(module, name), mine(module, name)
    if inspect.isclass(expected) or inspect.isroutine(expected):
        assert inspect.isclass(given) == inspect.isclass(expected)
        assert given.__name__ == expected.__name__
        # One class under all its names.
        assert given is ours(expected)
    else:
        assert given == expected


def test_absent_names_are_absent_and_h2s():
    for place in ABSENT:
        module, *path = place.split(".")
        expected, given = load("h2", module), load("fasth2", module)
        if len(path) == 2:
            cls = getattr(expected, path[0])
            assert hasattr(of_both(cls)[0], path[1]), place
            assert not hasattr(getattr(given, path[0]), path[1]), place
        else:
            assert hasattr(expected, path[0]), place
            assert not hasattr(given, path[0]), place


def test_the_document_lists_the_absent_names():
    document = (ROOT / "docs" / "differences.md").read_text()
    told = {}
    for names, reason in rows(document, "names of h2 that are not there", "why"):
        for group in names.split(";"):
            place, *others = re.findall(r"`([\w.]+)`", group)
            told |= {f"{place.rpartition('.')[0]}.{name.rpartition('.')[2]}": reason for name in (place, *others)}
    assert {place: reason for place, reason in told.items() if not reason.startswith(ABSENT.get(place, "?"))} == {}
    assert set(told) == set(ABSENT)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_class_has_the_same_bases(cls):
    given, expected = ([base.__name__ for base in each.__mro__] for each in (ours(cls), cls))
    if cls in (h2.settings.Settings, h2.connection.H2Connection):
        # A compiled base holds the values.
        assert set(expected) <= set(given)
        assert len(given) == len(expected) + 1
    else:
        assert given == expected


def stub_of(cls: type) -> Path | None:
    """The stub of a compiled class."""
    stub = Path(fasth2.__file__).parent.joinpath(*cls.__module__.split(".")[1:]).with_suffix(".pyi")
    return stub if stub.exists() else None


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if "__init__" in vars(cls) and cls is not h2.stream.H2Stream])
def test_the_constructor_takes_the_same(cls):
    # The constructor of Settings is its compiled base's.
    made = next(base for base in ours(cls).__mro__ if "__init__" in vars(base))
    stub = stub_of(made)
    if stub is None:
        accepts(parameters(made.__init__), parameters(cls.__init__))
        return
    expected = [(name, kind, None if default is h2.events._LAZY_INIT else default)
                for name, kind, default in parameters(cls.__init__)]
    accepts(stub_parameters(stub, made.__name__), expected)


@pytest.mark.parametrize(("cls", "name"), MEMBERS)
def test_the_class_has_the_member(cls, name):
    static = inspect.getattr_static(cls, name, None)
    if static is None or hasattr(type(static), "__set__") or (issubclass(cls, h2.events.Event) and not callable(static)):
        # An attribute of the object.
        expected, given = (getattr(each, name) for each in of_both(cls))
        if isinstance(expected, (int, str, bool, type(None))) and not isinstance(expected, enum.Enum):
            assert given == expected
        return
    expected, given = getattr(cls, name), getattr(ours(cls), name)
    if inspect.isroutine(expected):
        accepts(parameters(given), parameters(expected))
    elif isinstance(expected, enum.Enum):
        assert (str(given), repr(given), given.value) == (str(expected), repr(expected), expected.value)
    elif not inspect.isdatadescriptor(expected) and name != "MAX_CLOSED_STREAMS":
        assert given == expected


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, enum.Enum)])
def test_the_enumeration_has_the_same_members(cls):
    assert [member.name for member in ours(cls)] == [member.name for member in cls]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_function_takes_the_same(function):
    assert comparable(parameters(ours(function))) == comparable(parameters(function))
