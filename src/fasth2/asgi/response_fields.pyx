"""Validation of the fields of an ASGI response (RFC 9110 section 5)."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t

cdef enum:
    # Number of remembered names, and the longest of them.
    NAMES = 1024
    LONGEST_NAME = 64

_KINDS = {
    b"content-length": FIELD_LENGTH, b"server": FIELD_DEFAULT, b"date": FIELD_DEFAULT, b"connection": FIELD_HOP,
    b"keep-alive": FIELD_HOP, b"te": FIELD_HOP, b"transfer-encoding": FIELD_HOP, b"upgrade": FIELD_HOP,
    b"proxy-connection": FIELD_HOP,
}
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

cdef dict _names = {}        # as the application wrote it -> FieldName
cdef cython.pymutex _remembering


@cython.final
cdef class FieldName:
    """A field's name in lower case, and its kind."""


cdef int remember(bytes key, FieldName value) except -1:
    """Remember a name, unless there are too many."""
    # Entries are never replaced or removed: without the interpreter lock a reader may hold one.
    with _remembering:
        if len(_names) < NAMES and key not in _names:
            _names[key] = value
    return 0


cdef FieldName field_name(object name):
    """Look up a response field's name. Raises RuntimeError for an invalid one."""
    cdef PyObject *found
    cdef FieldName result
    if not PyBytes_CheckExact(name):
        if not isinstance(name, (bytes, bytearray, memoryview)):
            raise RuntimeError(f"the names of header fields are bytes, not {type(name).__name__}: {name!r}")
        name = bytes(name)
    found = PyDict_GetItemWithError(_names, name)
    if found != NULL:
        return <FieldName>found
    if not name or not _TOKEN.issuperset(name):
        raise RuntimeError(f"Invalid HTTP header name: {name!r}")
    result = FieldName.__new__(FieldName)
    result.lower = name.lower()
    result.kind = _KINDS.get(result.lower, FIELD_PLAIN)
    if len(name) <= LONGEST_NAME:
        remember(name, result)
    return result


cdef bytes field_value(object name, object value):
    """Return a field's value without white space around it. Raises RuntimeError for an octet that is not allowed."""
    cdef const uint8_t *p
    cdef Py_ssize_t i, n
    if not PyBytes_CheckExact(value):
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise RuntimeError(f"the value of {name!r} is not bytes but {type(value).__name__}")
        value = bytes(value)
    p = <const uint8_t *>PyBytes_AS_STRING(value)
    n = PyBytes_GET_SIZE(value)
    for i in range(n):
        if (p[i] < 0x20 and p[i] != 0x09) or p[i] == 0x7F:
            # The value is not shown: it may be a secret.
            raise RuntimeError(f"Invalid HTTP header value: a control character in {name!r}")
    if n and (p[0] == 0x20 or p[0] == 0x09 or p[n - 1] == 0x20 or p[n - 1] == 0x09):
        return value.strip(b" \t")
    return value


cdef int64_t content_length_of(bytes value) except -1:
    """Return the number of a Content-Length. Raises RuntimeError if it is not one."""
    cdef Py_ssize_t n = PyBytes_GET_SIZE(value)
    cdef const uint8_t *p = <const uint8_t *>PyBytes_AS_STRING(value)
    cdef int64_t number = 0
    cdef Py_ssize_t i
    if 0 < n <= 18:
        for i in range(n):
            if not 0x30 <= p[i] <= 0x39:
                break
            number = number * 10 + (p[i] - 0x30)
        else:
            return number
    raise RuntimeError(f"content-length {value!r} is not a number of octets")
