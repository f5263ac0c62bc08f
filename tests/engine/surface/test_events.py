"""Events beside h2's: constructors, attributes, equality, texts, copies."""
from __future__ import annotations

import copy
import dataclasses
import gc
import pickle

import h2.errors
import h2.events
import h2.settings
import pytest

import fasth2.events
from fasth2.errors import ErrorCodes
from fasth2.events import ExtensionFrame, StreamEnded
from fasth2.settings import ChangedSetting, SettingCodes

CLASSES = {
    name: (getattr(fasth2.events, name), value)
    for name, value in vars(h2.events).items()
    if isinstance(value, type) and issubclass(value, h2.events.Event) and not name.startswith("_")
}
DATACLASSES = [name for name, (_, theirs) in CLASSES.items() if dataclasses.is_dataclass(theirs)]
PLAIN = [name for name in CLASSES if name not in DATACLASSES and name != "Event"]

#: Values of each attribute, the same for both packages.
VALUES = {
    "stream_id": [1, 2**31 - 1],
    "headers": [[(b":method", b"GET"), (b"cookie", b"\xff\n")], [], [("a", "\u00e9")]],
    "stream_ended": [None, "an event"],
    "priority_updated": [None, "an event"],
    "data": [b"", b"\x00\xff and more than twenty octets of it", None],
    "flow_controlled_length": [0, 16384],
    "delta": [1, 2**31 - 1],
    "ping_data": [b"\x00\x01\x02\x03abcd", b""],
    "error_code": [0, 0xFFFFFFFF, h2.errors.ErrorCodes.CANCEL],
    "remote_reset": [True, False],
    "frame": ["a frame"],
    "changed_settings": [{}],
    "pushed_stream_id": [2],
    "parent_stream_id": [1],
    "weight": [16],
    "depends_on": [0],
    "exclusive": [True],
    "last_stream_id": [0, 7],
    "additional_data": [None, b"", b"\x00\xff and more than twenty octets of it"],
    "origin": [None, b"https://example.com\xff"],
    "field_value": [None, b'h2=":443"; ma=60'],
}


def names_of(name):
    """The attributes of an event class, from h2."""
    theirs = CLASSES[name][1]
    if dataclasses.is_dataclass(theirs):
        return [field.name for field in dataclasses.fields(theirs)]
    return list(vars(theirs()))


def cases(name):
    """Attribute values for a class: everything at its first value, then each other value alone."""
    attributes = names_of(name)
    first = {attribute: VALUES[attribute][0] for attribute in attributes}
    yield first
    for attribute in attributes:
        for value in VALUES[attribute][1:]:
            yield {**first, attribute: value}


def make(cls, values):
    """An event with these values, the way its class is made."""
    if dataclasses.is_dataclass(cls):
        return cls(**values)
    event = cls()
    for attribute, value in values.items():
        setattr(event, attribute, value)
    return event


DATACLASS_CASES = [(name, values) for name in DATACLASSES for values in cases(name)]
ALL_CASES = [(name, values) for name in [*DATACLASSES, *PLAIN] for values in cases(name)]


def error_of(call):
    try:
        call()
    except Exception as error:
        return type(error)
    return None


def test_every_event_of_h2_is_here():
    others = {"ExtensionFrame", "ChangedSetting", "ErrorCodes", "SettingCodes"}
    assert set(fasth2.events.__all__) - others == set(CLASSES)


@pytest.mark.parametrize(("name", "values"), ALL_CASES)
def test_attributes_and_text_are_h2s(name, values):
    ours, theirs = (make(cls, values) for cls in CLASSES[name])
    assert {attribute: getattr(ours, attribute) for attribute in values} == values
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", DATACLASSES)
def test_constructor_takes_what_h2s_takes(name):
    ours, theirs = CLASSES[name]
    values = next(iter(cases(name)))
    assert error_of(lambda: ours(*values.values())) is error_of(lambda: theirs(*values.values())) is TypeError
    assert error_of(lambda: ours(**values, other=1)) is error_of(lambda: theirs(**values, other=1)) is TypeError
    for attribute in values:
        rest = {key: value for key, value in values.items() if key != attribute}
        assert error_of(lambda rest=rest: ours(**rest)) is error_of(lambda rest=rest: theirs(**rest))


@pytest.mark.parametrize("name", DATACLASSES)
def test_defaults(name):
    ours, theirs = CLASSES[name]
    required = {
        field.name: VALUES[field.name][0] for field in dataclasses.fields(theirs) if field.default is dataclasses.MISSING
    }
    made, model = ours(**required), theirs(**required)
    for attribute in names_of(name):
        # h2 fills some attributes later; until then a placeholder stands there.
        expected = getattr(model, attribute)
        assert getattr(made, attribute) == (None if type(expected) is object else expected)


@pytest.mark.parametrize("name", PLAIN)
def test_constructor_without_arguments(name):
    ours, theirs = CLASSES[name]
    made, model = ours(), theirs()
    assert {attribute: getattr(made, attribute) for attribute in vars(model)} == vars(model)
    assert error_of(lambda: ours(1)) is error_of(lambda: theirs(1)) is TypeError
    assert error_of(lambda: ours(stream_id=1)) is error_of(lambda: theirs(stream_id=1)) is TypeError


@pytest.mark.parametrize(("name", "values"), DATACLASS_CASES)
def test_dataclass_event_equals_by_type_and_fields(name, values):
    ours = CLASSES[name][0]
    event = make(ours, values)
    assert event == make(ours, values)
    assert (event != make(ours, values)) is False
    for attribute in values:
        assert event != make(ours, {**values, attribute: "another"})
    derived = make(type("Derived", (ours,), {}), values)
    assert event != derived
    assert derived != event
    assert event != values
    assert event.__eq__(values) is NotImplemented


@pytest.mark.parametrize("name", ["PingReceived", "PingAckReceived"])
def test_events_of_other_types_differ(name):
    other = {"PingReceived": "PingAckReceived", "PingAckReceived": "PingReceived"}[name]
    assert CLASSES[name][0](ping_data=b"12345678") != CLASSES[other][0](ping_data=b"12345678")


@pytest.mark.parametrize("name", DATACLASSES)
def test_dataclass_event_is_unhashable(name):
    ours, theirs = (make(cls, next(iter(cases(name)))) for cls in CLASSES[name])
    assert error_of(lambda: hash(ours)) is error_of(lambda: hash(theirs)) is TypeError


@pytest.mark.parametrize("name", [*PLAIN, "Event"])
def test_plain_event_equals_itself_only(name):
    ours = CLASSES[name][0]
    first, second = ours(), ours()
    assert first == first
    assert first != second
    assert len({first, second, first}) == 2


@pytest.mark.parametrize("name", list(CLASSES))
def test_every_event_is_an_event(name):
    ours, theirs = CLASSES[name]
    assert issubclass(ours, fasth2.events.Event)
    assert dataclasses.is_dataclass(ours) == dataclasses.is_dataclass(theirs)


@pytest.mark.parametrize("name", DATACLASSES)
def test_dataclasses_module_knows_them(name):
    ours, theirs = CLASSES[name]
    describe = lambda cls: [  # noqa: E731
        (field.name, field.default is dataclasses.MISSING, field.kw_only, field.init, field.repr, field.compare)
        for field in dataclasses.fields(cls)
    ]
    assert describe(ours) == describe(theirs)
    assert ours.__match_args__ == theirs.__match_args__ == ()
    values = next(iter(cases(name)))
    event = ours(**values)
    assert dataclasses.asdict(event) == values
    first = names_of(name)[0]
    assert dataclasses.replace(event, **{first: "another"}) == ours(**{**values, first: "another"})


COPIES = [copy.copy, copy.deepcopy] + [
    lambda event, protocol=protocol: pickle.loads(pickle.dumps(event, protocol))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
]


@pytest.mark.parametrize("again", COPIES)
@pytest.mark.parametrize(("name", "values"), ALL_CASES)
def test_copies_have_the_same_attributes(name, values, again):
    event = make(CLASSES[name][0], values)
    made = again(event)
    assert type(made) is type(event)
    assert made is not event
    assert {attribute: getattr(made, attribute) for attribute in values} == values


class Extended(fasth2.events.DataReceived):
    """A subclass as an application may write one."""

    mark = None


@pytest.mark.parametrize("again", COPIES)
def test_subclass_keeps_its_own_attributes(again):
    event = Extended(stream_id=1, data=b"x")
    event.mark = "mine"
    made = again(event)
    assert made == event
    assert made.mark == "mine"


@pytest.mark.parametrize("name", [*DATACLASSES, *PLAIN])
def test_attributes_can_be_assigned_but_not_deleted_into_nothing(name):
    event = make(CLASSES[name][0], next(iter(cases(name))))
    for attribute in names_of(name):
        setattr(event, attribute, "assigned")
        assert getattr(event, attribute) == "assigned"
        delattr(event, attribute)
        assert getattr(event, attribute) is None


def test_a_subclass_may_make_a_property_of_an_attribute():
    """An assignment goes to the subclass's property, as with any class."""
    class Doubled(fasth2.events.DataReceived):
        @property
        def data(self):
            return fasth2.events.DataReceived.data.__get__(self) * 2

        @data.setter
        def data(self, value):
            self.seen = value

    event = Doubled(stream_id=1)
    event.data = b"x"
    event.stream_id = 3
    assert event.seen == b"x" and event.stream_id == 3 and vars(event) == {"seen": b"x"}
    del event.seen
    with pytest.raises(AttributeError):
        del event.data
    with pytest.raises(AttributeError):
        del event.absent


@pytest.mark.parametrize("name", [*DATACLASSES, *PLAIN])
def test_new_without_init_leaves_none(name):
    ours = CLASSES[name][0]
    event = ours.__new__(ours)
    assert {getattr(event, attribute) for attribute in names_of(name)} == {None}


@pytest.mark.parametrize(
    "name", ["RequestReceived", "DataReceived", "StreamEnded", "WindowUpdated", "PingReceived", "StreamReset"]
)
def test_frequent_events_stay_out_of_the_collector(name):
    assert not gc.is_tracked(make(CLASSES[name][0], next(iter(cases(name)))))


def test_from_settings():
    old = fasth2.settings.Settings(client=True)
    ours = fasth2.events.RemoteSettingsChanged.from_settings(old, {4: 100, 0xABCD: 5})
    theirs = h2.events.RemoteSettingsChanged.from_settings(h2.settings.Settings(client=True), {4: 100, 0xABCD: 5})
    assert repr(ours) == repr(theirs)
    assert [type(key) for key in ours.changed_settings] == [SettingCodes, int]
    assert ours.changed_settings[SettingCodes.INITIAL_WINDOW_SIZE].original_value == 65535
    assert ours.changed_settings[0xABCD].original_value is None


def test_text_of_settings_events():
    for cls, change_class, code in (
        (fasth2.events.SettingsAcknowledged, ChangedSetting, SettingCodes.MAX_FRAME_SIZE),
        (h2.events.SettingsAcknowledged, h2.settings.ChangedSetting, h2.settings.SettingCodes.MAX_FRAME_SIZE),
    ):
        event = cls()
        event.changed_settings[code] = change_class(code, 16384, 20000)
        text = repr(event)
        if cls is fasth2.events.SettingsAcknowledged:
            ours = text
    assert ours == text


def test_related_events_compare_by_value():
    one = fasth2.events.DataReceived(stream_id=1, data=b"x", stream_ended=StreamEnded(stream_id=1))
    two = fasth2.events.DataReceived(stream_id=1, data=b"x", stream_ended=StreamEnded(stream_id=1))
    assert one == two
    two.stream_ended = StreamEnded(stream_id=3)
    assert one != two


def test_error_code_keeps_its_type():
    assert fasth2.events.StreamReset(stream_id=1, error_code=ErrorCodes.CANCEL).error_code is ErrorCodes.CANCEL


class TestExtensionFrame:
    def test_attributes(self):
        frame = ExtensionFrame(0xF0, 5, 0x81, b"payload")
        assert (frame.type, frame.stream_id, frame.flag_byte, frame.flags) == (0xF0, 5, 0x81, 0x81)
        assert (frame.body, frame.body_len) == (b"payload", 7)
        assert (ExtensionFrame(type=1, stream_id=0).flags, ExtensionFrame(type=1, stream_id=0).body) == (0, b"")

    def test_serialize_is_hyperframes(self):
        import hyperframe.frame

        theirs = hyperframe.frame.ExtensionFrame(type=0xF0, stream_id=5, flag_byte=0x81, body=b"payload")
        theirs.body_len = 7
        assert ExtensionFrame(0xF0, 5, 0x81, b"payload").serialize() == theirs.serialize()

    def test_text(self):
        assert repr(ExtensionFrame(240, 5, 1, b"\x00\xff")) == (
            "ExtensionFrame(type=240, stream_id=5, flags=1, body=00ff)"
        )
        assert repr(ExtensionFrame(240, 5, 1, b"x" * 11)) == (
            "ExtensionFrame(type=240, stream_id=5, flags=1, body=78787878787878787878...)"
        )

    @pytest.mark.parametrize("again", COPIES)
    def test_copies(self, again):
        frame = again(ExtensionFrame(240, 5, 1, b"x"))
        assert (frame.type, frame.stream_id, frame.flags, frame.body) == (240, 5, 1, b"x")
