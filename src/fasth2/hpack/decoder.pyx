"""The HPACK decoder (RFC 7541)."""
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_Clear, PyErr_ExceptionMatches
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.ref cimport Py_INCREF, Py_XDECREF, PyObject
from libc.stdint cimport INT64_MAX, UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t

from .fields cimport (
    F_BAD_LENGTH,
    F_CONTENT_LENGTH,
    F_LENGTH_LIST,
    F_NEVER_INDEXED,
    F_UNDECODABLE,
    STATIC_TABLE_LENGTH,
    classify_name,
    classify_value,
    name_flags_of,
    static_name,
    static_name_len,
    static_value,
    static_value_len,
)
from .huffman cimport huffman_decode, huffman_room

from .struct import HeaderTuple, NeverIndexedHeaderTuple
from .exceptions import (
    HPACKDecodingError,
    InvalidTableIndex,
    InvalidTableSizeError,
    OversizedHeaderListError,
)
from .table import TableSnapshot

cdef extern from *:
    """
    /* A tuple of a subclass of tuple, allocated as tuple's own constructor does it. */
    static PyObject *fasth2_tuple_of(PyObject *type, PyObject *name, PyObject *value)
    {
        PyTypeObject *t = (PyTypeObject *)type;
        PyObject *result = t->tp_alloc(t, 2);
        if (result == NULL) {
            return NULL;
        }
    #if PY_VERSION_HEX >= 0x030E0000
        ((PyTupleObject *)result)->ob_hash = -1;  /* not yet computed */
    #endif
        PyTuple_SET_ITEM(result, 0, Py_NewRef(name));
        PyTuple_SET_ITEM(result, 1, Py_NewRef(value));
        return result;
    }
    """
    PyObject *tuple_of "fasth2_tuple_of"(PyObject *type, PyObject *name, PyObject *value) except NULL

cdef extern from "Python.h":
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *p, Py_ssize_t n)
    PyObject *PyUnicode_DecodeUTF8(const char *p, Py_ssize_t n, const char *errors)
    PyObject *PyUnicode_DecodeLatin1(const char *p, Py_ssize_t n, const char *errors)
    PyObject *PyUnicode_DecodeASCII(const char *p, Py_ssize_t n, const char *errors)
    object PyUnicode_AsUTF8String(object text)
    PyObject *PyTuple_Pack(Py_ssize_t n, ...) except NULL
    PyObject *Py_NewRef(PyObject *o) noexcept

cdef enum:
    MAX_BLOCK = 1 << 30      # octets; sizes in a block then fit 32 bits
    LOCAL_SIZE = 2048        # octets of stack for a Huffman string
    FIRST_FIELDS = 24        # room for fields of the first block
    FIRST_RING = 16          # entries

DEFAULT_MAX_HEADER_LIST_SIZE = 65536

cdef PyObject *header_type = <PyObject *>HeaderTuple
cdef PyObject *never_indexed_type = <PyObject *>NeverIndexedHeaderTuple

# Filled when the module is imported, never written afterwards.
cdef Entry static_bytes[STATIC_TABLE_LENGTH + 1]
cdef Entry static_text[STATIC_TABLE_LENGTH + 1]


# ---- Entries

cdef void entry_free(Entry *entry) noexcept:
    Py_XDECREF(entry.name)
    Py_XDECREF(entry.value)
    Py_XDECREF(entry.header)
    Py_XDECREF(entry.pair)
    PyMem_Free(entry)


cdef inline Entry *entry_new() noexcept:
    cdef Entry *entry = <Entry *>PyMem_Malloc(sizeof(Entry))
    if entry == NULL:
        return NULL
    entry.refs = 1
    entry.flags = 0
    entry.size = 0
    entry.number = -1
    entry.name_len = 0
    entry.name = NULL
    entry.value = NULL
    entry.header = NULL
    entry.pair = NULL
    return entry


cdef PyObject *make_header(Entry *entry) except NULL:
    entry.header = tuple_of(never_indexed_type if entry.flags & F_NEVER_INDEXED else header_type,
                            entry.name, entry.value)
    return entry.header


cdef PyObject *make_pair(Entry *entry) except NULL:
    entry.pair = PyTuple_Pack(2, entry.name, entry.value)
    return entry.pair


cdef int fill_static_entries() except -1:
    cdef uint32_t i
    cdef Entry *entry
    cdef Entry *text
    for i in range(1, <uint32_t>(STATIC_TABLE_LENGTH + 1)):
        entry = &static_bytes[i]
        entry.refs = -1
        entry.flags = classify_value(classify_name(static_name(i), static_name_len(i)),
                                     static_value(i), static_value_len(i), &entry.number)
        entry.size = static_name_len(i) + static_value_len(i) + 32
        entry.name_len = static_name_len(i)
        text = &static_text[i]
        text[0] = entry[0]
        entry.name = new_bytes(<const char *>static_name(i), static_name_len(i))
        entry.value = new_bytes(<const char *>static_value(i), static_value_len(i))
        text.name = PyUnicode_DecodeASCII(<const char *>static_name(i), static_name_len(i), NULL)
        text.value = PyUnicode_DecodeASCII(<const char *>static_value(i), static_value_len(i), NULL)
        if entry.name == NULL or entry.value == NULL or text.name == NULL or text.value == NULL:
            raise MemoryError()
        make_header(entry)
        make_pair(entry)
        make_header(text)
        make_pair(text)
    return 0


fill_static_entries()


cdef Entry *static_entry(uint32_t index, int encoding) noexcept:
    return &static_bytes[index] if encoding == HPACK_BYTES else &static_text[index]


# ---- Integers and strings

cdef inline int read_integer(const uint8_t **cursor, const uint8_t *end, uint32_t mask,
                             uint32_t *result) noexcept nogil:
    """Read an integer whose prefix is ``mask``'s bits of the octet at ``cursor``, which is before ``end``."""
    cdef const uint8_t *p = cursor[0]
    cdef uint64_t value = p[0] & mask
    cdef uint32_t shift = 0
    cdef uint8_t octet
    p += 1
    if value == mask:
        while True:
            if p == end:
                return HPACK_TRUNCATED
            octet = p[0]
            p += 1
            value += <uint64_t>(octet & 0x7f) << shift
            if octet < 0x80:
                break
            shift += 7
            if shift == 35:
                return HPACK_BAD_INTEGER
        if value > UINT32_MAX:
            return HPACK_BAD_INTEGER
    cursor[0] = p
    result[0] = <uint32_t>value
    return HPACK_OK


cdef struct String:
    const uint8_t *p        # in the block, or decoded
    size_t n
    uint8_t *owned          # heap memory to free, or NULL


cdef inline int read_string(const uint8_t **cursor, const uint8_t *end, uint32_t longest,
                            uint8_t *local, String *string) noexcept:
    """Read a string literal; ``local`` has LOCAL_SIZE octets for decoded Huffman strings."""
    cdef uint32_t n
    cdef int fault
    cdef bint coded
    cdef uint8_t *out = local
    cdef Py_ssize_t decoded
    string.owned = NULL
    if cursor[0] == end:
        return HPACK_TRUNCATED
    coded = cursor[0][0] >= 0x80
    fault = read_integer(cursor, end, 0x7f, &n)
    if fault:
        return fault
    if n > longest:
        return HPACK_STRING_TOO_LONG
    if n > <size_t>(end - cursor[0]):
        return HPACK_TRUNCATED
    string.p = cursor[0]
    string.n = n
    cursor[0] += n
    if coded:
        if huffman_room(n) > LOCAL_SIZE:
            out = <uint8_t *>PyMem_Malloc(huffman_room(n))
            if out == NULL:
                return HPACK_NO_MEMORY
            string.owned = out
        decoded = huffman_decode(string.p, n, out)
        if decoded < 0:
            PyMem_Free(string.owned)
            string.owned = NULL
            return HPACK_BAD_HUFFMAN
        string.p = out
        string.n = decoded
    return HPACK_OK


# ---- The decoder

cdef str fault_message(int fault):
    return MESSAGES[fault]


cdef tuple MESSAGES = (
    "no fault",
    "truncated header block",
    "integer too long",
    "index not in the table",
    "invalid Huffman string",
    "string over the limit",
    "table size update after a field",
    "table size update over the allowed size",
    "table size not lowered to the allowed size",
    "header list far over the limit",
    "far too many header fields",
    "header block too long",
)

cdef dict ERRORS = {
    HPACK_BAD_INDEX: InvalidTableIndex,
    HPACK_STRING_TOO_LONG: OversizedHeaderListError,
    HPACK_UPDATE_TOO_LARGE: InvalidTableSizeError,
    HPACK_UPDATE_MISSING: InvalidTableSizeError,
    HPACK_LIST_TOO_LARGE: OversizedHeaderListError,
    HPACK_TOO_MANY_FIELDS: OversizedHeaderListError,
}

cdef dict ENCODINGS = {None: HPACK_BYTES, "utf-8": HPACK_UTF8, "latin-1": HPACK_LATIN1, "ascii": HPACK_ASCII}


cdef class Decoder:
    """An HPACK decoder: the receiving end of one connection's header compression (RFC 7541).

    Args:
        max_header_list_size: Largest header list, octets, plus 32 for each field
        (SETTINGS_MAX_HEADER_LIST_SIZE). A block above it is refused; one above four times
        the limit is not decoded to its end.
        encoding: ``None`` for names and values as ``bytes``, or ``"utf-8"``, ``"latin-1"``,
            ``"ascii"`` for ``str``.
        fallback: Decode as latin-1 what ``encoding`` cannot decode, instead of keeping ``bytes``.

    Raises:
        ValueError: Another ``encoding``.
        OverflowError: ``max_header_list_size`` is negative or over 32 bits.

    Limits are attributes, 2**32 - 1 for none: ``max_header_list_size`` and ``hard_list_size``
    (octets), ``max_fields`` and ``hard_max_fields``, ``max_string`` (encoded octets of a
    string), ``max_allowed_table_size`` (octets; our SETTINGS_HEADER_TABLE_SIZE).
    Exceeding the first of each pair refuses a block, but keeps the table in sync with the peer's.
    """

    def __cinit__(self):
        self.fields = NULL
        self.count = 0
        self.list_size = 0
        self.field_count = 0
        self.oversized = False
        self.max_fields = UINT32_MAX
        self.hard_max_fields = UINT32_MAX
        self.max_allowed_table_size = 4096
        self.capacity = 0
        self.ring = NULL
        self.ring_size = 0
        self.first = 0
        self.length = 0
        self.table_size = 0
        self.table_limit = 4096
        self.reading = False
        self.set_encoding(HPACK_BYTES, False)

    def __init__(self, uint32_t max_header_list_size=DEFAULT_MAX_HEADER_LIST_SIZE, *,
                 encoding=None, bint fallback=False):
        if encoding not in ENCODINGS:
            raise ValueError(f"encoding must be None, 'utf-8', 'latin-1' or 'ascii', not {encoding!r}")
        if self.length or self.count or self.reading:
            raise RuntimeError("the decoder is in use")
        self.max_header_list_size = max_header_list_size
        self.max_string = max_header_list_size
        self.hard_list_size = <uint32_t>(max_header_list_size * 4 if max_header_list_size <= UINT32_MAX // 4
                                         else UINT32_MAX)
        self.set_encoding(ENCODINGS[encoding], fallback)

    def __dealloc__(self):
        self.release()
        self.evict_to(0)
        PyMem_Free(self.fields)
        PyMem_Free(self.ring)

    cdef void set_encoding(self, int encoding, bint fallback) noexcept:
        self.encoding = encoding
        self.fallback = fallback
        self.statics = &static_bytes[0] if encoding == HPACK_BYTES else &static_text[0]

    @cython.critical_section
    cdef int change_encoding(self, int encoding, bint fallback) except -1:
        cdef Decoder other
        cdef Entry *entry
        cdef list pairs = []
        cdef uint32_t i
        if self.reading or self.count:
            raise RuntimeError("the decoder is in use")
        if self.length and (encoding != self.encoding or fallback != self.fallback):
            for i in range(self.length):
                entry = self.ring[(self.first + i) & (self.ring_size - 1)]
                pairs.append((encoded_as_received(<object>entry.name, entry.name_len),
                              encoded_as_received(<object>entry.value, entry.size - 32 - entry.name_len)))
            other = Decoder()
            other.set_encoding(encoding, fallback)
            other.table_limit = self.table_limit
            for name, value in pairs:
                other.insert_pair(name, value)
            # Nothing below can fail.
            self.ring, other.ring = other.ring, self.ring
            self.ring_size, other.ring_size = other.ring_size, self.ring_size
            self.first, other.first = other.first, self.first
            self.length, other.length = other.length, self.length
            self.table_size, other.table_size = other.table_size, self.table_size
        self.set_encoding(encoding, fallback)
        return 0

    cdef void release(self) noexcept:
        cdef Py_ssize_t i
        for i in range(self.count):
            entry_release(self.fields[i])
        self.count = 0

    cdef int decode_block(self, const uint8_t *p, Py_ssize_t n) except -2:
        cdef int fault
        if self.reading:
            raise RuntimeError("the decoder is in use")
        # An error of a codec may start the garbage collector, which may run any code.
        self.reading = True
        fault = self.read_block(p, n)
        self.reading = False
        if fault == HPACK_NO_MEMORY:
            raise MemoryError()
        return fault

    cdef int read_block(self, const uint8_t *p, Py_ssize_t n) noexcept:
        cdef const uint8_t *end
        cdef uint32_t size
        cdef int fault
        self.release()
        self.list_size = 0
        self.field_count = 0
        self.oversized = False
        if n > MAX_BLOCK:
            return HPACK_BLOCK_TOO_LONG
        end = p + n
        while p < end and p[0] & 0xe0 == 0x20:
            fault = read_integer(&p, end, 0x1f, &size)
            if fault:
                return fault
            if size > self.max_allowed_table_size:
                return HPACK_UPDATE_TOO_LARGE
            self.set_table_limit(size)
        if self.table_limit > self.max_allowed_table_size:
            return HPACK_UPDATE_MISSING
        return self.read_fields(p, end)

    cdef int read_fields(self, const uint8_t *p, const uint8_t *end) noexcept:
        # A block is at most MAX_BLOCK octets, so neither its fields nor their sizes overflow 64 bits.
        cdef int64_t most = (self.max_header_list_size if self.max_header_list_size != UINT32_MAX
                             else INT64_MAX)
        cdef int64_t left = most             # octets of the header list
        cdef uint32_t discarded = 0
        cdef Py_ssize_t stop = self.room()
        cdef const uint8_t *cursor
        cdef uint32_t index
        cdef Entry *entry
        cdef int fault = HPACK_OK
        while p < end:
            if p[0] >= 0x80:
                index = p[0] & 0x7f
                if index != 0x7f:
                    p += 1
                else:
                    cursor = p
                    fault = read_integer(&cursor, end, 0x7f, &index)
                    if fault:
                        break
                    p = cursor
                entry = self.entry_at(index)
                if entry == NULL:
                    fault = HPACK_BAD_INDEX
                    break
                entry_retain(entry)
            elif p[0] & 0xe0 == 0x20:
                fault = HPACK_UPDATE_LATE
                break
            else:
                entry = entry_new()
                if entry == NULL:
                    fault = HPACK_NO_MEMORY
                    break
                cursor = p
                fault = self.read_literal(&cursor, end, entry)
                if fault:
                    entry_release(entry)
                    break
                p = cursor
            left -= entry.size
            if left >= 0 and self.count < stop:
                self.fields[self.count] = entry
                self.count += 1
            elif left >= 0 and <size_t>self.count < self.max_fields:
                fault = self.grow()
                if fault:
                    entry_release(entry)
                    break
                stop = self.room()
                self.fields[self.count] = entry
                self.count += 1
            else:
                entry_release(entry)
                discarded += 1
                if left < 0 and most - left > self.hard_list_size and self.hard_list_size != UINT32_MAX:
                    fault = HPACK_LIST_TOO_LARGE
                    break
                if self.count + discarded > self.hard_max_fields:
                    fault = HPACK_TOO_MANY_FIELDS
                    break
        left = most - left
        self.list_size = <uint32_t>left if left < UINT32_MAX else UINT32_MAX
        self.field_count = <uint32_t>self.count + discarded
        self.oversized = discarded > 0
        return fault

    cdef inline Py_ssize_t room(self) noexcept:
        """Return the number of fields that can be kept without more memory or a limit being exceeded."""
        return self.capacity if <size_t>self.capacity < self.max_fields else <Py_ssize_t>self.max_fields

    cdef int grow(self) noexcept:
        """Allocate memory for more fields."""
        cdef Py_ssize_t capacity = self.capacity * 2 if self.capacity else FIRST_FIELDS
        cdef Entry **fields = <Entry **>PyMem_Realloc(self.fields, capacity * sizeof(Entry *))
        if fields == NULL:
            return HPACK_NO_MEMORY
        self.fields = fields
        self.capacity = capacity
        return HPACK_OK

    cdef int read_literal(self, const uint8_t **cursor, const uint8_t *end, Entry *entry) noexcept:
        """Read a literal field (RFC 7541 section 6.2) into a new entry."""
        cdef uint8_t octet = cursor[0][0]
        cdef bint indexing = octet & 0x40
        cdef int fault
        fault = self.read_name(cursor, end, 0x3f if indexing else 0x0f, entry)
        if fault:
            return fault
        fault = self.read_value(cursor, end, entry)
        if fault:
            return fault
        if indexing:
            return self.insert(entry)
        if octet & 0x10:
            entry.flags |= F_NEVER_INDEXED
        return HPACK_OK

    cdef int read_name(self, const uint8_t **cursor, const uint8_t *end, uint32_t mask, Entry *entry) noexcept:
        cdef uint8_t local[LOCAL_SIZE]
        cdef String string
        cdef Entry *source
        cdef uint32_t index
        cdef int fault
        if cursor[0][0] & mask:
            fault = read_integer(cursor, end, mask, &index)
            if fault:
                return fault
            source = self.entry_at(index)
            if source == NULL:
                return HPACK_BAD_INDEX
            # The entry owns a reference to the name: inserting may evict `source`.
            entry.name = Py_NewRef(source.name)
            entry.name_len = source.name_len
            entry.flags = name_flags_of(source.flags)
            if self.encoding != HPACK_BYTES and PyBytes_CheckExact(<object>source.name):
                entry.flags |= F_UNDECODABLE
            return HPACK_OK
        cursor[0] += 1
        fault = read_string(cursor, end, self.max_string, local, &string)
        if fault:
            return fault
        entry.name_len = <uint32_t>string.n
        entry.flags = classify_name(string.p, string.n)
        entry.name = self.text(string.p, string.n, &entry.flags)
        PyMem_Free(string.owned)
        return HPACK_OK if entry.name != NULL else HPACK_NO_MEMORY

    cdef int read_value(self, const uint8_t **cursor, const uint8_t *end, Entry *entry) noexcept:
        cdef uint8_t local[LOCAL_SIZE]
        cdef String string
        cdef uint64_t size
        cdef int fault
        fault = read_string(cursor, end, self.max_string, local, &string)
        if fault:
            return fault
        size = <uint64_t>entry.name_len + string.n + 32
        entry.size = <uint32_t>size if size < UINT32_MAX else UINT32_MAX
        entry.flags = classify_value(entry.flags, string.p, string.n, &entry.number)
        entry.value = self.text(string.p, string.n, &entry.flags)
        PyMem_Free(string.owned)
        return HPACK_OK if entry.value != NULL else HPACK_NO_MEMORY

    cdef PyObject *text(self, const uint8_t *p, size_t n, uint32_t *flags) noexcept:
        """Return a new reference to the octets as the decoder's type, or NULL without memory."""
        cdef PyObject *result = NULL
        cdef const char *s = <const char *>p
        if self.encoding == HPACK_UTF8:
            result = PyUnicode_DecodeUTF8(s, n, NULL)
        elif self.encoding == HPACK_LATIN1:
            result = PyUnicode_DecodeLatin1(s, n, NULL)
        elif self.encoding == HPACK_ASCII:
            result = PyUnicode_DecodeASCII(s, n, NULL)
        else:
            result = new_bytes(s, n)
        if result != NULL:
            return result
        if PyErr_ExceptionMatches(UnicodeDecodeError):
            PyErr_Clear()
            if self.fallback:
                result = PyUnicode_DecodeLatin1(s, n, NULL)
            else:
                flags[0] |= F_UNDECODABLE
                result = new_bytes(s, n)
        if result == NULL:
            PyErr_Clear()
        return result

    # ---- The dynamic table (RFC 7541 sections 2.3.2 and 4)

    cdef inline Entry *entry_at(self, uint32_t index) noexcept:
        if index <= STATIC_TABLE_LENGTH:
            return &self.statics[index] if index else NULL
        index -= STATIC_TABLE_LENGTH + 1
        if index >= self.length:
            return NULL
        return self.ring[(self.first + self.length - 1 - index) & (self.ring_size - 1)]

    cdef int insert(self, Entry *entry) noexcept:
        cdef Entry **ring
        cdef uint32_t size, i
        if entry.size > self.table_limit:
            self.evict_to(0)
            return HPACK_OK
        self.evict_to(self.table_limit - entry.size)
        if self.length == self.ring_size:
            # An entry is 32 octets of table or more, so this stays below 2**28 entries.
            size = <uint32_t>(self.ring_size * 2 if self.ring_size else FIRST_RING)
            ring = <Entry **>PyMem_Malloc(size * sizeof(Entry *))
            if ring == NULL:
                return HPACK_NO_MEMORY
            for i in range(self.length):
                ring[i] = self.ring[(self.first + i) & (self.ring_size - 1)]
            PyMem_Free(self.ring)
            self.ring = ring
            self.ring_size = size
            self.first = 0
        self.ring[(self.first + self.length) & (self.ring_size - 1)] = entry
        self.length += 1
        self.table_size += entry.size
        entry_retain(entry)
        return HPACK_OK

    cdef void evict_to(self, uint32_t size) noexcept:
        """Evict the oldest entries until the table takes ``size`` octets or fewer."""
        cdef Entry *oldest
        while self.table_size > size:
            oldest = self.ring[self.first]
            self.first = (self.first + 1) & (self.ring_size - 1)
            self.length -= 1
            self.table_size -= oldest.size
            entry_release(oldest)

    cdef void set_table_limit(self, uint32_t limit) noexcept:
        self.table_limit = limit
        self.evict_to(limit)

    # ---- Changes to the last block

    cdef void drop_fields(self, uint32_t flag) noexcept:
        cdef Py_ssize_t i, kept = 0
        for i in range(self.count):
            if self.fields[i].flags & flag:
                entry_release(self.fields[i])
            else:
                self.fields[kept] = self.fields[i]
                kept += 1
        self.count = kept

    cdef int merge_lengths(self, int64_t octets) except -1:
        cdef Py_ssize_t first = 0
        cdef Py_ssize_t i, kept
        cdef Entry *one
        cdef object value = str(octets)
        if self.encoding == HPACK_BYTES:
            value = (<str>value).encode("ascii")
        while first < self.count and not self.fields[first].flags & F_CONTENT_LENGTH:
            first += 1
        if first == self.count:
            return 0
        one = entry_new()
        if one == NULL:
            raise MemoryError
        one.flags = self.fields[first].flags & ~<uint32_t>(F_BAD_LENGTH | F_LENGTH_LIST)
        one.size = self.fields[first].size
        one.name_len = self.fields[first].name_len
        one.number = octets
        one.name = self.fields[first].name
        Py_INCREF(<object>one.name)
        one.value = <PyObject *>value
        Py_INCREF(value)
        entry_release(self.fields[first])
        self.fields[first] = one
        kept = first + 1
        for i in range(first + 1, self.count):
            if self.fields[i].flags & F_CONTENT_LENGTH:
                entry_release(self.fields[i])
            else:
                self.fields[kept] = self.fields[i]
                kept += 1
        self.count = kept
        return 0

    # ---- From Python

    cdef list headers(self):
        cdef Py_ssize_t i
        cdef list result = []
        for i in range(self.count):
            result.append(<object>entry_header(self.fields[i]))
        return result

    @property
    @cython.critical_section
    def header_table_size(self):
        """The size of the dynamic table chosen by the peer, in octets."""
        return self.table_limit

    @header_table_size.setter
    def header_table_size(self, uint32_t value):
        with cython.critical_section(self):
            self.set_table_limit(value)

    @property
    def header_table(self):
        """A :class:`TableSnapshot` of the dynamic table."""
        cdef uint32_t i = STATIC_TABLE_LENGTH + 1
        cdef Entry *entry
        cdef list entries = []
        with cython.critical_section(self):
            while True:
                # A new tuple may start the garbage collector, which may change the table.
                entry = self.entry_at(i)
                if entry == NULL:
                    break
                entry_retain(entry)
                try:
                    entries.append(<object>entry_pair(entry))
                finally:
                    entry_release(entry)
                i += 1
            return TableSnapshot(self.table_limit, entries)

    def decode(self, data, bint raw=False):
        """Decode a header block.

        Args:
            data: The complete block, a bytes-like object.
            raw: True to keep names and values as ``bytes``; else they are decoded as UTF-8. Ignored
                by a decoder with an ``encoding``.

        Returns:
            A list of header tuples, ``(name, value)``, in the order of the block.

        Raises:
            InvalidTableIndex: An index that neither table has.
            InvalidTableSizeError: A table size update above the allowed size, or a missing one.
            OversizedHeaderListError: The list exceeds ``max_header_list_size`` or ``max_fields``,
                or a string exceeds ``max_string``.
            HPACKDecodingError: Any other violation of RFC 7541, or text that is not UTF-8.
            RuntimeError: The decoder is in use: the fields of its last block were not taken yet.
        """
        cdef int encoding = self.encoding
        cdef uint32_t flags
        cdef list fields = self.decode_buffer(data, &encoding, &flags)
        return fields if raw or encoding != HPACK_BYTES else as_text(fields)

    cdef list decode_buffer(self, object data, int *encoding, uint32_t *flags):
        cdef Py_buffer view
        cdef int fault
        cdef Py_ssize_t i
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            with cython.critical_section(self):
                if self.reading or self.count:
                    raise RuntimeError("the decoder is in use")
                self.reading = True
                try:
                    if self.length == 0 and encoding[0] != self.encoding:
                        self.set_encoding(encoding[0], self.fallback)
                    encoding[0] = self.encoding
                    fault = self.read_block(<const uint8_t *>view.buf, view.len)
                    if fault == HPACK_NO_MEMORY:
                        raise MemoryError()
                    if fault:
                        raise ERRORS.get(fault, HPACKDecodingError)(fault_message(fault))
                    if self.oversized:
                        raise OversizedHeaderListError("header list over the limit")
                    flags[0] = 0
                    for i in range(self.count):
                        flags[0] |= self.fields[i].flags
                    return self.headers()
                finally:
                    self.release()
                    self.reading = False
        finally:
            PyBuffer_Release(&view)

    cdef int insert_pair(self, bytes name, bytes value) except -1:
        cdef Entry *entry
        cdef const uint8_t *p = <const uint8_t *>PyBytes_AS_STRING(name)
        cdef const uint8_t *q = <const uint8_t *>PyBytes_AS_STRING(value)
        cdef size_t n = PyBytes_GET_SIZE(name)
        cdef size_t m = PyBytes_GET_SIZE(value)
        cdef int fault = HPACK_NO_MEMORY
        if n > MAX_BLOCK or m > MAX_BLOCK:
            raise ValueError("header field too long")
        with cython.critical_section(self):
            if self.reading:
                raise RuntimeError("the decoder is in use")
            self.reading = True
            entry = entry_new()
            if entry != NULL:
                entry.name_len = <uint32_t>n
                entry.size = <uint32_t>(n + m + 32)
                entry.flags = classify_value(classify_name(p, n), q, m, &entry.number)
                entry.name = self.text(p, n, &entry.flags)
                entry.value = self.text(q, m, &entry.flags)
                if entry.name != NULL and entry.value != NULL:
                    fault = self.insert(entry)
                entry_release(entry)
            self.reading = False
        if fault:
            raise MemoryError()
        return 0


cdef list as_text(list fields):
    cdef list texts = []
    try:
        for field in fields:
            texts.append(header_of(type(field), (<bytes?>field[0]).decode("utf-8"),
                                   (<bytes?>field[1]).decode("utf-8")))
    except UnicodeDecodeError as error:
        raise HPACKDecodingError("header field is not UTF-8") from error
    return texts


cdef list as_octets(list fields):
    cdef list result = []
    for field in fields:
        result.append(header_of(type(field), octets_of(field[0]), octets_of(field[1])))
    return result


cdef bytes encoded_as_received(object text, size_t n):
    """Return the n octets of which a name or a value was made, in whatever encoding."""
    cdef bytes octets = octets_of(text)
    # Text that the fallback has decoded is longer in UTF-8.
    return octets if <size_t>PyBytes_GET_SIZE(octets) == n else (<str>text).encode("latin-1")


cdef inline object octets_of(object value):
    return value if PyBytes_CheckExact(value) else PyUnicode_AsUTF8String(value)


cdef inline object header_of(object cls, object name, object value):
    cdef PyObject *header = tuple_of(<PyObject *>cls, <PyObject *>name, <PyObject *>value)
    cdef object result = <object>header
    Py_XDECREF(header)
    return result
