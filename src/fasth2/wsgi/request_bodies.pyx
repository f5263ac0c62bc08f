"""The incomplete request bodies of one connection: their flow-control credit and their timeouts."""
from fasth2._engine.core cimport find_stream
from fasth2._engine.flow_control cimport extend_connection_window, reserve_update, return_connection_credit
from fasth2._engine.stream cimport H2Stream
from fasth2.wsgi.uploads cimport UPLOAD_GATHERED, UPLOAD_STARTED, Upload

cdef enum:
    # Octets of the connection's window below which a body may be held up.
    SHORT_WINDOW = 16384


cdef int body_arrived(Core c, Dispatcher dispatcher, CallState call, int64_t octets) except -1:
    cdef Upload upload = call.upload
    cdef H2Stream s
    upload.arrived += octets
    upload.moved = True
    if upload.state != UPLOAD_GATHERED:
        upload.owed += octets
        return 0
    if not dispatcher.uploads.repay(upload, octets):
        c.count("gathered_bodies")
        upload.owed += octets
        return dispatcher.queue_upload(call)
    return_connection_credit(c, octets)
    s = find_stream(c, call.stream_id)
    if upload.arrived >= dispatcher.uploads.gathered_body or s is None or s.window.current <= 0:
        # The gathering limit is reached, or the peer needs credit to send more.
        dispatcher.queue_upload(call)
    return 0


cdef int lend_window(Core c, dict calls, Uploads uploads, CallState starved) except -1:
    """Extend the connection's window by the octets that the starved stream may still send.

    The octets are taken from the credit of other bodies, whose readers do not return them again.
    """
    cdef H2Stream s
    cdef CallState call
    cdef int64_t missing, found, octets
    if c.window.current >= SHORT_WINDOW:
        return 0
    s = find_stream(c, starved.stream_id)
    if s is None:
        return 0
    missing = min(s.window.current, c.window.maximum - c.window.grown) - c.window.current
    if missing <= 0:
        return 0
    # Reserve space first: credit that is repaid but cannot be sent would be lost.
    reserve_update(c)
    found = min(missing, c.window.processed)
    for call in calls.values():
        if found >= missing:
            break
        if call.upload is not None and call.upload.owed > 0:
            octets = min(missing - found, call.upload.owed)
            if uploads.repay(call.upload, octets):
                call.upload.owed -= octets
                found += octets
    if found:
        extend_connection_window(c, found)
    return 0


cdef int find_slow_bodies(
    Core c, dict calls, Uploads uploads, double now, double timeout, list slow, list late,
) except -1:
    cdef CallState call
    cdef Upload upload
    cdef H2Stream s
    cdef bint waited
    for call in calls.values():
        upload = call.upload
        if upload is None or call.finished or call.input.complete:
            continue
        if upload.state == UPLOAD_STARTED:
            waited = call.is_starved()
        elif upload.state == UPLOAD_GATHERED:
            s = find_stream(c, call.stream_id)
            waited = s is not None and s.window.current > 0 and c.window.current > 0
        else:
            # The client may itself wait for 100 (Continue) or the response headers.
            waited = False
        if uploads.is_slow(upload, now, timeout, waited):
            slow.append(call)
        elif uploads.waits_too_long(upload, timeout):
            late.append(call)
    return 0
