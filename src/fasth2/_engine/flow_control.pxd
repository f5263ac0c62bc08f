# Flow control: windows and their credit (RFC 9113 section 5.2 and 6.9).
from libc.stdint cimport int64_t, uint32_t

from fasth2._engine.core cimport Core
from fasth2._engine.stream cimport H2Stream

# Credit for the peer. The caller has claimed the connection.
cdef int acknowledge(Core c, int64_t size, uint32_t stream_id) except -1
cdef int consume(Core c, uint32_t stream_id, int64_t size, bint merge) except -1
cdef int increment_window(Core c, H2Stream s, int64_t size) except -1
cdef int return_unread(Core c, uint32_t octets) except -1
# The peer has acknowledged our SETTINGS_INITIAL_WINDOW_SIZE. Returns FAULT_NONE, or FAULT_WINDOW_OVERFLOW for the first
# stream whose window it makes too large.
cdef int change_receive_windows(Core c, int64_t old, int64_t new) except -1

# Credit for us: each returns FAULT_NONE or a fault.
cdef int credit_connection(Core c, uint32_t increment) except -1
cdef int credit_stream(Core c, H2Stream s, uint32_t increment) except -1
cdef int change_send_windows(Core c, int64_t old, int64_t new) except -1

# Separate credit of the connection and of a stream, for servers that buffer bodies. Each claims the connection.
cdef int return_body_credit(Core c, uint32_t stream_id, int64_t octets, bint is_read) except -1
cdef int return_connection_credit(Core c, int64_t octets) except -1
cdef int return_stream_credit(Core c, uint32_t stream_id, int64_t octets, bint is_read) except -1
cdef int reserve_update(Core c) except -1
cdef void stop_measuring(Core c) noexcept
cdef void end_growth(Core c) noexcept
cdef void give_back_growth(Core c) noexcept
cdef int measure(Core c, H2Stream s, int64_t octets) except -1
cdef int extend_connection_window(Core c, int64_t octets) except -1
