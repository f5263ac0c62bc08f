"""Validation of a response's status and fields (RFC 9110 section 5, PEP 3333)."""
cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_1BYTE_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.stdint cimport uint8_t

cdef enum:
    # Number of remembered names and of remembered status lines, and the longest such name.
    NAMES = 1024
    LONGEST_NAME = 64

_KINDS = {
    "content-length": FIELD_LENGTH, "server": FIELD_SERVER, "date": FIELD_DATE, "connection": FIELD_HOP,
    "keep-alive": FIELD_HOP, "proxy-authenticate": FIELD_HOP, "proxy-authorization": FIELD_HOP, "te": FIELD_HOP,
    "trailers": FIELD_HOP, "transfer-encoding": FIELD_HOP, "upgrade": FIELD_HOP, "proxy-connection": FIELD_HOP,
}
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

cdef dict _names = {}        # as the application wrote it -> FieldName
cdef dict _statuses = {}     # "200 OK" -> 200
cdef cython.pymutex _remembering


@cython.final
cdef class FieldName:
    """A field's name in lower case, and its kind."""


cdef int remember(dict known, str key, object value) except -1:
    """Remember a value, unless the dict is full."""
    # Entries are never replaced or removed: without the interpreter lock a reader may hold one. Not setdefault: if
    # the dict cannot grow for lack of memory, CPython 3.13's counts an entry that does not exist.
    with _remembering:
        if len(known) < NAMES and key not in known:
            known[key] = value
    return 0


cdef FieldName field_name(object name):
    """Look up a response field's name. Raises TypeError or ValueError for an invalid one."""
    cdef PyObject *found
    cdef FieldName result
    if not isinstance(name, str):
        raise TypeError(f"header names are str, not {type(name).__name__}: {name!r}")
    found = PyDict_GetItemWithError(_names, name)
    if found != NULL:
        return <FieldName>found
    if not name or not _TOKEN.issuperset(name):
        raise ValueError(f"{name!r} is not a valid header name")
    result = FieldName.__new__(FieldName)
    result.lower = str.__str__(name).lower()
    result.kind = _KINDS.get(result.lower, FIELD_PLAIN)
    if len(name) <= LONGEST_NAME:
        remember(_names, str.__str__(name), result)
    return result


cdef int status_code(object status) except -1:
    """Return the code of a status line. Raises TypeError or ValueError for an invalid one."""
    cdef PyObject *found
    cdef int code
    if not isinstance(status, str):
        raise TypeError(f"the status is a str, not {type(status).__name__}: {status!r}")
    if type(status) is not str:
        # The text of a subclass's object, without its own __str__.
        status = str.__str__(status)
    found = PyDict_GetItemWithError(_statuses, status)
    if found != NULL:
        return <object>found
    if not (len(status) >= 3 and status[:3].isascii() and status[:3].isdigit() and status[3:4] in ("", " ")):
        raise ValueError(f"invalid status {status!r}: three digits, a space and a reason are wanted")
    check_value(status, "the status")
    code = int(status[:3])
    if code < 200:
        raise ValueError(f"invalid status {status!r}: an application's response is final, 200 or above")
    remember(_statuses, status, code)
    return code


cdef bint check_value(str value, object name) except -1:
    """Raise ValueError for an octet that is not allowed (RFC 9110 section 5.5). Return True if all are ASCII."""
    cdef Py_ssize_t i
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(value)
    cdef const uint8_t *p
    cdef uint8_t seen = 0
    if n == 0:
        return True
    if PyUnicode_KIND(value) != 1:
        # The value is not shown: it may be a secret.
        raise ValueError(f"the value of {name} has a character that is not latin-1")
    p = PyUnicode_1BYTE_DATA(value)
    for i in range(n):
        if (p[i] < 0x20 and p[i] != 0x09) or p[i] == 0x7F:
            raise ValueError(f"the value of {name} has a control character")
        seen |= p[i]
    return seen < 0x80


cdef int64_t content_length_of(str value) except -1:
    """Return the number of a Content-Length that `check_value` has accepted. Raises ValueError if it is not one."""
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(value)
    cdef const uint8_t *p
    cdef int64_t number = 0
    cdef Py_ssize_t i
    if 0 < n <= 18:
        p = PyUnicode_1BYTE_DATA(value)
        for i in range(n):
            if not 0x30 <= p[i] <= 0x39:
                break
            number = number * 10 + (p[i] - 0x30)
        else:
            return number
    raise ValueError(f"content-length {value!r} is not a number of octets")
