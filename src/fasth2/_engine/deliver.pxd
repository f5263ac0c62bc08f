# Delivery to the user: h2's events, or the slim objects of fasth2._engine.ready. Only these functions use `Core.slim`.
from libc.stdint cimport uint8_t, uint16_t, uint32_t

from fasth2._engine.core cimport MERGE_MAX, Core
from fasth2._engine.headers cimport BlockInfo
from fasth2._engine.stream cimport H2Stream
from fasth2._frames cimport FRAME_DATA, FrameHeader

cdef object head_fields(Core c, BlockInfo *info)
cdef list trailer_fields(Core c, BlockInfo *info)
cdef list large_request_fields(Core c)
cdef list late_decoded(Core c, list headers)

cdef int deliver_request(Core c, H2Stream s, object headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
                         bint exclusive) except -1
cdef int deliver_large_request(Core c, uint32_t sid, list headers, str reason, bint ends) except -1
cdef int deliver_trailers(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
                          bint exclusive) except -1
cdef int deliver_response(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on, uint16_t weight,
                          bint exclusive) except -1
cdef int deliver_interim_response(Core c, H2Stream s, list headers, uint8_t flags, uint32_t depends_on,
                                  uint16_t weight, bint exclusive) except -1
cdef int deliver_promise(Core c, uint32_t sid, uint32_t promised, list headers) except -1
cdef int deliver_data_event(Core c, H2Stream s, const uint8_t *p, uint32_t n, uint32_t flow, bint ends) except -1
cdef int deliver_merged(Core c) except -1
cdef int deliver_reset(Core c, uint32_t sid, uint32_t code, bint remote) except -1
cdef int deliver_priority(Core c, uint32_t sid, uint32_t depends_on, uint16_t weight, bint exclusive) except -1
cdef int deliver_settings(Core c, dict changes) except -1
cdef int deliver_settings_ack(Core c, dict changes) except -1
cdef int deliver_ping(Core c, const uint8_t *p) except -1
cdef int deliver_ping_ack(Core c, const uint8_t *p) except -1
cdef int deliver_goaway(Core c, uint32_t code, uint32_t last, const uint8_t *debug, Py_ssize_t n) except -1
cdef int deliver_window_update(Core c, uint32_t sid, uint32_t increment) except -1
cdef int deliver_alternative(Core c, object origin, const uint8_t *value, Py_ssize_t n) except -1
cdef int deliver_unknown(Core c, FrameHeader *h, const uint8_t *p) except -1


cdef inline bint wants_large_requests(Core c) noexcept:
    """The user answers requests whose header list is over the limit (L11) himself."""
    return c.slim and c.answers_large_requests


cdef inline int deliver_data(Core c, H2Stream s, const uint8_t *p, uint32_t n, uint32_t flow, bint ends) except -1:
    """Deliver n octets of body, `flow` with padding. Slim: they stay in the input until deliver_merged()."""
    if not c.slim:
        return deliver_data_event(c, s, p, n, flow, ends)
    if c.merge.count == 0:
        c.merging = s
        c.merge.octets = 0
        c.merge.flow = 0
    c.merge.data[c.merge.count] = p
    c.merge.length[c.merge.count] = n
    c.merge.count += 1
    c.merge.octets += n
    c.merge.flow += flow
    c.merge.ends = ends
    return 0


cdef inline int deliver_merged_before(Core c, FrameHeader *h) except -1:
    """Deliver the held DATA frames, unless the current frame can be merged with them."""
    if c.merge.count and (h.type != FRAME_DATA or h.stream_id != c.merging.id or c.merge.count == MERGE_MAX):
        deliver_merged(c)
    return 0
