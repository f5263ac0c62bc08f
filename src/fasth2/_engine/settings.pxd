# RFC 9113 section 6.5: the settings of one endpoint, current values and those
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
    cdef public object original_value   # int, or None where there was none
    cdef public object new_value        # int


cdef class SettingsBase:
    # Current values in C. Every change of the mapping keeps them right; values
    # that only the local application can set too large are cut to the type.
    cdef uint64_t max_concurrent_streams_   # 2**32 + 1 when unset
    cdef int64_t max_header_list_size_      # octets; -1 when unset
    cdef uint32_t header_table_size_        # octets
    cdef uint32_t initial_window_size_      # octets
    cdef uint32_t max_frame_size_           # octets
    cdef bint enable_push_
    cdef bint enable_connect_protocol_
    cdef bint client_                       # these are a client's settings
    # Both are made once and only ever changed in place, so that no thread can
    # see one freed.
    cdef dict current_                      # setting -> current value, None when there is none yet
    cdef dict pending_                      # setting -> list of values to come, never empty
    # SETTINGS frames that are not acknowledged, oldest first: setting -> how many of its values each took along. The
    # first may be None: one of each setting that waits. None altogether: there is none.
    cdef list sent_

    # Queues a value until it is acknowledged. Raises InvalidSettingsValueError, or TypeError for a value that is no int.
    cdef int set_(self, object key, object value) except -1
    # The same for each, or for none.
    cdef int set_all(self, dict settings) except -1
    cdef int take_back(self, object key) except -1
    # A SETTINGS frame goes out, and takes along what waits; its acknowledgement makes that current.
    cdef int mark_sent(self) except -1
    cdef dict acknowledge_sent(self)
    cdef int name_sent(self) except -1
    cdef dict move_on(self, dict counts)
    # The next value of every setting that has one. Returns {setting: ChangedSetting}.
    cdef dict acknowledge_all(self)
    # Sets a current value at once. `value` has passed check_setting.
    cdef int assign(self, object key, object value) except -1
    # Forgets everything for what unpickling brings.
    cdef int start_afresh(self, bint client, dict current, dict queues) except -1
    cdef int reset_mirrors(self, bint client) except -1
    # Keep the C values right for a setting, by its SettingCodes member or None for an unknown one.
    cdef void mirror(self, object code, int64_t number) noexcept
    cdef void mirror_unset(self, object code) noexcept


# RFC 9113 section 6.5.2's error code for a value received from a peer (from a
# client if from_client), 0 when it is allowed.
cdef uint32_t check_received(uint32_t code, uint32_t value, bint from_client) noexcept
# SettingCodes member for a known identifier, else the int.
cdef object setting_code(uint32_t code)
