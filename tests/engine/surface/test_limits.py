"""The `Limits` object: the defaults, checks, and that it can't change."""
from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from fasth2 import limits
from fasth2.limits import Limits

DEFAULTS = {
    "concurrent_streams": 100,
    "reset_burst": 1000,
    "early_refusals": 1000,
    "reset_rate": 33,
    "ack_backlog": 1000,
    "control_backlog": 65536,
    "suspicious_burst": 10000,
    "suspicious_rate": 330,
    "ignored_octets": 1048576,
    "ignored_ratio": 8,
    "priority_frames": 100,
    "window_updates": 100,
    "settings_per_frame": 32,
    "header_list_size": 65536,
    "header_fields": 256,
    "continuation_frames": 64,
    "encoder_table_size": 4096,
    "string_size": 65536,
    "closed_streams": 1000,
    "unsent_body": 409600,
    "informational_responses": 100,
    "promised_streams": 100,
    "unreleased_requests": True,
}
NUMBERS = [name for name in DEFAULTS if name != "unreleased_requests"]


def test_defaults():
    assert {name: getattr(Limits(), name) for name in DEFAULTS} == DEFAULTS


def test_signature_names_every_limit_for_keywords_only():
    found = list(inspect.signature(Limits).parameters.values())
    assert {p.name: p.default for p in found} == DEFAULTS
    assert {p.kind for p in found} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError):
        Limits(100)
    with pytest.raises(TypeError):
        Limits(streams=100)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_a_constant_with_its_reason_and_is_documented(name):
    source = inspect.getsource(limits)
    assert getattr(limits, name.upper()) == DEFAULTS[name]
    assert re.search(rf"(#:.*\n)+{name.upper()} = ", source)
    assert f"{name}:" in Limits.__doc__


@pytest.mark.parametrize("name", DEFAULTS)
def test_none_switches_it_off(name):
    assert getattr(Limits(**{name: None}), name) is None


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, 1, 2**31 - 1])
def test_numbers_are_kept(name, value):
    assert getattr(Limits(**{name: value}), name) == value


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, 2**31, 2**64])
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be from 0 to 2147483647, not {value}$"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [True, 1.0, "1", b"1", []])
def test_other_types_are_refused(name, value):
    with pytest.raises(TypeError, match=f"^{name} must be an int or None, not {type(value).__name__}$"):
        Limits(**{name: value})


@pytest.mark.parametrize("value", [0, 1, "yes"])
def test_unreleased_requests_is_a_bool(value):
    with pytest.raises(TypeError, match="^unreleased_requests must be a bool or None"):
        Limits(unreleased_requests=value)


def test_equality_hash_and_repr():
    assert Limits() == Limits()
    assert hash(Limits()) == hash(Limits())
    assert Limits(reset_rate=5) != Limits()
    assert Limits() != DEFAULTS
    assert repr(Limits()) == "Limits()"
    changed = Limits(reset_rate=5, unreleased_requests=False, header_fields=None)
    assert repr(changed) == "Limits(reset_rate=5, header_fields=None, unreleased_requests=False)"
    assert eval(repr(changed)) == changed


@pytest.mark.parametrize("name", [*DEFAULTS, "new"])
def test_a_limit_cannot_be_assigned(name):
    made = Limits()
    with pytest.raises(AttributeError, match="can't be changed"):
        setattr(made, name, 5)
    with pytest.raises(AttributeError, match="can't be changed"):
        delattr(made, name)
    assert made == Limits()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_copies_are_equal(again):
    made = Limits(reset_rate=5, header_fields=None)
    assert again(made) == made
