"""The start of a connection by an HTTP/1.1 request with ``Upgrade: h2c`` (RFC 7540 section 3.2)."""
import base64
import binascii

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t

from fasth2._cursor cimport store16, store32
from fasth2._engine.core cimport C_IDLE, C_OPEN
from fasth2._engine.errors cimport fault_code
from fasth2._engine.receive_settings cimport apply_remote_settings
from fasth2._engine.send cimport must_be_open, write_settings
from fasth2._engine.stream cimport H2Stream

from fasth2.errors import ErrorCodes
from fasth2.exceptions import InvalidSettingsValueError, ProtocolError, StreamIDTooLowError


cdef bytes upgrade_settings(object header):
    """Decode the SETTINGS payload of an HTTP2-Settings field (RFC 7540 section 3.2.1)."""
    cdef bytes text = header.encode("ascii", "replace") if isinstance(header, str) else bytes(memoryview(header))
    cdef bytes payload
    text = text.rstrip(b"=")
    try:
        payload = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ProtocolError(f"HTTP2-Settings is not base64url: {error}") from error
    if len(payload) % 6:
        raise ProtocolError("HTTP2-Settings is not a whole number of settings")
    return payload


cdef bytes settings_payload(dict settings):
    """Return the payload of a SETTINGS frame (RFC 9113 section 6.5.1)."""
    cdef bytes payload = PyBytes_FromStringAndSize(NULL, 6 * len(settings))
    cdef uint8_t *p = <uint8_t *>PyBytes_AS_STRING(payload)
    for key, value in settings.items():
        store16(p, <uint32_t>key)
        store32(p + 2, <uint32_t>value)
        p += 6
    return payload


cdef bytes upgrade_as_client(Core c):
    """Queue the preface, open stream 1 for the request, half-closed (local), and return the HTTP2-Settings field."""
    cdef H2Stream s
    cdef dict settings
    cdef bytes field
    cdef bint sent = False
    must_be_open(c)
    if c.ids.highest_outbound or c.table.count:
        raise StreamIDTooLowError(1, c.ids.highest_outbound)
    c.prepare_local_settings()
    settings = dict(c.local)
    field = base64.urlsafe_b64encode(settings_payload(settings))
    s = c.make_request(1)
    try:
        write_settings(c, settings, True)
        sent = True
    finally:
        # Not `except`, which allocates memory.
        if not sent:
            c.table.remove(s)
    c.open_request(s)
    c.end_local(s)
    return field


cdef int upgrade(Core c, bytes payload) except -1:
    """Apply the client's settings, queue ours, and open stream 1 for the request, half-closed (remote)."""
    cdef int fault
    must_be_open(c)
    if c.ids.highest_inbound or c.table.count:
        raise StreamIDTooLowError(1, c.ids.highest_inbound)
    if c.limits.settings_per_frame >= 0 and len(payload) // 6 > c.limits.settings_per_frame:
        raise ProtocolError("HTTP2-Settings has too many settings")
    fault = apply_remote_settings(c, <const uint8_t *>PyBytes_AS_STRING(payload), len(payload))
    if fault:
        raise InvalidSettingsValueError(f"HTTP2-Settings with an invalid value: {c.fault_value}",
                                        error_code=ErrorCodes(fault_code(fault)))
    c.prepare_local_settings()
    write_settings(c, dict(c.local), False)
    c.end_remote(c.open_stream(1))
    if c.phase == C_IDLE:
        c.phase = C_OPEN
    return 0
