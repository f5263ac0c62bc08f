"""The HPACK encoder (RFC 7541)."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_CheckExact
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject_GetItem
from cpython.tuple cimport PyTuple_Check, PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_CheckExact
from libc.string cimport memcpy, memmove

from fasth2.hpack.fields cimport (
    F_NEVER_INDEXED,
    F_SENSITIVE,
    STATIC_TABLE_LENGTH,
    hash_octets,
    load_octets,
    static_last,
    static_name,
    static_name_index,
    static_value,
    static_value_len,
)
from fasth2.hpack.huffman cimport huffman_encode, huffman_length

from fasth2.hpack.huffman import decode as decode_huffman
from fasth2.hpack.struct import HeaderTuple
from fasth2.hpack.table import TableSnapshot

cdef enum:
    BUCKETS = 32
    ENTRY_OVERHEAD = 32
    # First octets of RFC 7541 section 6.
    INDEXED = 0x80           # 7-bit index
    LITERAL_INDEXED = 0x40   # 6-bit name index
    LITERAL_NEVER = 0x10     # 4-bit name index
    SIZE_UPDATE = 0x20       # 5-bit size
    HUFFMAN = 0x80           # 7-bit length
    LONGEST_STRING = 0x7fffffff   # octets
    LONGEST_INTEGER = 6      # octets of a 32-bit number after any prefix
    FIRST_FIELDS = 32        # room on the stack
    LOCAL_SIZE = 4096        # octets of a block on the stack


cdef inline bint same_octets(const uint8_t *a, const uint8_t *b, size_t n) noexcept:
    """Return memcmp() == 0, without a call for short strings."""
    cdef uint64_t x, y
    while n >= 8:
        memcpy(&x, a, 8)
        memcpy(&y, b, 8)
        if x != y:
            return False
        a += 8
        b += 8
        n -= 8
    if n == 0:
        return True
    return load_octets(a, n) == load_octets(b, n)


cdef inline uint32_t hash_pair(const OutField *f) noexcept:
    return hash_octets(f.value, f.value_len) ^ (f.name_hash * <uint32_t>0x85EBCA6B)


cdef inline uint8_t *put_integer(uint8_t *out, uint8_t first, uint32_t prefix_max, uint64_t value) noexcept:
    """Write an integer (section 5.1). prefix_max: 2**bits - 1."""
    if value < prefix_max:
        out[0] = first | <uint8_t>value
        return out + 1
    out[0] = first | <uint8_t>prefix_max
    out += 1
    value -= prefix_max
    while value >= 128:
        out[0] = <uint8_t>(value & 127) | 128
        out += 1
        value >>= 7
    out[0] = <uint8_t>value
    return out + 1


cdef inline uint8_t *put_string(uint8_t *out, const uint8_t *p, uint32_t n) noexcept:
    """Write a string (section 5.2), Huffman-coded unless that is longer."""
    cdef size_t coded = huffman_length(p, n)
    if coded <= n:
        out = put_integer(out, HUFFMAN, 127, coded)
        return out + huffman_encode(p, n, out)
    out = put_integer(out, 0, 127, n)
    memcpy(out, p, n)
    return out + n


@cython.final
cdef class Encoder:
    """An HPACK encoder: the sending end of one connection's header compression (RFC 7541)."""

    def __cinit__(self):
        self._max_table_size = 4096
        self.limit = 4096
        self.oldest = 1

    def __dealloc__(self):
        PyMem_Free(self.ring)
        PyMem_Free(self.octets)
        PyMem_Free(self.pairs)
        PyMem_Free(self.names)

    @property
    @cython.critical_section
    def max_table_size(self):
        """Upper bound of the dynamic table's size in octets, besides the peer's; ``None``: no bound."""
        return self._max_table_size

    @max_table_size.setter
    def max_table_size(self, value):
        cdef uint32_t limit = 0
        if value is not None:
            if not 0 <= value <= 0xFFFFFFFF:
                raise ValueError(f"table size {value} is not between 0 and 2**32 - 1")
            limit = value
        with cython.critical_section(self):
            self._max_table_size = None if value is None else limit
            if value is not None and limit < self.limit:
                self.set_limit(limit)

    @property
    @cython.critical_section
    def header_table_size(self):
        """Largest size of the dynamic table, in octets.

        Assign the peer's SETTINGS_HEADER_TABLE_SIZE (RFC 7541 section 4.2).

        Raises:
            ValueError: Below 0 or above 32 bits.
        """
        return self.limit

    @header_table_size.setter
    def header_table_size(self, value):
        if not 0 <= value <= 0xFFFFFFFF:
            raise ValueError(f"table size {value} is not between 0 and 2**32 - 1")
        cdef uint32_t limit = value
        with cython.critical_section(self):
            if self._max_table_size is not None:
                limit = min(limit, <uint32_t>self._max_table_size)
            self.set_limit(limit)

    @property
    def header_table(self):
        """A :class:`TableSnapshot` of the dynamic table."""
        cdef uint64_t number
        cdef TableEntry *e
        cdef bytes name, value
        cdef list entries = []
        with cython.critical_section(self):
            number = self.newest
            # A new tuple may start the garbage collector, which may change the table.
            while self.oldest <= number <= self.newest:
                e = &self.ring[number & (self.ring_size - 1)]
                name = PyBytes_FromStringAndSize(<const char *>self.octets + e.at, e.name_len)
                value = PyBytes_FromStringAndSize(<const char *>self.octets + e.at + e.name_len, e.value_len)
                entries.append((name, value))
                number -= 1
            return TableSnapshot(self.limit, entries)

    def encode(self, headers, bint huffman=True):
        """Encode a header list.

        Args:
            headers: A dict, or an iterable of (name, value) or (name, value, sensitive), str (as UTF-8) or
                bytes. A sensitive field, or a tuple whose ``indexable`` is false, is never indexed.
            huffman: False to write every string as it is; else strings are Huffman-coded unless that is longer.

        Returns:
            The field block, ``bytes``.

        Raises:
            ValueError: A name or value is longer than 2**31 - 1 octets.
            IndexError: A field has no name or no value.
        """
        return self.encode_list(headers, huffman, True)

    cdef bytes encode_list(self, object headers, bint huffman, bint updates):
        cdef OutField local[FIRST_FIELDS]
        cdef uint8_t out[LOCAL_SIZE]
        cdef OutField *fields = local
        cdef OutField *more
        cdef OutField *f
        cdef size_t room = FIRST_FIELDS
        cdef size_t n = 0
        cdef size_t i, size
        cdef bint resized
        cdef list kept = []      # what the fields point into
        cdef bytes block = None
        cdef uint8_t *start = out
        cdef uint8_t *end
        if isinstance(headers, dict):
            headers = pseudo_fields_first(headers)
        try:
            for header in headers:
                if n == room:
                    more = <OutField *>PyMem_Malloc(2 * room * sizeof(OutField))
                    if more == NULL:
                        raise MemoryError
                    memcpy(more, fields, n * sizeof(OutField))
                    if fields != local:
                        PyMem_Free(fields)
                    fields = more
                    room *= 2
                f = &fields[n]
                f.flags = F_NEVER_INDEXED if is_sensitive(header) else 0
                if PyTuple_Check(header) and PyTuple_GET_SIZE(header) >= 2:
                    kept.append(header)
                    set_octets(<object>PyTuple_GET_ITEM(header, 0), kept, &f.name, &f.name_len)
                    set_octets(<object>PyTuple_GET_ITEM(header, 1), kept, &f.value, &f.value_len)
                else:
                    # Cython's own indexing does not check the length of a list.
                    item = PyObject_GetItem(header, 0)
                    kept.append(item)
                    set_octets(item, kept, &f.name, &f.name_len)
                    item = PyObject_GetItem(header, 1)
                    kept.append(item)
                    set_octets(item, kept, &f.value, &f.value_len)
                f.name_hash = hash_octets(f.name, f.name_len)
                f.static_name = static_name_index(f.name, f.name_len, f.name_hash)
                n += 1
            size = self.bound(fields, n)
            if size > LOCAL_SIZE:
                block = PyBytes_FromStringAndSize(NULL, size)
                start = <uint8_t *>PyBytes_AS_STRING(block)
            with cython.critical_section(self):
                for i in range(n):
                    self.match(&fields[i])
                resized = self.resized
                if not updates:
                    self.resized = False
                try:
                    end = self.encode_fields(fields, n, start)
                finally:
                    if not updates:
                        self.resized = resized
            if not huffman:
                return without_huffman(start, end)
            return PyBytes_FromStringAndSize(<char *>start, end - start)
        finally:
            if fields != local:
                PyMem_Free(fields)

    cdef int insert_pair(self, bytes name, bytes value) except -1:
        cdef OutField f
        set_octets(name, None, &f.name, &f.name_len)
        set_octets(value, None, &f.value, &f.value_len)
        f.flags = 0
        f.name_hash = hash_octets(f.name, f.name_len)
        f.static_name = 0
        f.match = 0
        with cython.critical_section(self):
            f.pair_hash = hash_pair(&f)
            self.reserve(&f, 1)
            self.insert(&f)
        return 0

    cdef size_t bound(self, const OutField *fields, size_t n) noexcept:
        cdef size_t total = 2 * LONGEST_INTEGER
        cdef size_t i
        for i in range(n):
            total += <size_t>fields[i].name_len + fields[i].value_len + 3 * LONGEST_INTEGER
        return total

    cdef uint8_t *encode_fields(self, OutField *fields, size_t n, uint8_t *out) except NULL:
        cdef size_t i
        cdef uint64_t before = self.newest
        self.reserve(fields, n)
        if self.resized:
            # Section 4.2: the smallest size in between, then the one in force.
            if self.smallest < self.limit:
                out = put_integer(out, SIZE_UPDATE, 31, self.smallest)
            out = put_integer(out, SIZE_UPDATE, 31, self.limit)
            self.resized = False
        for i in range(n):
            out = self.encode_field(&fields[i], before, out)
        return out

    cdef int reserve(self, const OutField *fields, size_t n) except -1:
        """Allocate the memory for inserting all these fields."""
        cdef size_t octets = 0
        cdef size_t i, room, size
        cdef uint64_t entries = self.newest + 1 - self.oldest
        cdef uint64_t number, most
        cdef TableEntry *ring
        cdef uint8_t *moved
        cdef size_t new = 0
        for i in range(n):
            if fields[i].match == 0 or fields[i].match > STATIC_TABLE_LENGTH:
                # The matched entry may have been evicted by an earlier field.
                new += 1
                if <uint64_t>fields[i].name_len + fields[i].value_len + ENTRY_OVERHEAD <= self.limit:
                    octets += <size_t>fields[i].name_len + fields[i].value_len
        if new == 0:
            return 0
        if self.pairs == NULL:
            self.names = <uint64_t *>PyMem_Calloc(BUCKETS, sizeof(uint64_t))
            if self.names == NULL:
                raise MemoryError
            self.pairs = <uint64_t *>PyMem_Calloc(BUCKETS, sizeof(uint64_t))
            if self.pairs == NULL:
                PyMem_Free(self.names)
                self.names = NULL
                raise MemoryError
        most = self.limit // ENTRY_OVERHEAD
        if entries + new < most:
            most = entries + new
        if most > self.ring_size:
            size = self.ring_size * 2 if self.ring_size else 8
            while size < most:
                size *= 2
            ring = <TableEntry *>PyMem_Malloc(size * sizeof(TableEntry))
            if ring == NULL:
                raise MemoryError
            for number in range(self.oldest, self.newest + 1):
                ring[number & (size - 1)] = self.ring[number & (self.ring_size - 1)]
            PyMem_Free(self.ring)
            self.ring = ring
            self.ring_size = <uint32_t>size
        # Twice the largest live size, so that the cost of moving it to the front is amortised.
        room = self.size + octets
        if room > self.limit:
            room = self.limit
        room *= 2
        if room > self.octets_room:
            size = self.octets_room * 2
            if size < room:
                size = room
            if size > 2 * <size_t>self.limit:
                size = 2 * <size_t>self.limit
            moved = <uint8_t *>PyMem_Realloc(self.octets, size)
            if moved == NULL:
                raise MemoryError
            self.octets = moved
            self.octets_room = size
        return 0

    cdef void match(self, OutField *f) noexcept:
        cdef uint32_t index, last
        f.match = 0
        if f.static_name:
            last = static_last(f.static_name)
            for index in range(f.static_name, <uint32_t>(last + 1)):
                if static_value_len(index) == f.value_len and same_octets(static_value(index), f.value, f.value_len):
                    f.match = index
                    return
        f.pair_hash = hash_pair(f)
        f.match = self.find_pair(f, self.oldest)

    cdef int compare(self, const OutField *before, const OutField *f) noexcept:
        cdef uint64_t number
        cdef TableEntry *e
        cdef const uint8_t *name
        cdef const uint8_t *value
        cdef uint32_t value_len
        if before.name_len != f.name_len:
            return ALIKE_NOT
        if before.match <= STATIC_TABLE_LENGTH:
            name = static_name(<uint32_t>before.match)
            value = static_value(<uint32_t>before.match)
            value_len = static_value_len(<uint32_t>before.match)
        else:
            number = before.match - STATIC_TABLE_LENGTH
            if number < self.oldest:
                return ALIKE_NOT
            e = &self.ring[number & (self.ring_size - 1)]
            name = self.octets + e.at
            value = name + e.name_len
            value_len = e.value_len
        if not same_octets(name, f.name, f.name_len):
            return ALIKE_NOT
        if value_len == f.value_len and same_octets(value, f.value, value_len):
            return ALIKE_FIELD
        return ALIKE_NAME

    cdef uint64_t find_pair(self, const OutField *f, uint64_t oldest) noexcept:
        """Return STATIC_TABLE_LENGTH + the number of the newest entry with this pair (section 2.3.2), or 0."""
        cdef TableEntry *e
        cdef uint64_t number
        if self.newest < oldest:
            return 0
        number = self.pairs[f.pair_hash % BUCKETS]
        while number >= oldest:
            e = &self.ring[number & (self.ring_size - 1)]
            if (e.pair_hash == f.pair_hash and e.name_len == f.name_len and e.value_len == f.value_len
                    and same_octets(self.octets + e.at, f.name, f.name_len)
                    and same_octets(self.octets + e.at + e.name_len, f.value, f.value_len)):
                return STATIC_TABLE_LENGTH + number
            number = e.older_pair
        return 0

    cdef uint32_t find_name(self, const OutField *f) noexcept:
        """Return the index of the newest entry with this name, or 0."""
        cdef TableEntry *e
        cdef uint64_t number
        if self.newest < self.oldest:
            return 0
        number = self.names[f.name_hash % BUCKETS]
        while number >= self.oldest:
            e = &self.ring[number & (self.ring_size - 1)]
            if (e.name_hash == f.name_hash and e.name_len == f.name_len
                    and same_octets(self.octets + e.at, f.name, f.name_len)):
                return <uint32_t>(STATIC_TABLE_LENGTH + 1 + self.newest - number)
            number = e.older_name
        return 0

    cdef uint8_t *encode_field(self, OutField *f, uint64_t before, uint8_t *out) noexcept:
        """Write one field. before: the newest entry at the beginning of the block."""
        cdef uint32_t name_index
        cdef uint64_t found
        cdef bint never = f.flags & (F_SENSITIVE | F_NEVER_INDEXED)
        if not never:
            found = f.match
            if found == 0 and self.newest > before:
                # An earlier field of this block may have inserted it.
                found = self.find_pair(f, before + 1 if before + 1 > self.oldest else self.oldest)
                f.match = found
            if found > STATIC_TABLE_LENGTH:
                found -= STATIC_TABLE_LENGTH
                if found >= self.oldest:
                    return put_integer(out, INDEXED, 127, STATIC_TABLE_LENGTH + 1 + self.newest - found)
            elif found:
                return put_integer(out, INDEXED, 127, found)
        name_index = f.static_name
        if not name_index:
            name_index = self.find_name(f)
        if never:
            out = put_integer(out, LITERAL_NEVER, 15, name_index)
        else:
            out = put_integer(out, LITERAL_INDEXED, 63, name_index)
        if not name_index:
            out = put_string(out, f.name, f.name_len)
        out = put_string(out, f.value, f.value_len)
        if not never:
            self.insert(f)
        return out

    cdef void insert(self, OutField *f) noexcept:
        """Insert an entry (section 4.4). reserve() has allocated the memory."""
        cdef uint64_t size = <uint64_t>f.name_len + f.value_len + ENTRY_OVERHEAD
        cdef uint64_t *bucket
        cdef TableEntry *e
        cdef size_t length, first
        cdef uint64_t number
        f.match = 0
        if size > self.limit:
            self.evict_to(0)
            return
        self.evict_to(self.limit - <uint32_t>size)
        length = <size_t>f.name_len + f.value_len
        if self.octets_room - self.octets_end < length:
            first = self.octets_end
            if self.newest >= self.oldest:
                first = self.ring[self.oldest & (self.ring_size - 1)].at
            memmove(self.octets, self.octets + first, self.octets_end - first)
            for number in range(self.oldest, self.newest + 1):
                self.ring[number & (self.ring_size - 1)].at -= first
            self.octets_end -= first
        self.newest += 1
        f.match = STATIC_TABLE_LENGTH + self.newest
        e = &self.ring[self.newest & (self.ring_size - 1)]
        e.pair_hash = f.pair_hash
        e.name_hash = f.name_hash
        e.name_len = f.name_len
        e.value_len = f.value_len
        e.at = self.octets_end
        if f.name_len:
            memcpy(self.octets + e.at, f.name, f.name_len)
        if f.value_len:
            memcpy(self.octets + e.at + f.name_len, f.value, f.value_len)
        self.octets_end += length
        bucket = &self.pairs[f.pair_hash % BUCKETS]
        e.older_pair = bucket[0]
        bucket[0] = self.newest
        bucket = &self.names[f.name_hash % BUCKETS]
        e.older_name = bucket[0]
        bucket[0] = self.newest
        self.size += <uint32_t>size

    cdef void evict_to(self, uint32_t size) noexcept:
        """Evict the oldest entries until the size is at most `size` octets (section 4.3)."""
        cdef TableEntry *e
        while self.size > size:
            e = &self.ring[self.oldest & (self.ring_size - 1)]
            self.size -= e.name_len + e.value_len + ENTRY_OVERHEAD
            self.oldest += 1
        if self.newest < self.oldest:
            self.octets_end = 0

    cdef int set_limit(self, uint32_t limit) except -1:
        """Change the table's limit; the next block starts with a size update (section 4.2)."""
        if limit == self.limit:
            return 0
        if not self.resized or limit < self.smallest:
            self.smallest = limit
        self.resized = True
        self.limit = limit
        self.evict_to(limit)
        return 0


cdef bytes to_octets(object value):
    """Convert a value to bytes: str as UTF-8, bytes unchanged, others by str(), as in hpack."""
    if isinstance(value, bytes):
        return bytes(value)
    return (value if isinstance(value, str) else str(value)).encode("utf-8")


cdef inline int set_octets(object value, list kept, const uint8_t **p, uint32_t *n) except -1:
    """Set a string of an OutField. The caller keeps ``value``; what it is converted to is appended to ``kept``."""
    cdef Py_ssize_t length
    if PyUnicode_CheckExact(value):
        p[0] = <const uint8_t *>PyUnicode_AsUTF8AndSize(value, &length)
    else:
        if not PyBytes_CheckExact(value):
            value = to_octets(value)
            kept.append(value)
        p[0] = <const uint8_t *>PyBytes_AS_STRING(value)
        length = PyBytes_GET_SIZE(value)
    if length > LONGEST_STRING:
        raise ValueError("header field too long")
    n[0] = <uint32_t>length
    return 0


cdef bint is_sensitive(object header) except -1:
    if type(header) is HeaderTuple:
        return False
    if PyTuple_CheckExact(header) or PyList_CheckExact(header):
        return len(header) > 2 and PyObject_GetItem(header, 2)
    if isinstance(header, HeaderTuple):
        return not header.indexable
    # A header tuple of another package is as sensitive as it says.
    if not getattr(header, "indexable", True):
        return True
    return len(header) > 2 and PyObject_GetItem(header, 2)


cdef list pseudo_fields_first(dict headers):
    return sorted(headers.items(), key=lambda item: to_octets(item[0])[:1] != b":")


cdef inline uint64_t skip_integer(const uint8_t **cursor, uint32_t prefix_max) noexcept:
    """Read an integer that put_integer() wrote."""
    cdef const uint8_t *p = cursor[0]
    cdef uint64_t value = p[0] & prefix_max
    cdef uint32_t shift = 0
    p += 1
    if value == prefix_max:
        while p[0] >= 128:
            value += <uint64_t>(p[0] & 127) << shift
            shift += 7
            p += 1
        value += <uint64_t>p[0] << shift
        p += 1
    cursor[0] = p
    return value


cdef bytes without_huffman(const uint8_t *p, const uint8_t *end):
    """Return a block of encode_fields() with every string as it is: for debugging, so it need not be fast."""
    cdef const uint8_t *start
    cdef uint64_t index, n
    cdef int strings
    cdef bytes string
    cdef uint8_t length[LONGEST_INTEGER]
    cdef list parts = []
    while p < end:
        start = p
        strings = 0
        if p[0] & INDEXED:
            skip_integer(&p, 127)
        elif p[0] & LITERAL_INDEXED:
            index = skip_integer(&p, 63)
            strings = 1 if index else 2
        elif p[0] & SIZE_UPDATE:
            skip_integer(&p, 31)
        else:
            index = skip_integer(&p, 15)
            strings = 1 if index else 2
        parts.append(PyBytes_FromStringAndSize(<const char *>start, p - start))
        while strings:
            strings -= 1
            start = p
            n = skip_integer(&p, 127)
            string = PyBytes_FromStringAndSize(<const char *>p, <Py_ssize_t>n)
            p += n
            if start[0] & HUFFMAN:
                string = decode_huffman(string)
            parts.append(PyBytes_FromStringAndSize(
                <char *>length, put_integer(length, 0, 127, PyBytes_GET_SIZE(string)) - length))
            parts.append(string)
    return b"".join(parts)
