"""A response's status and fields from `start_response` (PEP 3333)."""
cimport cython
from cpython.unicode cimport PyUnicode_1BYTE_DATA, PyUnicode_CheckExact, PyUnicode_GET_LENGTH
from libc.stdint cimport uint8_t

from fasth2.wsgi.response_fields cimport (
    FIELD_HOP,
    FIELD_LENGTH,
    FIELD_PLAIN,
    FIELD_SERVER,
    FieldName,
    check_value,
    field_name,
    content_length_of,
    status_code,
)


@cython.final
@cython.freelist(16)
cdef class ResponseHead:
    """The status and fields of a response, validated and converted."""

    cdef int add(self, object name, object value) except -1:
        """Add a field; connection-specific fields are dropped (RFC 9113 section 8.2.2)."""
        cdef FieldName known = field_name(name)
        cdef bint plain
        cdef Py_ssize_t n
        cdef const uint8_t *p
        if not PyUnicode_CheckExact(value):
            if not isinstance(value, str):
                raise TypeError(f"the value of {name} is not a str but {type(value).__name__}")
            # The text of a subclass's object, without its own __str__.
            value = str.__str__(value)
        plain = check_value(<str>value, name)
        n = PyUnicode_GET_LENGTH(value)
        if n:
            p = PyUnicode_1BYTE_DATA(value)
            if p[0] == 0x20 or p[0] == 0x09 or p[n - 1] == 0x20 or p[n - 1] == 0x09:
                value = (<str>value).strip(" \t")
        if known.kind != FIELD_PLAIN:
            if known.kind == FIELD_HOP:
                return 0
            if known.kind == FIELD_LENGTH:
                if self.length >= 0:
                    if self.length != content_length_of(value):
                        raise ValueError(f"Content-Length is {self.length}, and {value!r} too")
                    return 0
                self.length = content_length_of(value)
            elif known.kind == FIELD_SERVER:
                self.has_server = True
            else:
                self.has_date = True
        self.fields.append(known.lower)
        self.fields.append(value if plain else (<str>value).encode("latin-1"))
        return 0


cdef ResponseHead response_head(object status, object headers, bint is_head):
    """Make the head of a response. Raises TypeError or ValueError for an invalid status or field."""
    cdef ResponseHead head = ResponseHead.__new__(ResponseHead)
    cdef object header
    cdef list kept
    cdef Py_ssize_t i
    head.code = status_code(status)
    head.status = status
    head.fields = []
    head.length = -1
    for header in headers:
        if type(header) is tuple and len(header) == 2:
            head.add((<tuple>header)[0], (<tuple>header)[1])
        else:
            name, value = header
            head.add(name, value)
    head.omits_body = is_head or head.code == 204 or head.code == 304
    if head.code == 204 and head.length >= 0:
        kept = []
        for i in range(0, len(head.fields), 2):
            if head.fields[i] != "content-length":
                kept += head.fields[i:i + 2]
        head.fields = kept
        head.length = -1
    return head
