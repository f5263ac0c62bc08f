"""The events that `H2Connection.receive_data` returns: h2's, compiled.

Those made for every request are not tracked by the cyclic garbage collector:
they hold ints, bytes, lists of header fields and each other, never in a cycle.
"""
import copyreg
import dataclasses
import sys
from types import MemberDescriptorType

import cython
from cpython.object cimport PyObject_GenericSetAttr

from fasth2._engine.members cimport as_members

from .settings import ChangedSetting, _setting_code_from_int

# The source of `dataclasses.fields` of the events: dataclasses with the same
# fields, which serve no other purpose.
_REQUIRED = dataclasses.MISSING


def _fields_of(**defaults):
    spec = []
    for name, default in defaults.items():
        spec.append((name, object) if default is _REQUIRED else (name, object, dataclasses.field(default=default)))
    made = dataclasses.make_dataclass(
        "Event", spec, kw_only=True, init=False, repr=False, eq=False, namespace={"__doc__": "Fields."},
    )
    return made.__dataclass_fields__


cdef str hexadecimal(object data):
    # `data` may be any object set by an application; it is only read.
    return None if data is None else bytes(data).hex()


cdef object same(Event event, object other):
    if type(event) is not type(other):
        return NotImplemented
    for name in event._fields:
        if getattr(event, name) != getattr(other, name):
            return False
    return True


# The read-only descriptors of the events' attributes, and those that set them.
cdef dict setters = {}


cdef object setter_of(Event event, object name):
    cdef object reader = getattr(type(event), name, None)
    return setters.get(reader) if type(reader) is MemberDescriptorType else None


cdef class Event:
    """Base of all events."""

    _fields = ()

    def __setattr__(self, name, value):
        cdef object setter = setter_of(self, name)
        if setter is None:
            PyObject_GenericSetAttr(self, name, value)
        else:
            setter.__set__(self, value)

    def __delattr__(self, name):
        cdef object setter = setter_of(self, name)
        if setter is None:
            PyObject_GenericSetAttr(self, name, <object>NULL)
        else:
            setter.__set__(self, None)

    def __reduce__(self):
        state = {name: getattr(self, name) for name in self._fields}
        return copyreg.__newobj__, (type(self),), (getattr(self, "__dict__", None) or None, state)


@cython.no_gc
cdef class RequestReceived(Event):
    """A request's header list was received.

    Args:
        stream_id: The request's stream.
        headers: The request's header fields, pseudo-header fields first.
        stream_ended: The `StreamEnded` event when the request has no body.
        priority_updated: The `PriorityUpdated` event when HEADERS carried a priority.
    """

    _fields = ("stream_id", "headers", "stream_ended", "priority_updated")
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED, headers=None, stream_ended=None, priority_updated=None)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id, headers=None, stream_ended=None, priority_updated=None):
        self.stream_id = stream_id
        self.headers = headers
        self.stream_ended = stream_ended
        self.priority_updated = priority_updated

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<RequestReceived stream_id:{self.stream_id}, headers:{self.headers}>"


@cython.no_gc
cdef class ResponseReceived(Event):
    """A response's header list was received.

    Args:
        stream_id: The response's stream.
        headers: The response's header fields, ``:status`` first.
        stream_ended: The `StreamEnded` event when the response has no body.
        priority_updated: The `PriorityUpdated` event when HEADERS carried a priority.
    """

    _fields = ("stream_id", "headers", "stream_ended", "priority_updated")
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED, headers=None, stream_ended=None, priority_updated=None)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id, headers=None, stream_ended=None, priority_updated=None):
        self.stream_id = stream_id
        self.headers = headers
        self.stream_ended = stream_ended
        self.priority_updated = priority_updated

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<ResponseReceived stream_id:{self.stream_id}, headers:{self.headers}>"


@cython.no_gc
cdef class TrailersReceived(Event):
    """Trailers, which end the stream, were received.

    Args:
        stream_id: The stream.
        headers: The trailer fields.
        stream_ended: The `StreamEnded` event.
        priority_updated: The `PriorityUpdated` event when HEADERS carried a priority.
    """

    _fields = ("stream_id", "headers", "stream_ended", "priority_updated")
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED, headers=None, stream_ended=None, priority_updated=None)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id, headers=None, stream_ended=None, priority_updated=None):
        self.stream_id = stream_id
        self.headers = headers
        self.stream_ended = stream_ended
        self.priority_updated = priority_updated

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<TrailersReceived stream_id:{self.stream_id}, headers:{self.headers}>"


@cython.no_gc
cdef class InformationalResponseReceived(Event):
    """An informational response, status 100 to 199, was received; the final one follows.

    Args:
        stream_id: The response's stream.
        headers: The response's header fields, ``:status`` first.
        priority_updated: The `PriorityUpdated` event when HEADERS carried a priority.
    """

    _fields = ("stream_id", "headers", "priority_updated")
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED, headers=None, priority_updated=None)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id, headers=None, priority_updated=None):
        self.stream_id = stream_id
        self.headers = headers
        self.priority_updated = priority_updated

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<InformationalResponseReceived stream_id:{self.stream_id}, headers:{self.headers}>"


@cython.no_gc
cdef class DataReceived(Event):
    """A part of a body was received.

    Args:
        stream_id: The stream.
        data: The octets, padding taken off.
        flow_controlled_length: Octets to give to `acknowledge_received_data`:
            those of ``data`` and of the padding.
        stream_ended: The `StreamEnded` event when this is the last part.
    """

    _fields = ("stream_id", "data", "flow_controlled_length", "stream_ended")
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED, data=None, flow_controlled_length=None, stream_ended=None)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id, data=None, flow_controlled_length=None, stream_ended=None):
        self.stream_id = stream_id
        self.data = data
        self.flow_controlled_length = flow_controlled_length
        self.stream_ended = stream_ended

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return (
            f"<DataReceived stream_id:{self.stream_id}, flow_controlled_length:{self.flow_controlled_length}, "
            f"data:{hexadecimal(self.data[:20]) if self.data else ''}>"
        )


@cython.no_gc
cdef class WindowUpdated(Event):
    """The peer has increased a flow-control window.

    Args:
        stream_id: The stream, or 0 for the connection.
        delta: Octets that may be sent in addition.
    """

    _fields = ("stream_id", "delta")
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED, delta=None)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id, delta=None):
        self.stream_id = stream_id
        self.delta = delta

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<WindowUpdated stream_id:{self.stream_id}, delta:{self.delta}>"


cdef class RemoteSettingsChanged(Event):
    """The peer has changed its settings; the acknowledgment is sent automatically.

    ``changed_settings`` maps each setting received to its `ChangedSetting`.
    """

    _fields = ("changed_settings",)

    @cython.critical_section
    def __init__(self):
        self.changed_settings = {}

    @classmethod
    def from_settings(cls, old_settings, new_settings):
        """Make the event from settings before and after.

        Args:
            old_settings: A mapping of setting to value with all old settings.
            new_settings: A mapping of setting to value with those received.

        Returns:
            The event.
        """
        event = cls()
        for setting, new_value in new_settings.items():
            code = _setting_code_from_int(setting)
            event.changed_settings[code] = ChangedSetting(code, old_settings.get(code), new_value)
        return event

    def __repr__(self):
        changes = ", ".join(map(repr, self.changed_settings.values()))
        return f"<RemoteSettingsChanged changed_settings:{{{changes}}}>"


@cython.no_gc
cdef class PingReceived(Event):
    """The peer has sent a PING; the acknowledgment is sent automatically.

    Args:
        ping_data: The eight octets that the PING carried.
    """

    _fields = ("ping_data",)
    __dataclass_fields__ = _fields_of(ping_data=_REQUIRED)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, ping_data):
        self.ping_data = ping_data

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<PingReceived ping_data:{hexadecimal(self.ping_data)}>"


@cython.no_gc
cdef class PingAckReceived(Event):
    """The peer has acknowledged a PING.

    Args:
        ping_data: The eight octets that the PING carried.
    """

    _fields = ("ping_data",)
    __dataclass_fields__ = _fields_of(ping_data=_REQUIRED)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, ping_data):
        self.ping_data = ping_data

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<PingAckReceived ping_data:{hexadecimal(self.ping_data)}>"


@cython.no_gc
cdef class StreamEnded(Event):
    """The peer has ended its side of a stream; our side may still be open.

    Args:
        stream_id: The stream.
    """

    _fields = ("stream_id",)
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id):
        self.stream_id = stream_id

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return f"<StreamEnded stream_id:{self.stream_id}>"


@cython.no_gc
cdef class StreamReset(Event):
    """A stream was reset, by the peer or by the engine for the peer's fault.

    Args:
        stream_id: The stream.
        error_code: The code, an `ErrorCodes` member where it has a name.
        remote_reset: True if the peer did it.
    """

    _fields = ("stream_id", "error_code", "remote_reset")
    __dataclass_fields__ = _fields_of(stream_id=_REQUIRED, error_code=None, remote_reset=True)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, stream_id, error_code=None, remote_reset=True):
        self.stream_id = stream_id
        self.error_code = error_code
        self.remote_reset = remote_reset

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return (
            f"<StreamReset stream_id:{self.stream_id}, error_code:{self.error_code!s}, "
            f"remote_reset:{self.remote_reset}>"
        )


cdef class PushedStreamReceived(Event):
    """The peer has promised a pushed stream.

    ``pushed_stream_id`` is the new stream, ``parent_stream_id`` the one it
    belongs to, ``headers`` the request the peer answers without being asked.
    """

    _fields = ("pushed_stream_id", "parent_stream_id", "headers")

    def __init__(self):
        pass

    def __repr__(self):
        return (
            f"<PushedStreamReceived pushed_stream_id:{self.pushed_stream_id}, "
            f"parent_stream_id:{self.parent_stream_id}, headers:{self.headers}>"
        )


cdef class SettingsAcknowledged(Event):
    """The peer has acknowledged our settings.

    ``changed_settings`` maps each setting now in force to its `ChangedSetting`.
    """

    _fields = ("changed_settings",)

    @cython.critical_section
    def __init__(self):
        self.changed_settings = {}

    def __repr__(self):
        changes = ", ".join(map(repr, self.changed_settings.values()))
        return f"<SettingsAcknowledged changed_settings:{{{changes}}}>"


cdef class PriorityUpdated(Event):
    """The peer has set a stream's priority (RFC 7540 section 5.3); advisory only.

    ``weight`` is 1 to 256, ``depends_on`` a stream or 0, ``exclusive`` whether
    it is to be that stream's only dependant.
    """

    _fields = ("stream_id", "weight", "depends_on", "exclusive")

    def __init__(self):
        pass

    def __repr__(self):
        return (
            f"<PriorityUpdated stream_id:{self.stream_id}, weight:{self.weight}, depends_on:{self.depends_on}, "
            f"exclusive:{self.exclusive}>"
        )


cdef class ConnectionTerminated(Event):
    """The peer has sent GOAWAY.

    ``error_code`` is an `ErrorCodes` member where it has a name,
    ``last_stream_id`` the last of our streams the peer may have acted on,
    ``additional_data`` its debug data or ``None``.
    """

    _fields = ("error_code", "last_stream_id", "additional_data")

    def __init__(self):
        pass

    def __repr__(self):
        return (
            f"<ConnectionTerminated error_code:{self.error_code!s}, last_stream_id:{self.last_stream_id}, "
            f"additional_data:{hexadecimal(self.additional_data[:20] if self.additional_data else None)}>"
        )


cdef class AlternativeServiceAvailable(Event):
    """The peer has advertised an alternative service of an origin (RFC 7838).

    ``origin`` and ``field_value`` are the octets as received; ``origin`` is
    the request's authority when the frame came on its stream.
    """

    _fields = ("origin", "field_value")

    def __init__(self):
        pass

    def __repr__(self):
        origin = (self.origin or b"").decode("utf-8", "ignore")
        value = (self.field_value or b"").decode("utf-8", "ignore")
        return f"<AlternativeServiceAvailable origin:{origin}, field_value:{value}>"


cdef class UnknownFrameReceived(Event):
    """A frame of an unknown type was received and ignored.

    Args:
        frame: The `ExtensionFrame`.
    """

    _fields = ("frame",)
    __dataclass_fields__ = _fields_of(frame=_REQUIRED)
    __match_args__ = ()
    __hash__ = None

    @cython.critical_section
    def __init__(self, *, frame):
        self.frame = frame

    def __eq__(self, other):
        return same(self, other)

    def __repr__(self):
        return "<UnknownFrameReceived>"


cdef class ExtensionFrame:
    """A frame of an unknown type.

    Args:
        type: The frame type, 0 to 255.
        stream_id: The stream, or 0.
        flag_byte: The flags, 0 to 255.
        body: The payload.
    """

    @cython.critical_section
    def __init__(self, type, stream_id, flag_byte=0, body=b""):
        self.type = type
        self.stream_id = stream_id
        self.flag_byte = flag_byte
        self.body = body

    @property
    def __class__(self):
        # For `isinstance` with the class of the frames in h2's events, in programs that have loaded hyperframe.
        return getattr(sys.modules.get("hyperframe.frame"), "ExtensionFrame", type(self))

    @property
    def flags(self):
        """The flags, 0 to 255: the same as ``flag_byte``."""
        return self.flag_byte

    @property
    def body_len(self):
        """Octets of the payload."""
        return len(self.body)

    def serialize(self):
        """Return the frame in its wire format, as ``bytes``."""
        return b"".join((
            len(self.body).to_bytes(3, "big"),
            bytes((self.type, self.flag_byte)),
            (self.stream_id & 0x7fffffff).to_bytes(4, "big"),
            self.body,
        ))

    def __repr__(self):
        body = hexadecimal(self.body[:10])
        return (
            f"ExtensionFrame(type={self.type}, stream_id={self.stream_id}, flags={self.flag_byte}, "
            f"body={body}{'...' if len(self.body) > 10 else ''})"
        )

    def __reduce__(self):
        arguments = (self.type, self.stream_id, self.flag_byte, self.body)
        return type(self), arguments, getattr(self, "__dict__", None) or None


cdef int without_getters() except -1:
    cdef object cls
    for cls in (
        RequestReceived, ResponseReceived, TrailersReceived, InformationalResponseReceived, DataReceived, WindowUpdated,
        RemoteSettingsChanged, PingReceived, PingAckReceived, StreamEnded, StreamReset, PushedStreamReceived,
        SettingsAcknowledged, PriorityUpdated, ConnectionTerminated, AlternativeServiceAvailable, UnknownFrameReceived,
    ):
        setters.update(as_members(cls, cls.__new__(cls), cls._fields))
    return 0


without_getters()
