"""The head of a response, from ``http.response.start``."""
cimport cython

from fasth2.asgi.response_fields cimport (
    FIELD_DEFAULT,
    FIELD_HOP,
    FIELD_LENGTH,
    FIELD_PLAIN,
    FieldName,
    content_length_of,
    field_name,
    field_value,
)


@cython.final
@cython.freelist(16)
cdef class ResponseHead:
    """The status and fields of a response, validated and converted."""

    cdef int add(self, object name, object value) except -1:
        """Add a field; connection-specific fields are dropped (RFC 9113 section 8.2.2)."""
        cdef FieldName known = field_name(name)
        cdef bytes octets = field_value(known.lower, value)
        cdef int64_t length
        if known.kind != FIELD_PLAIN:
            if known.kind == FIELD_HOP:
                return 0
            if known.kind == FIELD_LENGTH:
                length = content_length_of(octets)
                if self.length >= 0:
                    if self.length != length:
                        raise RuntimeError(f"content-length is {self.length}, and {length} too")
                    return 0
                self.length = length
            elif known.kind == FIELD_DEFAULT:
                if self.defaults is None:
                    self.defaults = set()
                self.defaults.add(known.lower)
        self.fields.append(known.lower)
        self.fields.append(octets)
        return 0


cdef ResponseHead response_head(object status, object headers, bint is_head):
    """Make the head of a response. Raises RuntimeError for an invalid status or field."""
    cdef ResponseHead head = ResponseHead.__new__(ResponseHead)
    cdef object header
    cdef list kept
    cdef Py_ssize_t i
    head.status = status
    if head.status < 200 or head.status > 999:
        raise RuntimeError(f"invalid status {status!r}: the status of http.response.start is final, 200 or above")
    head.fields = []
    head.length = -1
    for header in headers:
        if type(header) is tuple and len(<tuple>header) == 2:
            head.add((<tuple>header)[0], (<tuple>header)[1])
        else:
            name, value = header
            head.add(name, value)
    head.omits_body = is_head or head.status == 204 or head.status == 304
    if head.status == 204 and head.length >= 0:
        # RFC 9110 section 8.6.
        kept = []
        for i in range(0, len(head.fields), 2):
            if head.fields[i] != b"content-length":
                kept += head.fields[i:i + 2]
        head.fields = kept
        head.length = -1
    return head


cdef list lower_fields(object headers):
    """Return the fields of trailers or an interim response as pairs; connection-specific fields are dropped."""
    cdef list fields = []
    cdef FieldName known
    for name, value in headers:
        known = field_name(name)
        if known.kind != FIELD_HOP:
            fields.append((known.lower, field_value(known.lower, value)))
    return fields
