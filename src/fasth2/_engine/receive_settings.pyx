"""SETTINGS received (RFC 9113 section 6.5)."""
from libc.stdint cimport uint32_t, uint8_t

from fasth2._engine.core cimport Core, is_shut
from fasth2._cursor cimport load16, load32
from fasth2._engine.deliver cimport deliver_settings, deliver_settings_ack
from fasth2._engine.error_codes cimport PROTOCOL_ERROR
from fasth2._engine.errors cimport *
from fasth2._engine.flow_control cimport change_receive_windows, change_send_windows
from fasth2._frames cimport *
from fasth2._frames cimport FrameHeader, out_reserve, put_settings_ack
from fasth2._engine.limits cimport count_ack, count_suspicious
from fasth2._engine.role cimport is_client
from fasth2._engine.settings cimport (
    SETTING_HEADER_TABLE_SIZE,
    SETTING_INITIAL_WINDOW_SIZE,
    SETTING_MAX_FRAME_SIZE,
    SETTING_MAX_HEADER_LIST_SIZE,
    ChangedSetting,
    check_received,
    setting_code,
)

cdef enum:
    # RFC 9218 section 2.1
    NO_RFC7540_PRIORITIES = 9
    # Largest number of settings kept for the user, unknown ones included.
    SETTINGS_KEPT = 64


# SETTINGS, RFC 9113 section 6.5

cdef int on_settings(Core c, FrameHeader *h, const uint8_t *p) except -1:
    cdef int fault
    if h.flags & FLAG_ACK:
        if h.length:
            c.fault_value = f"{h.length} octets"
            return FAULT_SETTINGS_ACK_PAYLOAD
        if is_shut(c):
            return FAULT_CONNECTION_CLOSED
        return on_settings_ack(c)
    if h.length % 6:
        c.fault_value = f"{h.length} octets"
        return FAULT_SETTINGS_LENGTH
    if is_shut(c):
        return FAULT_CONNECTION_CLOSED
    if c.limits.settings_per_frame >= 0 and h.length // 6 > c.limits.settings_per_frame:
        c.fault_value = f"{h.length // 6}, the limit is {c.limits.settings_per_frame}"
        return FAULT_LIMIT_SETTINGS
    fault = apply_remote_settings(c, p, h.length)
    if fault != FAULT_NONE:
        return fault
    out_reserve(&c.out, FRAME_HEADER)
    put_settings_ack(&c.out)
    fault = count_ack(&c.limits, FRAME_HEADER)
    if fault == FAULT_NONE:
        fault = count_suspicious(&c.limits, c.clock, 0)
    return fault


cdef int apply_remote_settings(Core c, const uint8_t *p, Py_ssize_t n) except -1:
    """Check and apply the settings in n octets, a multiple of six, and add their event."""
    cdef Py_ssize_t i
    cdef uint32_t code, value, error
    cdef dict received = {}
    cdef dict changes
    cdef object key, number
    for i in range(0, n - 5, 6):
        code = load16(p + i)
        value = load32(p + i + 2)
        error = check_received(code, value, not is_client(&c.ids))
        if code == NO_RFC7540_PRIORITIES and c.rfc_errors:
            if value > 1:
                error = PROTOCOL_ERROR
            c.no_rfc7540 = value == 1
        if error:
            c.fault_value = f"{setting_code(code)!r} = {value}"
            return FAULT_SETTINGS_WINDOW if code == SETTING_INITIAL_WINDOW_SIZE else FAULT_SETTINGS_VALUE
        received[setting_code(code)] = value
    for i in range(0, n - 5, 6):
        if load16(p + i) == SETTING_HEADER_TABLE_SIZE:
            # One after the other: the smallest has to be signalled (RFC 7541 section 4.2).
            c.encoder.header_table_size = load32(p + i + 2)
    changes = {}
    for key, number in received.items():
        changes[key] = ChangedSetting(key, c.remote.get(key), number)
        if key in c.remote or len(c.remote) < SETTINGS_KEPT:
            c.remote.set_(key, number)
    fault = adopt_remote_settings(c, c.remote.acknowledge_all())
    if fault == FAULT_NONE:
        deliver_settings(c, changes)
    return fault


cdef int adopt_remote_settings(Core c, dict changes) except -1:
    """Apply the peer's settings, before the acknowledgment is sent (RFC 9113 section 6.5.3)."""
    cdef ChangedSetting change
    cdef int fault
    change = changes.get(SETTING_INITIAL_WINDOW_SIZE)
    if change is not None:
        fault = change_send_windows(c, change.original_value or 0, change.new_value)
        if fault != FAULT_NONE:
            return fault
    change = changes.get(SETTING_HEADER_TABLE_SIZE)
    if change is not None:
        c.encoder.header_table_size = change.new_value
    change = changes.get(SETTING_MAX_FRAME_SIZE)
    if change is not None:
        c.max_out_frame = change.new_value
    return FAULT_NONE


cdef int on_settings_ack(Core c) except -1:
    """Apply our settings at the peer's acknowledgment."""
    cdef bint asked = c.acks_expected > 0
    cdef dict changes = c.local.acknowledge_sent() if asked else {}
    cdef ChangedSetting change
    cdef int fault
    change = changes.get(SETTING_INITIAL_WINDOW_SIZE)
    if change is not None:
        fault = change_receive_windows(c, change.original_value or 0, change.new_value)
        if fault != FAULT_NONE:
            return fault
    change = changes.get(SETTING_MAX_HEADER_LIST_SIZE)
    if change is not None:
        c.limit_header_list(change.new_value)
    change = changes.get(SETTING_MAX_FRAME_SIZE)
    if change is not None:
        c.max_in_frame = change.new_value
    change = changes.get(SETTING_HEADER_TABLE_SIZE)
    if change is not None:
        c.decoder.max_allowed_table_size = change.new_value
    deliver_settings_ack(c, changes)
    if asked:
        c.acks_expected -= 1
        c.limits.acknowledged = True
        c.adopt_local_settings()
        return FAULT_NONE
    return count_suspicious(&c.limits, c.clock, 0)
