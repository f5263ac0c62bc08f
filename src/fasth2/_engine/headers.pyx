"""The rules of RFC 9113 section 8 for field blocks, received and sent."""
cimport cython
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_Check,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject, PyObject_GetItem
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact
from libc.string cimport memchr, memcmp

from fasth2._engine.errors cimport *
from fasth2._engine.errors cimport show
from fasth2.hpack.fields cimport *
from fasth2.hpack.fields cimport (
    OutField,
    classify_name,
    classify_value,
    hash_octets,
    static_name,
    static_name_index,
    name_flags_of,
    static_name_len,
)
from fasth2.hpack.decoder cimport entry_header, entry_pair
from fasth2._priority cimport join_priorities, read_priority_field

from fasth2.hpack.struct import HeaderTuple, NeverIndexedHeaderTuple
from fasth2.exceptions import ProtocolError


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object unicode, Py_ssize_t *size) except NULL


# Flags that violate a rule of section 8.2 in any kind of block.
cdef uint32_t BAD_FIELD = (F_BAD_NAME | F_EMPTY_NAME | F_UNKNOWN_PSEUDO | F_CONNECTION | F_BAD_VALUE
                           | F_PADDED_VALUE | F_BAD_TE)
# Flags that need further checks in a request.
cdef uint32_t BAD_TARGET = F_BAD_TARGET | F_PATH_NOT_ABSOLUTE | F_USERINFO


cdef enum:
    BIT_METHOD = 1 << KIND_METHOD
    BIT_SCHEME = 1 << KIND_SCHEME
    BIT_AUTHORITY = 1 << KIND_AUTHORITY
    BIT_PATH = 1 << KIND_PATH
    BIT_STATUS = 1 << KIND_STATUS
    BIT_PROTOCOL = 1 << KIND_PROTOCOL
    BITS_REQUEST = BIT_METHOD | BIT_SCHEME | BIT_AUTHORITY | BIT_PATH | BIT_PROTOCOL
    BITS_PSEUDO = BITS_REQUEST | BIT_STATUS


cdef int check_block(Entry **fields, Py_ssize_t n, int block, int rules, BlockInfo *info) noexcept:
    """Collect a received block's properties in `info` and apply the rules. Return FAULT_NONE or the fault."""
    cdef Py_ssize_t i
    cdef Entry *e
    cdef uint32_t flags, kind
    cdef uint32_t all_flags = 0
    cdef uint32_t seen = 0
    cdef bint regular = False
    cdef int order = FAULT_NONE
    cdef int length = FAULT_NONE
    cdef Entry *length_culprit = NULL
    info.content_length = -1
    info.lengths = 0
    info.cookies = 0
    info.method = NULL
    info.authority = NULL
    info.host = NULL
    info.priority = 0
    info.culprit = NULL
    for i in range(n):
        e = fields[i]
        flags = e.flags
        all_flags |= flags
        kind = flags >> F_KIND_SHIFT
        if flags & F_PSEUDO:
            if regular and order == FAULT_NONE:
                order = FAULT_PSEUDO_LATE
                info.culprit = e
            if kind:
                if seen & (<uint32_t>1 << kind) and order == FAULT_NONE:
                    order = FAULT_PSEUDO_DUPLICATE
                    info.culprit = e
                seen |= <uint32_t>1 << kind
                if kind == KIND_METHOD:
                    info.method = e
                elif kind == KIND_AUTHORITY:
                    info.authority = e
        else:
            regular = True
            if flags & (F_COOKIE | F_HOST | F_CONTENT_LENGTH) or kind == KIND_PRIORITY:
                if flags & F_COOKIE:
                    info.cookies += 1
                elif flags & F_HOST:
                    if info.host != NULL and order == FAULT_NONE and block == BLOCK_REQUEST:
                        order = FAULT_HOST_DUPLICATE
                        info.culprit = e
                    info.host = e
                elif flags & F_CONTENT_LENGTH:
                    info.lengths += 2 if flags & F_LENGTH_LIST else 1
                    if flags & F_BAD_LENGTH and not (flags & F_LENGTH_LIST and rules & RULE_RFC):
                        length = FAULT_CONTENT_LENGTH
                        length_culprit = e
                    elif info.content_length >= 0 and info.content_length != e.number:
                        length = FAULT_CONTENT_LENGTH_CONFLICT
                        length_culprit = e
                    else:
                        info.content_length = e.number
                else:
                    info.priority = join_priorities(info.priority, <uint16_t>e.number)
    info.seen = seen
    info.flags = all_flags
    if block == BLOCK_RESPONSE:
        info.status = <int>first_of_kind(fields, n, KIND_STATUS).number if seen & BIT_STATUS else -1
    if all_flags & F_UNDECODABLE:
        return first_with(fields, n, F_UNDECODABLE, FAULT_UNDECODABLE, info)
    if length != FAULT_NONE:
        info.culprit = length_culprit
        return length
    if not rules & RULE_VALIDATE:
        return FAULT_NONE
    if all_flags & BAD_FIELD:
        return bad_field(fields, n, info)
    if order != FAULT_NONE:
        return order
    if block == BLOCK_TRAILERS:
        return FAULT_PSEUDO_TRAILERS if all_flags & F_PSEUDO else FAULT_NONE
    if block == BLOCK_REQUEST:
        return check_request(fields, n, rules, info)
    if not seen & BIT_STATUS or seen & BITS_REQUEST:
        return FAULT_PSEUDO_RESPONSE
    if info.status < 0:
        info.culprit = first_of_kind(fields, n, KIND_STATUS)
        return FAULT_STATUS
    return FAULT_NONE


cdef bint is_interim(Entry **fields, Py_ssize_t n) noexcept:
    """Return True for an informational response: the first :status starts with 1."""
    cdef Py_ssize_t i
    for i in range(n):
        if not fields[i].flags & F_PSEUDO:
            return False
        if fields[i].flags >> F_KIND_SHIFT == KIND_STATUS:
            return (fields[i].flags & F_INFORMATIONAL) != 0
    return False


cdef bint has_value(Entry *entry, bytes octets, str text) noexcept:
    """Return True if a field has this value, given as bytes and as str."""
    return <object>entry.value == (octets if PyBytes_CheckExact(<object>entry.value) else text)


cdef int check_request(Entry **fields, Py_ssize_t n, int rules, BlockInfo *info) noexcept:
    """Check a request's pseudo-header fields (section 8.3.1, 8.5 and RFC 8441 section 4)."""
    cdef uint32_t seen = info.seen
    cdef uint32_t flags = info.flags
    cdef uint32_t method
    if not seen & BIT_METHOD:
        return FAULT_METHOD_MISSING
    method = info.method.flags
    if method & F_CONNECT and not seen & BIT_PROTOCOL:
        if seen & (BIT_SCHEME | BIT_PATH):
            return FAULT_CONNECT_TARGET
        if not seen & BIT_AUTHORITY and info.host != NULL:
            return FAULT_CONNECT_AUTHORITY
    else:
        if not seen & BIT_SCHEME:
            return FAULT_SCHEME_MISSING
        if not seen & BIT_PATH:
            return FAULT_PATH_MISSING
    if seen & BIT_STATUS:
        return FAULT_PSEUDO_RESPONSE
    if seen & BIT_PROTOCOL:
        if not method & F_CONNECT:
            return FAULT_PROTOCOL_NOT_CONNECT
        if not rules & RULE_CONNECT_PROTOCOL:
            return FAULT_PROTOCOL_UNASKED
    if info.authority == NULL:
        if info.host == NULL:
            return FAULT_AUTHORITY_MISSING
    elif info.host != NULL and not same_value(info.authority, info.host):
        info.culprit = info.host
        return FAULT_HOST_MISMATCH
    if flags & F_EMPTY_VALUE and seen & BIT_PATH:
        if first_of_kind(fields, n, KIND_PATH).flags & F_EMPTY_VALUE:
            return FAULT_PATH_EMPTY
    if flags & BAD_TARGET:
        if flags & F_BAD_TARGET:
            first_with(fields, n, F_BAD_TARGET, FAULT_TARGET_OCTET, info)
            if info.culprit.flags & F_HOST or info.culprit.flags >> F_KIND_SHIFT == KIND_AUTHORITY:
                return FAULT_AUTHORITY_EMPTY if info.culprit.flags & F_EMPTY_VALUE else FAULT_AUTHORITY_OCTET
            return FAULT_TARGET_OCTET
        if flags & F_USERINFO:
            return first_with(fields, n, F_USERINFO, FAULT_AUTHORITY_USERINFO, info)
        if not (flags & F_PATH_ASTERISK and method & F_OPTIONS):
            return first_with(fields, n, F_PATH_NOT_ABSOLUTE, FAULT_PATH_FORM, info)
    return FAULT_NONE


cdef int first_with(Entry **fields, Py_ssize_t n, uint32_t flag, int fault, BlockInfo *info) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        if fields[i].flags & flag:
            info.culprit = fields[i]
            break
    return fault


cdef Entry *first_of_kind(Entry **fields, Py_ssize_t n, uint32_t kind) noexcept:
    """Return the first field of a kind, which the block contains."""
    cdef Py_ssize_t i
    for i in range(n):
        if fields[i].flags >> F_KIND_SHIFT == kind:
            return fields[i]
    return fields[0]


cdef int bad_field(Entry **fields, Py_ssize_t n, BlockInfo *info) noexcept:
    """Return the fault of the first field that violates section 8.2."""
    cdef Py_ssize_t i
    cdef uint32_t flags
    for i in range(n):
        flags = fields[i].flags
        if flags & BAD_FIELD:
            info.culprit = fields[i]
            if flags & F_EMPTY_NAME:
                return FAULT_NAME_EMPTY
            if flags & F_UPPER_NAME:
                return FAULT_NAME_UPPER
            if flags & F_BAD_NAME:
                return FAULT_NAME_OCTET
            if flags & F_BAD_VALUE:
                return FAULT_VALUE_OCTET
            if flags & F_PADDED_VALUE:
                return FAULT_VALUE_PADDED
            if flags & F_BAD_TE:
                return FAULT_TE
            if flags & F_CONNECTION:
                return FAULT_CONNECTION_FIELD
            return FAULT_PSEUDO_UNKNOWN
    return FAULT_NONE


cdef bint same_value(Entry *a, Entry *b) noexcept:
    """Return True if two values are equal; both are bytes or both are str."""
    return a.value == b.value or <object>a.value == <object>b.value


cdef object culprit_text(Entry *entry):
    """Return the field that caused a fault as text for a message, without a never-indexed value."""
    if entry == NULL:
        return None
    if entry.flags & (F_NEVER_INDEXED | F_SENSITIVE):
        return f"{show(<object>entry.name)} (value not shown)"
    return f"{show(<object>entry.name)}: {show(<object>entry.value)}"


cdef object joined_cookies(Entry **fields, Py_ssize_t n):
    """Join the cookie fields to one value (section 8.2.3)."""
    cdef Py_ssize_t i
    cdef list crumbs = []
    for i in range(n):
        if fields[i].flags & F_COOKIE:
            crumbs.append(<object>fields[i].value)
    if len(crumbs) == 1:
        return crumbs[0]
    return (b"; " if type(crumbs[0]) is bytes else "; ").join(crumbs)


cdef object cookie_name(Entry **fields, Py_ssize_t n):
    cdef Py_ssize_t i
    for i in range(n):
        if fields[i].flags & F_COOKIE:
            return <object>fields[i].name
    return None


cdef list header_tuples(Entry **fields, Py_ssize_t n, Py_ssize_t cookies):
    """Convert the block to HeaderTuples for h2's events, with `cookies` fields joined at the end (0: not joined)."""
    cdef Py_ssize_t i, at
    cdef list result
    cdef object header
    at = 0
    if cookies:
        result = []
        for i in range(n):
            if not fields[i].flags & F_COOKIE:
                result.append(<object>entry_header(fields[i]))
        result.append(NeverIndexedHeaderTuple(cookie_name(fields, n), joined_cookies(fields, n)))
        return result
    result = PyList_New(n)
    for i in range(n):
        header = <object>entry_header(fields[i])
        Py_INCREF(header)
        PyList_SET_ITEM(result, at, header)
        at += 1
    return result


cdef list plain_pairs(Entry **fields, Py_ssize_t n, Py_ssize_t cookies):
    """Convert the block to (name, value) tuples, with `cookies` fields joined at the end (0: not joined)."""
    cdef Py_ssize_t i
    cdef list result
    cdef object pair
    if cookies > 1:
        result = []
        for i in range(n):
            if not fields[i].flags & F_COOKIE:
                result.append(<object>entry_pair(fields[i]))
        result.append((cookie_name(fields, n), joined_cookies(fields, n)))
        return result
    result = PyList_New(n)
    for i in range(n):
        pair = <object>entry_pair(fields[i])
        Py_INCREF(pair)
        PyList_SET_ITEM(result, i, pair)
    return result


# Outgoing

cdef uint32_t[62] STATIC_FLAGS


cdef void fill_static_flags() noexcept:
    cdef uint32_t index
    for index in range(1, <uint32_t>(STATIC_TABLE_LENGTH + 1)):
        STATIC_FLAGS[index] = classify_name(static_name(index), static_name_len(index))


fill_static_flags()


# Index of the static table's first :status entry, and the digits of every status.
cdef enum:
    STATIC_STATUS = 8
cdef uint8_t[2700] STATUS_TEXT
cdef uint32_t STATUS_HASH


cdef void fill_status() noexcept:
    global STATUS_HASH
    cdef int status
    for status in range(100, 1000):
        STATUS_TEXT[3 * (status - 100)] = <uint8_t>(0x30 + status // 100)
        STATUS_TEXT[3 * (status - 100) + 1] = <uint8_t>(0x30 + status // 10 % 10)
        STATUS_TEXT[3 * (status - 100) + 2] = <uint8_t>(0x30 + status % 10)
    STATUS_HASH = hash_octets(static_name(STATIC_STATUS), static_name_len(STATIC_STATUS))


fill_status()

# The name of RFC 9218's Priority field, which is not in the static table.
cdef const uint8_t *PRIORITY_NAME = b"priority"
cdef uint32_t PRIORITY_HASH = hash_octets(PRIORITY_NAME, 8)


cdef inline const uint8_t *octets_of(object value, Py_ssize_t *n) except? NULL:
    """Return the octets of a bytes object, or of a str as UTF-8, owned by the object; NULL for any other type."""
    if PyBytes_CheckExact(value):
        n[0] = PyBytes_GET_SIZE(value)
        return <const uint8_t *>PyBytes_AS_STRING(value)
    if PyUnicode_CheckExact(value):
        return <const uint8_t *>PyUnicode_AsUTF8AndSize(value, n)
    return NULL


cdef inline bint is_space(uint8_t c) noexcept:
    return c == 0x20 or c == 0x09


@cython.final
cdef class OutgoingFields:
    """A header list that is prepared for sending; used by one connection at a time."""

    def __cinit__(self):
        self.fields = NULL
        self.owners = NULL

    def __dealloc__(self):
        self.clear()
        PyMem_Free(self.fields)
        PyMem_Free(self.owners)

    cdef void sent(self) noexcept:
        """After encoding: release the fields, and keep their lookup results for the next block."""
        self.known = 0 if self.unchecked else self.count
        self.clear()

    cdef void clear(self) noexcept:
        """Release the fields' octets."""
        cdef Py_ssize_t i, n = self.count
        self.count = 0
        for i in range(2 * n):
            Py_XDECREF(self.owners[i])

    cdef int _grow(self) except -1:
        cdef Py_ssize_t capacity = self.capacity * 2 if self.capacity else 8
        cdef OutField *fields
        cdef PyObject **owners
        fields = <OutField *>PyMem_Realloc(self.fields, capacity * sizeof(OutField))
        if fields == NULL:
            raise MemoryError
        self.fields = fields
        owners = <PyObject **>PyMem_Realloc(self.owners, 2 * capacity * sizeof(PyObject *))
        if owners == NULL:
            raise MemoryError
        self.owners = owners
        self.capacity = capacity
        return 0

    cdef int convert(self, object headers) except -1:
        """Convert an iterable of (name, value). This may run user code, so it precedes any use of the state."""
        self.clear()
        self._read(headers)
        self.known = 0
        return 0

    cdef int convert_status(self, int status, object headers) except -1:
        """Convert headers as convert(), with `:status` before them."""
        cdef OutField *f
        if status < 100 or status > 999:
            raise ProtocolError(f"invalid status {status}")
        self.clear()
        if self.capacity == 0:
            self._grow()
        f = &self.fields[0]
        f.name = static_name(STATIC_STATUS)
        f.name_len = static_name_len(STATIC_STATUS)
        f.value = &STATUS_TEXT[3 * (status - 100)]
        f.value_len = 3
        f.flags = STATIC_FLAGS[STATIC_STATUS]
        f.name_hash = STATUS_HASH
        f.static_name = STATIC_STATUS
        self.owners[0] = NULL
        self.owners[1] = NULL
        self.count = 1
        self.encoder.match(f)
        self._read(headers)
        self.known = 0
        return 0

    cdef int _read(self, object headers) except -1:
        cdef object header
        cdef object sequence = headers if type(headers) is list or type(headers) is tuple else list(headers)
        cdef Py_ssize_t i = 0
        # The length is read in each iteration: a header's own code may change the list.
        while i < len(sequence):
            header = sequence[i]
            i += 1
            if PyTuple_CheckExact(header) and PyTuple_GET_SIZE(header) >= 2:
                self._one(<object>PyTuple_GET_ITEM(header, 0), <object>PyTuple_GET_ITEM(header, 1), False)
            else:
                # Cython's own indexing does not check the length of a tuple or list.
                self._one(PyObject_GetItem(header, 0), PyObject_GetItem(header, 1),
                          isinstance(header, tuple) and not getattr(header, "indexable", True))
        return 0

    cdef int _one(self, object name, object value, bint sensitive) except -1:
        cdef OutField *f
        cdef OutField before
        cdef Py_ssize_t name_len, value_len
        cdef uint32_t flags
        cdef int alike = 0
        if self.count == self.capacity:
            self._grow()
        f = &self.fields[self.count]
        before = f[0]
        f.name = octets_of(name, &name_len)
        if f.name == NULL:
            name = as_bytes(name)
            f.name = octets_of(name, &name_len)
        f.value = octets_of(value, &value_len)
        if f.value == NULL:
            value = as_bytes(value)
            f.value = octets_of(value, &value_len)
        if name_len > 0x7FFFFFFF or value_len > 0x7FFFFFFF:
            raise ProtocolError("header field too long")
        if self.options & OUT_NORMALIZE:
            while value_len > 0 and is_space(f.value[0]):
                f.value += 1
                value_len -= 1
            while value_len > 0 and is_space(f.value[value_len - 1]):
                value_len -= 1
        f.name_len = <uint32_t>name_len
        f.value_len = <uint32_t>value_len
        if self.count < self.known and before.match:
            # Responses are similar: the field at the same position of the last block may be equal, or have the same
            # name.
            alike = self.encoder.compare(&before, f)
        if alike:
            f.name_hash = before.name_hash
            f.static_name = before.static_name
            if alike == ALIKE_FIELD:
                f.match = before.match
                flags = before.flags & ~<uint32_t>F_NEVER_INDEXED
            else:
                self.encoder.match(f)
                flags = name_flags_of(before.flags)
        else:
            flags = self._name_known(f)
        if flags & (F_BAD_NAME | F_EMPTY_NAME) and self.options & OUT_NORMALIZE:
            name = PyBytes_FromStringAndSize(<const char *>f.name, name_len).lower().strip(b" \t")
            f.name = octets_of(name, &name_len)
            f.name_len = <uint32_t>name_len
            flags = self._name_known(f)
        if flags & (F_CONNECTION | F_COOKIE) and self.options & (OUT_NORMALIZE | OUT_SPLIT_COOKIES):
            if flags & F_CONNECTION and self.options & OUT_NORMALIZE:
                return 0
            if flags & F_COOKIE and self.options & OUT_SPLIT_COOKIES and value_len:
                if memchr(f.value, 0x3B, value_len) != NULL:
                    return self._cookies(PyBytes_FromStringAndSize(<const char *>f.value, value_len), sensitive)
        f.flags = flags | <uint32_t>(F_NEVER_INDEXED if sensitive else 0)
        Py_INCREF(name)
        Py_INCREF(value)
        self.owners[2 * self.count] = <PyObject *>name
        self.owners[2 * self.count + 1] = <PyObject *>value
        self.count += 1
        return 0

    cdef uint32_t _name_known(self, OutField *f) noexcept:
        """Look up a field, and return the flags of its name. Fields of the table were checked when they were added."""
        f.name_hash = hash_octets(f.name, f.name_len)
        f.static_name = static_name_index(f.name, f.name_len, f.name_hash)
        self.encoder.match(f)
        if f.static_name:
            return STATIC_FLAGS[f.static_name]
        if f.match and not self.unchecked:
            return 0
        return classify_name(f.name, f.name_len)

    cdef int _cookies(self, bytes value, bint sensitive) except -1:
        """Split a cookie into several fields (section 8.2.3)."""
        cdef int options = self.options
        self.options &= ~OUT_SPLIT_COOKIES
        try:
            for crumb in value.split(b"; "):
                self._one(b"cookie", crumb, sensitive)
        finally:
            self.options = options
        return 0

    cdef int check(self, int block) except -1:
        """Classify the fields. Under OUT_VALIDATE, raise ProtocolError for violations of section 8."""
        cdef Py_ssize_t i
        cdef OutField *f
        cdef uint32_t flags, kind, seen = 0
        cdef int64_t number
        cdef bint regular = False
        cdef bint validate = self.options & OUT_VALIDATE
        self.informational = False
        for i in range(self.count):
            f = &self.fields[i]
            flags = f.flags
            if not f.match or self.unchecked or (flags & F_PSEUDO and f.match > STATIC_TABLE_LENGTH):
                flags |= classify_value(flags, f.value, f.value_len, &number)
                f.flags = flags
            kind = flags >> F_KIND_SHIFT
            if flags & F_PSEUDO:
                if not regular and flags & F_INFORMATIONAL:
                    self.informational = True
                if validate:
                    if kind == 0:
                        raise ProtocolError(f"unknown pseudo-header field {self._name(i)}")
                    if regular:
                        raise ProtocolError(f"pseudo-header field out of sequence: {self._name(i)}")
                    if seen & (<uint32_t>1 << kind):
                        raise ProtocolError(f"duplicate pseudo-header field {self._name(i)}")
                seen |= <uint32_t>1 << kind
                if kind == KIND_STATUS and validate:
                    if f.value_len != 3 or not (0x31 <= f.value[0] <= 0x39 and 0x30 <= f.value[1] <= 0x39
                                                and 0x30 <= f.value[2] <= 0x39):
                        raise ProtocolError(f"invalid :status {self._value(i)}")
            else:
                regular = True
            if validate and flags & BAD_FIELD:
                self._refuse(i, flags)
        self.seen = seen
        if block == BLOCK_REQUEST:
            self._describe_request()
        if not validate:
            self.unchecked = True
            return 0
        if block == BLOCK_TRAILERS:
            if seen & BITS_PSEUDO:
                raise ProtocolError("pseudo-header field in trailers")
        elif block == BLOCK_REQUEST or block == BLOCK_PROMISE:
            self._check_request(block == BLOCK_PROMISE)
        elif not seen & BIT_STATUS:
            raise ProtocolError("Header block missing mandatory b':status' header")
        elif seen & BITS_REQUEST:
            raise ProtocolError("request pseudo-header field in a response")
        return 0

    cdef uint16_t priority(self) noexcept:
        """Return the value of the Priority field (_priority.pxd); 0 without one."""
        cdef Py_ssize_t i
        cdef OutField *f
        cdef uint16_t priority = 0
        for i in range(self.count):
            f = &self.fields[i]
            if f.name_hash == PRIORITY_HASH and f.name_len == 8 and memcmp(f.name, PRIORITY_NAME, 8) == 0:
                priority = join_priorities(priority, read_priority_field(f.value, f.value_len))
        return priority

    cdef void _describe_request(self) noexcept:
        """Find what a client's stream has to know of its request."""
        cdef Py_ssize_t i
        cdef OutField *f
        cdef uint32_t kind
        cdef bint is_connect = False
        self.heads = False
        self.extended = False
        self.authority = -1
        for i in range(self.count):
            f = &self.fields[i]
            kind = f.flags >> F_KIND_SHIFT
            if kind == KIND_METHOD:
                self.heads = f.value_len == 4 and memcmp(f.value, b"HEAD", 4) == 0
                is_connect = f.value_len == 7 and memcmp(f.value, b"CONNECT", 7) == 0
            elif kind == KIND_AUTHORITY and self.authority < 0:
                self.authority = i
            elif kind == KIND_PROTOCOL:
                self.extended = True
        self.connects = is_connect and not self.extended

    cdef object authority_value(self):
        """Return the value of :authority as the user has passed it, bytes or str; None: absent."""
        return None if self.authority < 0 else <object>self.owners[2 * self.authority + 1]

    cdef int _check_request(self, bint promised) except -1:
        """Check a request, or that of a push (RFC 9113 section 8.3.1, 8.4.1 and 8.5, RFC 8441 section 4)."""
        cdef Py_ssize_t i
        cdef OutField *f
        cdef OutField *authority = NULL
        cdef OutField *host = NULL
        if self.seen & BIT_STATUS or (promised and self.seen & BIT_PROTOCOL):
            raise ProtocolError("pseudo-header field that this request cannot have")
        if not self.seen & BIT_METHOD:
            raise ProtocolError("Header block missing mandatory b':method' header")
        if self.connects and not promised:
            if self.seen & (BIT_SCHEME | BIT_PATH):
                raise ProtocolError("Ordinary CONNECT MUST NOT include :scheme or :path")
        else:
            if not self.seen & BIT_SCHEME:
                raise ProtocolError("Header block missing mandatory b':scheme' header")
            if not self.seen & BIT_PATH:
                raise ProtocolError("Header block missing mandatory b':path' header")
        for i in range(self.count):
            f = &self.fields[i]
            if not promised and self.extended and f.flags >> F_KIND_SHIFT == KIND_METHOD and not (
                    f.value_len == 7 and memcmp(f.value, b"CONNECT", 7) == 0):
                raise ProtocolError(":protocol on a method other than CONNECT")
            if f.flags >> F_KIND_SHIFT == KIND_PATH and f.value_len == 0:
                raise ProtocolError("An empty :path header is forbidden")
            if f.flags >> F_KIND_SHIFT == KIND_AUTHORITY:
                authority = f
            elif f.flags & F_HOST:
                if host != NULL:
                    raise ProtocolError("Request header block has multiple Host headers.")
                host = f
        if authority == NULL and host == NULL:
            raise ProtocolError("Request header block does not have an :authority or Host header.")
        if authority != NULL and host != NULL and (
                authority.value_len != host.value_len
                or memcmp(authority.value, host.value, host.value_len) != 0):
            raise ProtocolError("Request header block has mismatched :authority and Host headers")
        return 0

    cdef int _refuse(self, Py_ssize_t i, uint32_t flags) except -1:
        if flags & F_EMPTY_NAME:
            raise ProtocolError("header field without a name")
        if flags & F_BAD_NAME and not (flags & F_UPPER_NAME and self._only_upper(i)):
            raise ProtocolError(f"header name with an octet that is not allowed: {self._name(i)}")
        if flags & F_BAD_VALUE:
            raise ProtocolError(f"NUL, CR or LF in the value of {self._name(i)}")
        if flags & F_BAD_TE:
            raise ProtocolError(f"te other than trailers: {self._value(i)}")
        if flags & F_CONNECTION:
            raise ProtocolError(f"connection-specific header field {self._name(i)}")
        if flags & F_PADDED_VALUE and self.options & OUT_NORMALIZE:
            raise ProtocolError(f"value of {self._name(i)} surrounded by whitespace")
        return 0

    cdef bint _only_upper(self, Py_ssize_t i) except -1:
        """Return True if a name is invalid only for upper case, which h2 sends without normalisation."""
        cdef bytes lower
        if self.options & OUT_NORMALIZE:
            return False
        lower = PyBytes_FromStringAndSize(<const char *>self.fields[i].name, self.fields[i].name_len).lower()
        return not classify_name(<const uint8_t *>PyBytes_AS_STRING(lower), PyBytes_GET_SIZE(lower)) & F_BAD_NAME

    cdef str _name(self, Py_ssize_t i):
        return show(PyBytes_FromStringAndSize(<const char *>self.fields[i].name, self.fields[i].name_len))

    cdef str _value(self, Py_ssize_t i):
        return show(PyBytes_FromStringAndSize(<const char *>self.fields[i].value, self.fields[i].value_len))

    cdef list frozen(self):
        """Return the fields as header tuples of bytes, to be converted and sent later."""
        cdef Py_ssize_t i
        cdef OutField *f
        cdef list result = []
        for i in range(self.count):
            f = &self.fields[i]
            kind = NeverIndexedHeaderTuple if f.flags & F_NEVER_INDEXED else HeaderTuple
            result.append(kind(PyBytes_FromStringAndSize(<const char *>f.name, f.name_len),
                               PyBytes_FromStringAndSize(<const char *>f.value, f.value_len)))
        return result


cdef bytes as_bytes(object value):
    """Convert a value to bytes: bytes unchanged (a subclass to plain bytes), others by their encode(), as in h2."""
    if PyBytes_Check(value):
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    value = value.encode("utf-8")
    if not PyBytes_CheckExact(value):
        raise TypeError(f"header fields are str or bytes, not {type(value).__name__}")
    return value
