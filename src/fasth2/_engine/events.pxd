# h2's events. The engine makes them with X.__new__(X) and sets their
# attributes: an unset one is None, not the constructor's default.
# No __dict__: Cython would make an empty one for every event (13 ns).

cdef class Event:
    pass


cdef class RequestReceived(Event):
    cdef public object stream_id           # int
    cdef public object headers             # list of HeaderTuple
    cdef public object stream_ended        # StreamEnded or None
    cdef public object priority_updated    # PriorityUpdated or None


cdef class ResponseReceived(Event):
    cdef public object stream_id           # int
    cdef public object headers             # list of HeaderTuple
    cdef public object stream_ended        # StreamEnded or None
    cdef public object priority_updated    # PriorityUpdated or None


cdef class TrailersReceived(Event):
    cdef public object stream_id           # int
    cdef public object headers             # list of HeaderTuple
    cdef public object stream_ended        # StreamEnded or None
    cdef public object priority_updated    # PriorityUpdated or None


cdef class InformationalResponseReceived(Event):
    cdef public object stream_id           # int
    cdef public object headers             # list of HeaderTuple
    cdef public object priority_updated    # PriorityUpdated or None


cdef class DataReceived(Event):
    cdef public object stream_id                 # int
    cdef public object data                      # bytes
    cdef public object flow_controlled_length    # int, octets with padding
    cdef public object stream_ended              # StreamEnded or None


cdef class WindowUpdated(Event):
    cdef public object stream_id    # int, 0 for the connection
    cdef public object delta        # int, octets


cdef class RemoteSettingsChanged(Event):
    cdef public object changed_settings    # dict of setting to ChangedSetting


cdef class PingReceived(Event):
    cdef public object ping_data    # bytes


cdef class PingAckReceived(Event):
    cdef public object ping_data    # bytes


cdef class StreamEnded(Event):
    cdef public object stream_id    # int


cdef class StreamReset(Event):
    cdef public object stream_id       # int
    cdef public object error_code      # ErrorCodes or int
    cdef public object remote_reset    # bool


cdef class PushedStreamReceived(Event):
    cdef public object pushed_stream_id    # int
    cdef public object parent_stream_id    # int
    cdef public object headers             # list of HeaderTuple


cdef class SettingsAcknowledged(Event):
    cdef public object changed_settings    # dict of setting to ChangedSetting


cdef class PriorityUpdated(Event):
    cdef public object stream_id     # int
    cdef public object weight        # int, 1 to 256
    cdef public object depends_on    # int
    cdef public object exclusive     # bool


cdef class ConnectionTerminated(Event):
    cdef public object error_code         # ErrorCodes or int
    cdef public object last_stream_id     # int
    cdef public object additional_data    # bytes or None


cdef class AlternativeServiceAvailable(Event):
    cdef public object origin         # bytes
    cdef public object field_value    # bytes


cdef class UnknownFrameReceived(Event):
    cdef public object frame    # ExtensionFrame


# A frame of an unknown type.
cdef class ExtensionFrame:
    cdef public object type         # int, 0 to 255
    cdef public object flag_byte    # int, 0 to 255
    cdef public object stream_id    # int
    cdef public object body         # bytes
