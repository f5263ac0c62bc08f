"""`Settings` beside h2's over random sequences of operations, and the C values behind it."""
from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import MutableMapping

import h2.settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasth2.errors import ErrorCodes
from fasth2.exceptions import InvalidSettingsValueError
from fasth2.settings import ChangedSetting, SettingCodes, Settings, _setting_code_from_int

PROPERTIES = [
    "header_table_size",
    "enable_push",
    "initial_window_size",
    "max_frame_size",
    "max_concurrent_streams",
    "max_header_list_size",
    "enable_connect_protocol",
]

# Every known code, as a member and as a plain int, and unknown ones.
keys = st.one_of(
    st.sampled_from(list(SettingCodes)), st.sampled_from([int(code) for code in SettingCodes]), st.sampled_from([0, 7, 99])
)
values = st.one_of(
    st.sampled_from([-1, 0, 1, 2, 16383, 16384, 16777215, 16777216, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**64, True]),
    st.integers(0, 2**32 - 1),
)
operations = st.one_of(
    st.tuples(st.just("set"), keys, values),
    st.tuples(st.just("set property"), st.sampled_from(PROPERTIES), values),
    st.tuples(st.just("acknowledge")),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("get"), keys),
    st.tuples(st.just("contains"), keys),
    st.tuples(st.just("property"), st.sampled_from(PROPERTIES)),
    st.tuples(st.just("validate"), keys, values),
    st.tuples(st.just("pop"), keys),
    st.tuples(st.just("update"), st.dictionaries(keys, values, max_size=3)),
)
initial = st.one_of(st.none(), st.dictionaries(keys, values, max_size=4))


def their_key(key):
    return h2.settings.SettingCodes(key) if isinstance(key, SettingCodes) else key


def changes(changed):
    return [
        (int(key), type(key).__name__, int(change.setting), change.original_value, change.new_value)
        for key, change in changed.items()
    ]


def apply(target, convert, operation):
    """Run one operation; return what it gave or raised, to compare."""
    name, *arguments = operation
    try:
        if name == "set":
            target[convert(arguments[0])] = arguments[1]
            return None
        if name == "set property":
            setattr(target, arguments[0], arguments[1])
            return None
        if name == "acknowledge":
            return changes(target.acknowledge())
        if name == "delete":
            del target[convert(arguments[0])]
            return None
        if name == "get":
            return target.get(convert(arguments[0])), target[convert(arguments[0])]
        if name == "contains":
            return convert(arguments[0]) in target
        if name == "property":
            return getattr(target, arguments[0])
        if name == "validate":
            return target.validate_received_setting(convert(arguments[0]), arguments[1])
        if name == "pop":
            return target.pop(convert(arguments[0]))
        if name == "update":
            return target.update({convert(key): value for key, value in arguments[0].items()})
    except KeyError:
        return "KeyError"
    except Exception as error:
        return type(error).__name__, str(error), getattr(error, "error_code", None)
    raise AssertionError(name)


def state(target):
    """Everything that can be seen of a mapping."""
    return [(int(key), type(key).__name__, target.get(key)) for key in target], len(target)


def create(cls, client, convert, given):
    try:
        return cls(client=client, initial_values=given and {convert(key): value for key, value in given.items()})
    except Exception as error:
        return type(error).__name__, str(error), error.error_code


def expected_mirrors(target):
    """What the engine must read: the current values, the RFC's defaults where there is none, cut to the C type."""
    cut = lambda value, largest: min(max(int(value), 0), largest)  # noqa: E731
    limits = {1: 2**32 - 1, 2: 1, 3: 2**32 + 1, 4: 2**31 - 1, 5: 16777215, 6: 2**63 - 1, 8: 1}
    defaults = {1: 4096, 3: 2**32 + 1, 4: 65535, 5: 16384, 6: -1, 8: 0}
    found = {}
    for code in SettingCodes:
        value = target.get(code)
        found[code] = cut(value, limits[code]) if value is not None else defaults.get(code)
    return found


@given(st.booleans(), initial, st.lists(operations, max_size=30))
@settings(max_examples=1500, deadline=None)
def test_settings_behave_as_h2s_do(client, first, sequence):
    ours = create(Settings, client, lambda key: key, first)
    theirs = create(h2.settings.Settings, client, their_key, first)
    if isinstance(theirs, tuple):
        assert ours == theirs
        return
    for operation in sequence:
        before = copy.deepcopy(ours)
        result = apply(ours, lambda key: key, operation)
        assert result == apply(theirs, their_key, operation)
        assert state(ours) == state(theirs)
        if isinstance(result, tuple) and operation[0] == "set":
            assert ours == before
        mirrors = expected_mirrors(ours)
        if mirrors[SettingCodes.ENABLE_PUSH] is None:
            mirrors[SettingCodes.ENABLE_PUSH] = int(client)
        assert ours._mirrors() == mirrors


@given(initial, st.lists(operations, max_size=6), st.lists(operations, max_size=6))
@settings(max_examples=500, deadline=None)
def test_equality_is_h2s(first, one, two):
    pairs = []
    for cls, convert in ((Settings, lambda key: key), (h2.settings.Settings, their_key)):
        left, right = (create(cls, True, convert, first) for _ in range(2))
        if isinstance(left, tuple):
            return
        for target, sequence in ((left, one), (right, two)):
            for operation in sequence:
                apply(target, convert, operation)
        pairs.append((left == right, left != right))
    assert pairs[0] == pairs[1]


@given(st.booleans(), st.lists(operations, max_size=10))
@settings(max_examples=200, deadline=None)
def test_copies_are_equal_and_independent(client, sequence):
    original = Settings(client=client)
    for operation in sequence:
        apply(original, lambda key: key, operation)
    for again in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert again == original
        assert again._mirrors() == original._mirrors()
        before = state(original)
        again[SettingCodes.MAX_FRAME_SIZE] = 20000
        again.acknowledge()
        assert state(original) == before


def test_it_is_a_mutable_mapping_of_that_name():
    assert issubclass(Settings, MutableMapping)
    assert (Settings.__module__, Settings.__qualname__) == ("fasth2.settings", "Settings")
    assert (SettingCodes.__module__, SettingCodes.__qualname__) == ("fasth2.settings", "SettingCodes")


def test_it_is_unhashable_as_h2s():
    for cls in (Settings, h2.settings.Settings):
        with pytest.raises(TypeError):
            hash(cls())


def test_it_differs_from_a_dict():
    assert Settings() != dict(Settings())
    assert Settings().__eq__(dict(Settings())) is NotImplemented


@pytest.mark.parametrize("value", [None, "1", 1.0, b"1"])
def test_values_that_are_no_int_are_refused_and_change_nothing(value):
    ours = Settings()
    with pytest.raises(TypeError, match="must be an int"):
        ours[SettingCodes.INITIAL_WINDOW_SIZE] = value
    with pytest.raises(TypeError, match="must be an int"):
        Settings(initial_values={SettingCodes.MAX_FRAME_SIZE: value})
    assert ours == Settings()


def test_refused_value_names_setting_value_and_code():
    with pytest.raises(InvalidSettingsValueError, match="^Setting 4 has invalid value 2147483648$") as caught:
        Settings()[4] = 2**31
    assert caught.value.error_code is ErrorCodes.FLOW_CONTROL_ERROR


def test_second_init_starts_anew():
    ours = Settings(client=True, initial_values={3: 5})
    ours[4] = 100
    ours.__init__(client=False)
    assert ours == Settings(client=False)
    assert ours._mirrors() == Settings(client=False)._mirrors()


def test_changed_setting_is_like_h2s():
    ours = ChangedSetting(SettingCodes.MAX_FRAME_SIZE, None, 20000)
    theirs = h2.settings.ChangedSetting(h2.settings.SettingCodes.MAX_FRAME_SIZE, None, 20000)
    assert repr(ours) == repr(theirs)
    assert (ours.setting, ours.original_value, ours.new_value) == (5, None, 20000)
    assert repr(ChangedSetting(99, 1, 2)) == repr(h2.settings.ChangedSetting(99, 1, 2))
    assert ours != ChangedSetting(SettingCodes.MAX_FRAME_SIZE, None, 20000)
    assert repr(copy.copy(ours)) == repr(pickle.loads(pickle.dumps(ours))) == repr(ours)


def test_code_from_int():
    assert _setting_code_from_int(4) is SettingCodes.INITIAL_WINDOW_SIZE
    assert _setting_code_from_int(99) == 99


def test_settings_take_little_memory():
    made = Settings(client=False, initial_values=dict.fromkeys((3, 6), 1))
    parts = [made, *vars_of(made)]
    assert sum(sys.getsizeof(part) for part in parts) < 1200


def vars_of(made):
    """What the settings object holds, as the collector sees it."""
    import gc

    return [part for part in gc.get_referents(made) if not isinstance(part, type)]
