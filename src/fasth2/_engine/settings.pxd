# The settings of one endpoint (RFC 9113 section 6.5): current values and those
# not acknowledged yet.
from libc.stdint cimport int64_t, uint32_t, uint64_t

# Identifiers (RFC 9113 section 6.5.2, RFC 8441 section 3).
cdef enum:
    SETTING_HEADER_TABLE_SIZE = 1
    SETTING_ENABLE_PUSH = 2
    SETTING_MAX_CONCURRENT_STREAMS = 3
    SETTING_INITIAL_WINDOW_SIZE = 4
    SETTING_MAX_FRAME_SIZE = 5
    SETTING_MAX_HEADER_LIST_SIZE = 6
    SETTING_ENABLE_CONNECT_PROTOCOL = 8


cdef class ChangedSetting:
    cdef public object setting          # SettingCodes or int
    cdef public object original_value   # int, or None if there was none
    cdef public object new_value        # int


cdef class SettingsBase:
    # Current values in C, updated with every change of the mapping. Values that
    # exceed their type, which only the local application can set, are clamped.
    cdef uint64_t max_concurrent_streams_   # 2**32 + 1 when unset
    cdef int64_t max_header_list_size_      # octets; -1 when unset
    cdef uint32_t header_table_size_        # octets
    cdef uint32_t initial_window_size_      # octets
    cdef uint32_t max_frame_size_           # octets
    cdef bint enable_push_
    cdef bint enable_connect_protocol_
    cdef bint client_                       # these are a client's settings
    # Both are made once and changed in place only, so that no thread can access
    # a freed one.
    cdef dict current_                      # setting -> current value, None if there is none yet
    cdef dict pending_                      # setting -> list of queued values, never empty
    # Unacknowledged SETTINGS frames, oldest first: setting -> number of its queued values in the frame. A first entry
    # of None means one value of each queued setting. None instead of the list: no such frame.
    cdef list sent_

    # Queue a value until it is acknowledged. Raises InvalidSettingsValueError, or TypeError if it is not an int.
    cdef int set_(self, object key, object value) except -1
    # The same for several settings; on an error none is changed.
    cdef int set_all(self, dict settings) except -1
    cdef int take_back(self, object key) except -1
    # Record a sent SETTINGS frame with the queued values; its acknowledgment makes them current.
    cdef int mark_sent(self) except -1
    cdef dict acknowledge_sent(self)
    cdef int name_sent(self) except -1
    cdef dict move_on(self, dict counts)
    # Apply the next value of every setting that has one. Returns {setting: ChangedSetting}.
    cdef dict acknowledge_all(self)
    # Set a current value at once. `value` was accepted by check_setting.
    cdef int assign(self, object key, object value) except -1
    # Replace the whole state when unpickling.
    cdef int start_afresh(self, bint client, dict current, dict queues) except -1
    cdef int reset_mirrors(self, bint client) except -1
    # Update the C value of a setting, by its SettingCodes member; None for an unknown one.
    cdef void mirror(self, object code, int64_t number) noexcept
    cdef void mirror_unset(self, object code) noexcept


# Return the error code for a value received from a peer (from a client if
# from_client), NO_ERROR if it is valid (RFC 9113 section 6.5.2).
cdef uint32_t check_received(uint32_t code, uint32_t value, bint from_client) noexcept
# Return the SettingCodes member of a known identifier, else the int.
cdef object setting_code(uint32_t code)
