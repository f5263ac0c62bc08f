"""`H2Configuration`: what h2's checks, and what fasth2 adds."""
from __future__ import annotations

import io
import time

import h2.config
import pytest

from fasth2.config import DummyLogger, H2Configuration, OutputLogger
from fasth2.limits import Limits

FLAGS = [
    "client_side",
    "validate_outbound_headers",
    "normalize_outbound_headers",
    "split_outbound_cookies",
    "validate_inbound_headers",
    "normalize_inbound_headers",
]


def outcome(make):
    """What a call gave or raised, to compare."""
    try:
        return "value", make()
    except Exception as error:
        return type(error), str(error)


def test_defaults_are_h2s():
    ours, theirs = H2Configuration(), h2.config.H2Configuration()
    assert {name: getattr(ours, name) for name in [*FLAGS, "header_encoding"]} == {
        name: getattr(theirs, name) for name in [*FLAGS, "header_encoding"]
    }
    assert isinstance(ours.logger, DummyLogger)


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("value", [True, False, 0, 1, None, "yes", []])
def test_flags_take_nothing_but_bool(flag, value):
    def given(cls):
        return getattr(cls(**{flag: value}), flag)

    def assigned(cls):
        config = cls()
        setattr(config, flag, value)
        return getattr(config, flag)

    for make in (given, assigned):
        assert outcome(lambda make=make: make(H2Configuration)) == outcome(
            lambda make=make: make(h2.config.H2Configuration)
        )


@pytest.mark.parametrize("value", [None, False, True, "utf-8", "no such encoding", 1, b"utf-8"])
def test_header_encoding_is_checked_as_in_h2(value):
    assert outcome(lambda: H2Configuration(header_encoding=value).header_encoding) == outcome(
        lambda: h2.config.H2Configuration(header_encoding=value).header_encoding
    )


def test_refused_assignment_leaves_the_old_value():
    config = H2Configuration(header_encoding="utf-8")
    with pytest.raises(ValueError, match="must be bool, string, or None"):
        config.header_encoding = 5
    with pytest.raises(ValueError, match="limits must be"):
        config.limits = 5
    assert config.header_encoding == "utf-8"
    assert config.limits == Limits()


def test_own_defaults():
    config = H2Configuration()
    assert config.rfc_errors is False
    assert config.limits == Limits()
    assert config.clock is time.monotonic
    assert config.header_fallback_encoding is None


def test_own_options_are_kept():
    limits = Limits(concurrent_streams=5)
    clock = time.perf_counter
    config = H2Configuration(
        rfc_errors=True, limits=limits, clock=clock, header_encoding="utf-8", header_fallback_encoding="latin-1"
    )
    assert config.rfc_errors is True
    assert config.limits is limits
    assert config.clock is clock
    assert config.header_fallback_encoding == "latin-1"


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("rfc_errors", 1, "rfc_errors must be a bool"),
        ("limits", {}, "limits must be a Limits object or None"),
        ("clock", 1.5, "clock must be callable or None"),
        ("header_fallback_encoding", "ascii", "header_fallback_encoding must be"),
        ("header_fallback_encoding", False, "header_fallback_encoding must be"),
    ],
)
def test_own_options_are_checked(option, value, text):
    with pytest.raises(ValueError, match=text):
        H2Configuration(**{option: value})


def test_own_options_are_for_keywords_only():
    with pytest.raises(TypeError):
        H2Configuration(True, None, True, True, False, True, True, None, True)


def test_output_logger_prints_debug_and_on_demand_trace():
    file = io.StringIO()
    logger = OutputLogger(file)
    logger.debug("frame %d", 1)
    logger.error("fault %s", "here")
    logger.trace("hidden")
    OutputLogger(file, trace_level=True).trace("shown %d", 2)
    assert file.getvalue() == "fasth2 (debug): frame 1\nfasth2 (error): fault here\nfasth2 (trace): shown 2\n"


def test_dummy_logger_takes_anything():
    logger = DummyLogger("name", 5)
    assert [log("%d %d", 1, extra=2) for log in (logger.debug, logger.error, logger.trace)] == [None] * 3
