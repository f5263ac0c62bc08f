# The state of one connection and the operations that receiving and sending
# share. `receive` and `send` are the two paths over it; H2Connection
# (`connection`) is the public class.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from fasth2._frames cimport OutBuffer, ReadBuffer
from fasth2._engine.headers cimport BlockInfo, OutgoingFields
from fasth2.hpack.decoder cimport Decoder, Entry
from fasth2.hpack.encoder cimport Encoder
from fasth2._engine.limits cimport LimitState
from fasth2._priority cimport EarlyUpdates
from fasth2._engine.role cimport Identifiers, highest_of_side
from fasth2._engine.settings cimport SettingsBase
from fasth2._engine.stream cimport H2Stream
from fasth2._engine.stream_table cimport StreamTable
from fasth2._engine.window_growth cimport WindowGrowth
from fasth2._window cimport ReceiveWindow
from fasth2.windows cimport AdaptiveWindows

cdef enum:
    # Octets of the client's connection preface before SETTINGS (RFC 9113 section 3.4).
    PREFACE_LENGTH = 24

# A bint has four octets, which adds up in an object of each connection.
ctypedef uint8_t flag

cdef enum:
    C_IDLE = 0               # no HEADERS yet
    C_OPEN = 1
    C_CLOSED = 2             # a GOAWAY was sent or received, or the connection failed


cdef struct Block:
    # An incomplete field block (RFC 9113 section 4.3).
    uint8_t *data            # owned
    Py_ssize_t length
    Py_ssize_t capacity
    uint32_t stream_id       # 0: no block is incomplete
    uint32_t promised        # the stream that PUSH_PROMISE promises; 0: the first frame is HEADERS
    int64_t frames           # CONTINUATION frames so far
    uint32_t depends_on
    uint16_t weight
    uint8_t flags            # of the first frame
    flag has_priority
    flag exclusive


cdef struct Overlong:
    # A frame that is longer than we allow and whose payload is skipped.
    uint32_t left            # octets that have not arrived; 0: there is none
    uint32_t length
    uint32_t stream_id


cdef enum:
    MERGE_MAX = 64


cdef struct Merge:
    # Consecutive DATA frames of one stream in the input, not yet copied out of it.
    const uint8_t *data[MERGE_MAX]
    uint32_t length[MERGE_MAX]
    int count
    Py_ssize_t octets        # of data
    int64_t flow             # octets with padding
    bint ends


cdef class RequestMaker:
    # Converts a request's fields to another object than a list of pairs, for `ready_requests`.

    # The fields are borrowed. Called before the stream is opened; an exception ends the connection.
    cdef object make(self, Entry **fields, Py_ssize_t n, BlockInfo *info)


cdef class Core:
    cdef object _config
    cdef list config_changes         # its mark, another object after each assignment to an option; None: it has none
    cdef object config_seen          # the mark when the configuration was applied
    cdef RequestMaker maker          # of the slim requests' `headers`; None: a list of pairs
    cdef readonly Decoder decoder
    cdef readonly Encoder encoder
    cdef SettingsBase local
    cdef SettingsBase remote
    cdef StreamTable table
    cdef OutgoingFields outgoing
    # from the configuration
    cdef int rules                   # RULE_*
    cdef flag rfc_errors
    cdef flag join_cookies
    cdef flag local_replaced         # `local` was, by the user: its values are in force from initiate_connection on
    cdef object late_encoding        # a header encoding that the decoder does not support itself, or None
    cdef object logger               # None: no logging
    cdef object clock
    # connection
    cdef uint8_t phase               # C_*
    # Of `growth`, whenever it is made.
    cdef uint8_t by_stream           # 1: see there
    cdef uint8_t leaving             # 1: see there
    cdef flag failed                 # a connection error: input is ignored from now on
    cdef flag settings_seen          # the peer's first frame was received
    cdef flag goaway_received
    cdef flag no_rfc7540             # the peer's SETTINGS_NO_RFC7540_PRIORITIES, under rfc_errors
    cdef flag slim                   # ready_requests() reads: slim objects, no events
    cdef readonly unsigned long pings_received   # PING frames without ACK
    cdef int64_t acks_expected       # SETTINGS we sent that are not acknowledged
    cdef uint32_t goaway_limit       # lowest last stream id of the GOAWAYs we sent, 2**31 - 1: none sent
    cdef flag goaway_error           # we have sent a GOAWAY with an error code
    cdef flag refusal_goaway_sent    # we have sent GOAWAY for refused streams; open streams continue
    cdef object refusal_error        # the exception for that, raised once the input is processed, or None
    cdef uint32_t peer_goaway_last   # last stream id of the GOAWAY received
    cdef Identifiers ids
    cdef int64_t out_window          # octets we may send on the connection
    cdef ReceiveWindow window        # octets the peer may send us
    cdef AdaptiveWindows windows     # how far the receive windows grow; None: they keep their size, or the end has come
    cdef WindowGrowth growth         # what they have grown by; None: no DATA has arrived yet
    cdef uint32_t max_out_frame
    cdef uint32_t max_in_frame
    # input
    cdef int preface_left            # octets of the preface not yet received
    cdef public bint answers_large_requests   # ready_requests(): LargeRequest for a header list over the limit
    cdef ReadBuffer tail
    cdef Block block
    cdef Overlong overlong
    cdef list events                 # of the input being read
    cdef Merge *merge                # of the input being read, or NULL
    cdef H2Stream merging            # the stream of those frames, or None
    cdef object fault_value          # detail of the last fault, for its message
    cdef uint32_t fault_stream
    cdef uint32_t opening            # the new stream that the current frame would open, 0: none
    # output
    cdef OutBuffer out
    cdef H2Stream ring               # last of the ring of streams ready to send
    cdef int64_t prioritized         # streams in it with a priority
    cdef int64_t unsent              # octets of body not yet framed, of all streams
    cdef EarlyUpdates early          # PRIORITY_UPDATE frames received before their request
    # limits
    cdef LimitState limits
    cdef dict counts                 # counter token -> count; None: nothing was counted
    # one call at a time
    cdef flag busy                   # also until __init__ has succeeded
    cdef flag initialising           # in __init__
    cdef flag initialised
    cdef unsigned long owner

    cdef int initialise(self, object config) except -1
    cdef int wait_turn(self) except -1
    cdef int configure(self, object config) except -1
    cdef int follow_configuration(self) except -1
    cdef int limit_header_list(self, object size) except -1
    cdef int adopt_local_settings(self) except -1
    cdef int prepare_local_settings(self) except -1
    cdef H2Stream open_stream(self, uint32_t stream_id)
    cdef H2Stream reserve_promised(self, uint32_t stream_id)
    cdef void open_promised(self, H2Stream s) noexcept
    cdef H2Stream make_request(self, uint32_t stream_id)
    cdef void open_request(self, H2Stream s) noexcept
    cdef void open_reserved(self, H2Stream s) noexcept
    cdef int use_identifier(self, uint32_t stream_id) except -1
    cdef int close_stream(self, H2Stream s, int reason) except -1
    cdef void expect_late_data(self, H2Stream s) noexcept
    cdef void drop_queues(self) noexcept
    cdef int end_local(self, H2Stream s) except -1
    cdef int end_remote(self, H2Stream s) except -1
    cdef H2Stream stream_or_raise(self, uint32_t stream_id)
    cdef int write_rst_stream(self, uint32_t stream_id, uint32_t code) except -1
    cdef int write_window_update(self, uint32_t stream_id, int64_t increment) except -1
    cdef int write_goaway(self, uint32_t last_stream_id, uint32_t code, bytes debug) except -1
    cdef int count(self, str token) except -1
    cdef int enter_ring(self, H2Stream s) except -1
    cdef int leave_ring(self, H2Stream s) except -1
    cdef void set_priority(self, H2Stream s, uint16_t priority) noexcept
    cdef void merge_priority(self, H2Stream s, uint16_t priority) noexcept


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil


cdef inline int enter(Core c) except -1:
    """Claim the connection for this call; every enter() is followed by leave()."""
    if c.busy:
        c.wait_turn()
    c.busy = True
    c.owner = PyThread_get_thread_ident()
    if c.config_changes is not None and c.config_changes[0] is not c.config_seen:
        c.follow_configuration()
    return 0


cdef inline int await_others(Core c) except -1:
    """For read-only access: wait for a call of another thread. Within a call of this thread it returns at once."""
    if c.busy and c.initialised and c.owner != PyThread_get_thread_ident():
        c.wait_turn()
    return 0


cdef inline void leave(Core c) noexcept:
    c.busy = False


cdef inline H2Stream find_stream(Core c, uint32_t stream_id):
    """Return the stream, or None."""
    cdef void *found = c.table.find(stream_id)
    return None if found == NULL else <H2Stream>found


cdef inline bint is_idle(Core c, uint32_t sid) noexcept:
    """Return True if the stream was not opened yet by its side (RFC 9113 section 5.1.1), or is stream 0."""
    # The user may have assigned a lower highest identifier: a stream that exists is not idle.
    return sid == 0 or (sid > highest_of_side(&c.ids, sid) and c.table.find(sid) == NULL)


cdef inline H2Stream find_opened(Core c, uint32_t stream_id):
    """Return the stream, or None if it has ended. Raises NoSuchStreamError for an idle one."""
    cdef void *found = c.table.find(stream_id)
    if found != NULL:
        return <H2Stream>found
    if is_idle(c, stream_id):
        c.stream_or_raise(stream_id)
    return None


cdef inline bint is_shut(Core c) noexcept:
    """Return True after a GOAWAY, when h2 refuses all other frames; under rfc_errors open streams continue."""
    return c.phase == C_CLOSED and not c.rfc_errors


cdef inline bint may_send(Core c) noexcept:
    """Return True if frames may be sent. After a GOAWAY h2 sends nothing; under rfc_errors open streams finish."""
    return not c.failed and (c.phase != C_CLOSED or c.rfc_errors)
