"""Counting against the limits of `fasth2.config.Limits`."""
from fasth2._engine.errors cimport (
    FAULT_LIMIT_ACKS,
    FAULT_LIMIT_CONTROL,
    FAULT_LIMIT_EARLY_REFUSALS,
    FAULT_LIMIT_IGNORED,
    FAULT_LIMIT_PRIORITY,
    FAULT_LIMIT_REFUSALS,
    FAULT_LIMIT_RESETS,
    FAULT_LIMIT_SUSPICIOUS,
    FAULT_LIMIT_WINDOW_UPDATES,
)
from fasth2._ratelimit cimport bucket_init, bucket_take

cdef enum:
    # Go's client returns credit on both levels after every 4096 octets: 16 times that rate is allowed.
    OCTETS_AN_UPDATE = 256
    # The smallest SETTINGS_MAX_FRAME_SIZE: larger frames count as several of that size.
    OCTETS_A_PING = 16384
    PRIORITIES_A_STREAM = 4
    # A client that sends thousands of requests at once has most of them in flight when GOAWAY is sent.
    LATE_HEADERS_A_REFUSAL = 10
    # Seconds after the first refusal during which a peer may not know the limit on streams yet.
    EARLY_SECONDS = 10


cdef int64_t or_off(object value) except? -1:
    return -1 if value is None else value


cdef int limits_init(LimitState *l, object limits) except -1:
    """Initialise from a Limits object, with all counts at 0."""
    if limits.reset_burst is None or limits.reset_rate is None:
        bucket_init(&l.resets, -1, 0)
    else:
        bucket_init(&l.resets, limits.reset_burst, limits.reset_rate)
    if limits.suspicious_burst is None or limits.suspicious_rate is None:
        bucket_init(&l.suspicious, -1, 0)
    else:
        bucket_init(&l.suspicious, limits.suspicious_burst, limits.suspicious_rate)
    l.ack_backlog = or_off(limits.ack_backlog)
    l.control_backlog = or_off(limits.control_backlog)
    l.ignored_octets = -1 if limits.ignored_ratio is None else or_off(limits.ignored_octets)
    l.ignored_ratio = limits.ignored_ratio or 0
    l.priority_frames = or_off(limits.priority_frames)
    l.window_updates = or_off(limits.window_updates)
    l.settings_per_frame = or_off(limits.settings_per_frame)
    l.continuation_frames = or_off(limits.continuation_frames)
    l.unsent_body = or_off(limits.unsent_body)
    l.informational_responses = or_off(limits.informational_responses)
    l.promised_streams = or_off(limits.promised_streams)
    l.early_refusals = or_off(limits.early_refusals)
    return 0


cdef int count_reset(LimitState *l, object clock) except -1:
    """Count a stream that was reset by the peer, by us for the peer's fault, or refused."""
    if l.resets.burst >= 0 and not bucket_take(&l.resets, clock()):
        return FAULT_LIMIT_RESETS
    return 0


cdef int count_refusal(LimitState *l, object clock) except -1:
    """Count a refused stream over SETTINGS_MAX_CONCURRENT_STREAMS. A peer that has not acknowledged our SETTINGS may
    not know the limit: for a while such streams are counted separately."""
    cdef double now
    if not l.acknowledged:
        now = clock()
        if l.early == 0:
            l.early_since = now
        if now - l.early_since < EARLY_SECONDS:
            l.early += 1
            if l.early_refusals >= 0 and l.early > l.early_refusals:
                return FAULT_LIMIT_EARLY_REFUSALS
            return 0
    return FAULT_LIMIT_REFUSALS if count_reset(l, clock) else 0


cdef int count_suspicious(LimitState *l, object clock, int64_t ignored) except -1:
    """Count a frame without useful content, with `ignored` octets of ignored payload."""
    cdef int64_t excess
    l.ignored += ignored
    if l.ignored_octets >= 0 and l.ignored > l.ignored_octets:
        # excess > ratio * useful, without the product, which may not fit.
        excess = l.ignored - l.ignored_octets
        if l.ignored_ratio == 0 or (excess - 1) // l.ignored_ratio >= l.useful:
            return FAULT_LIMIT_IGNORED
    if l.suspicious.burst >= 0 and not bucket_take(&l.suspicious, clock()):
        return FAULT_LIMIT_SUSPICIOUS
    return 0


cdef int count_priority(LimitState *l) noexcept:
    """Count a PRIORITY or PRIORITY_UPDATE frame."""
    l.priorities += 1
    if l.priority_frames >= 0 and l.priorities > l.priority_frames * (1 + l.streams_opened):
        return FAULT_LIMIT_PRIORITY
    return 0


cdef int count_priority_load(LimitState *l, object clock) except -1:
    """Count the same frame against the limit on suspicious frames, except for a few per opened stream: browsers change
    the priority of visible content."""
    if l.priorities_free < PRIORITIES_A_STREAM * l.streams_opened:
        l.priorities_free += 1
        return 0
    return count_suspicious(l, clock, 0)


cdef int count_ping(LimitState *l, object clock) except -1:
    """Count a PING of the peer. Clients that estimate the bandwidth send one for each round trip with DATA."""
    if l.pings_free < l.data_sent + l.octets_sent // OCTETS_A_PING:
        l.pings_free += 1
        return 0
    return count_suspicious(l, clock, 0)


cdef int count_late_frame(LimitState *l, object clock) except -1:
    """Count HEADERS or RST_STREAM on a closed stream: one for each stream may have been in flight."""
    if l.late_frames < l.streams_opened:
        l.late_frames += 1
        return 0
    return count_suspicious(l, clock, 0)


cdef int count_late_headers(LimitState *l, object clock, int64_t octets) except -1:
    """Count HEADERS after a GOAWAY for refused streams: ten times the early refusals may have been in flight."""
    if l.early_refusals < 0 or l.late_headers // LATE_HEADERS_A_REFUSAL < l.early_refusals:
        l.late_headers += 1
        return 0
    return count_suspicious(l, clock, octets)


cdef int count_late_data(LimitState *l, object clock, int64_t octets) except -1:
    """Count DATA on a stream that we have reset: the octets of its window may have been in flight, in frames of any
    size."""
    if 0 < octets <= l.late_octets:
        l.late_octets -= octets
        return 0
    return count_suspicious(l, clock, 0)


cdef int count_window_update(LimitState *l) noexcept:
    """Count a WINDOW_UPDATE. Its budget grows with the frames and octets of DATA sent, which clients credit."""
    l.updates += 1
    if l.window_updates >= 0 and l.updates > (l.window_updates + 2 * (l.streams_opened + 10 * l.data_sent)
                                              + l.octets_sent // OCTETS_AN_UPDATE):
        return FAULT_LIMIT_WINDOW_UPDATES
    return 0


cdef int count_ack(LimitState *l, int64_t octets) noexcept:
    """Count a queued acknowledgment of a PING or of SETTINGS."""
    l.acks_unsent += 1
    l.acks_newer += 1
    if l.ack_backlog >= 0 and l.acks_unsent > l.ack_backlog:
        return FAULT_LIMIT_ACKS
    return count_control(l, octets)


cdef int count_control(LimitState *l, int64_t octets) noexcept:
    """Count the octets of a queued frame that the peer has caused."""
    l.control_unsent += octets
    l.control_newer += octets
    if l.control_backlog >= 0 and l.control_unsent > l.control_backlog:
        return FAULT_LIMIT_CONTROL
    return 0
