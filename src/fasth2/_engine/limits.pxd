# The limits against hostile peers. Each count_ function returns FAULT_NONE or
# the fault of its limit; a negative limit is disabled.
from libc.stdint cimport int64_t

from fasth2._ratelimit cimport TokenBucket


cdef struct LimitState:
    TokenBucket resets           # L2, L3: streams reset by the peer or because of it
    TokenBucket suspicious       # L7: frames without useful content
    int64_t ack_backlog          # L5
    int64_t control_backlog      # L6, octets
    int64_t ignored_octets       # L7
    int64_t ignored_ratio        # L7
    int64_t priority_frames      # L8
    int64_t window_updates       # L9
    int64_t settings_per_frame   # L10
    int64_t continuation_frames  # L13
    int64_t unsent_body          # L17, octets
    int64_t informational_responses  # L19, of one stream
    int64_t promised_streams     # L20
    int64_t early_refusals       # L3, before the first acknowledgement of SETTINGS
    # counts
    int64_t streams_opened
    int64_t data_sent            # DATA frames
    int64_t octets_sent          # of DATA frames, padding included
    int64_t pings_asked          # our unacknowledged PING frames
    int64_t pings_free           # PING frames received within the budget of DATA sent
    int64_t late_frames          # HEADERS and RST_STREAM received on closed streams, at most one a stream opened
    int64_t late_headers         # HEADERS received after GOAWAY for refused streams, at most ten times early_refusals
    int64_t late_octets          # octets of DATA that may be in flight on reset streams
    int64_t priorities_free      # PRIORITY and PRIORITY_UPDATE frames received within the budget of opened streams
    int64_t priorities
    int64_t updates
    int64_t acks_unsent
    int64_t control_unsent       # octets
    int64_t acks_newer           # of acks_unsent, those after the mark
    int64_t control_newer
    int64_t mark                 # octets of output before the mark
    int64_t useful               # octets of DATA and field blocks received
    int64_t ignored              # octets of ignored frames received
    int64_t early                # streams refused before the first acknowledgement of SETTINGS
    double early_since           # time of the first of them, seconds
    bint acknowledged            # the peer has acknowledged our SETTINGS


cdef int limits_init(LimitState *l, object limits) except -1
cdef int count_reset(LimitState *l, object clock) except -1
cdef int count_refusal(LimitState *l, object clock) except -1
cdef int count_suspicious(LimitState *l, object clock, int64_t ignored) except -1
cdef int count_priority(LimitState *l) noexcept
cdef int count_priority_load(LimitState *l, object clock) except -1
cdef int count_ping(LimitState *l, object clock) except -1
cdef int count_late_frame(LimitState *l, object clock) except -1
cdef int count_late_headers(LimitState *l, object clock, int64_t octets) except -1
cdef int count_late_data(LimitState *l, object clock, int64_t octets) except -1
cdef int count_window_update(LimitState *l) noexcept
cdef int count_ack(LimitState *l, int64_t octets) noexcept
cdef int count_control(LimitState *l, int64_t octets) noexcept


cdef inline void output_taken(LimitState *l, Py_ssize_t taken, Py_ssize_t left) noexcept:
    """Update the backlog counts: `taken` octets of output were returned or dropped, and `left` octets remain.

    At most the remaining octets can be unsent. If the output is never empty, a mark in it is used: when it is reached,
    everything counted before the mark was sent. The next mark is the output's end.
    """
    l.mark -= taken
    if l.mark <= 0:
        l.acks_unsent = l.acks_newer
        l.control_unsent = l.control_newer
        l.acks_newer = l.control_newer = 0
        l.mark = left
    if l.control_unsent > left:
        l.control_unsent = left
    if l.acks_unsent > left // 9:
        l.acks_unsent = left // 9
