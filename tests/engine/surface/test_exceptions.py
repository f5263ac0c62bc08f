"""The exceptions' arguments, attributes and texts."""
from __future__ import annotations

import pickle
import re

import h2.exceptions
import pytest

import fasth2.exceptions
from fasth2.errors import ErrorCodes, _error_code_from_int
from fasth2.events import StreamEnded
from tests.support.gunicorn_server import ROOT

ARGUMENTS = {
    "StreamIDTooLowError": (3, 5),
    "NoSuchStreamError": (7,),
    "StreamClosedError": (9,),
    "InvalidSettingsValueError": ("bad", ErrorCodes.FLOW_CONTROL_ERROR),
    "InvalidBodyLengthError": (10, 4),
}
#: What h2 has no class for; its base is h2's.
OURS = {"StreamsRefusedError": fasth2.exceptions.DenialOfServiceError}
EXCEPTIONS = [name for name in fasth2.exceptions.__all__ if name not in OURS]


def public(error):
    return {name: value for name, value in vars(error).items() if not name.startswith("_")}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_instance_is_like_h2s(name):
    arguments = ARGUMENTS.get(name, ("what was wrong",))
    ours = getattr(fasth2.exceptions, name)(*arguments)
    theirs = getattr(h2.exceptions, name)(*arguments)
    assert str(ours) == str(theirs)
    assert ours.args == theirs.args
    assert public(ours) == public(theirs)
    assert getattr(ours, "error_code", None) == getattr(theirs, "error_code", None)


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_every_protocol_error_can_carry_events(name):
    error = getattr(fasth2.exceptions, name)(*ARGUMENTS.get(name, ("what was wrong",)))
    if isinstance(error, fasth2.exceptions.ProtocolError):
        assert error.events == ()
        error.events = [StreamEnded(stream_id=1)]
        assert error.events == [StreamEnded(stream_id=1)]
        assert type(error).events == ()
    else:
        assert not hasattr(error, "events")


@pytest.mark.parametrize("name", ["ProtocolError", "StreamIDTooLowError", "StreamClosedError", "DenialOfServiceError"])
def test_exception_survives_pickling(name):
    error = getattr(fasth2.exceptions, name)(*ARGUMENTS.get(name, ("what was wrong",)))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.args, vars(again)) == (type(error), error.args, vars(error))


def test_the_engines_error_codes_are_these():
    text = (ROOT / "src" / "fasth2" / "_engine" / "error_codes.pxd").read_text()
    found = {name: int(value, 16) for name, value in re.findall(r"^    (\w+) = (0x\w+)$", text, re.M)}
    assert found == {code.name: code.value for code in ErrorCodes}


def test_error_codes_from_int():
    assert _error_code_from_int(8) is ErrorCodes.CANCEL
    assert _error_code_from_int(0x5EAF00D) == 0x5EAF00D
    assert type(_error_code_from_int(14)) is int


@pytest.mark.parametrize("name", sorted(OURS))
def test_exceptions_of_ours_are_caught_as_h2s(name):
    """Whoever catches h2's class catches them, with its code."""
    kind = getattr(fasth2.exceptions, name)
    assert issubclass(kind, OURS[name])
    assert kind("what").error_code == OURS[name].error_code
