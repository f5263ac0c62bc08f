# The rules of RFC 9113 section 8 for field blocks, received and sent.
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from fasth2.hpack.fields cimport OutField
from fasth2.hpack.decoder cimport Decoder, Entry
from fasth2.hpack.encoder cimport ALIKE_FIELD, Encoder

# Kinds of field blocks.
cdef enum:
    BLOCK_REQUEST = 0
    BLOCK_RESPONSE = 1
    BLOCK_INFORMATIONAL = 2
    BLOCK_TRAILERS = 3
    BLOCK_PROMISE = 4        # outgoing: the request of a push

cdef enum:
    RULE_VALIDATE = 1        # apply section 8
    RULE_RFC = 2             # rfc_errors: accept what RFC 9110 allows and h2 refuses
    RULE_CONNECT_PROTOCOL = 4  # SETTINGS_ENABLE_CONNECT_PROTOCOL is 1


cdef struct BlockInfo:
    uint32_t seen            # bit KIND_*: pseudo-header fields present
    uint32_t flags           # the flags of all fields combined
    int64_t content_length   # octets, -1: none
    Py_ssize_t lengths       # content-length fields, and one more for each list of lengths
    Py_ssize_t cookies       # cookie fields
    int status               # of a response; -1: not three digits
    Entry *method            # borrowed from the decoder; NULL: absent
    Entry *authority
    Entry *host
    uint16_t priority        # value of the Priority field (_priority.pxd), 0: none
    Entry *culprit           # the field that caused a fault, or NULL


cdef int check_block(Entry **fields, Py_ssize_t n, int block, int rules, BlockInfo *info) noexcept
cdef bint is_interim(Entry **fields, Py_ssize_t n) noexcept
cdef bint has_value(Entry *entry, bytes octets, str text) noexcept
cdef list header_tuples(Entry **fields, Py_ssize_t n, Py_ssize_t cookies)
cdef list plain_pairs(Entry **fields, Py_ssize_t n, Py_ssize_t cookies)
cdef object culprit_text(Entry *entry)


# Outgoing fields: converted, normalised and checked before the state of the
# connection changes.
cdef enum:
    OUT_NORMALIZE = 1
    OUT_VALIDATE = 2
    OUT_SPLIT_COOKIES = 4


cdef class OutgoingFields:
    cdef Encoder encoder     # its table is searched for the fields
    cdef OutField *fields
    cdef PyObject **owners   # two for each field: strong references that own the octets, or NULL
    cdef Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef Py_ssize_t known    # number of fields of the last block still in `fields`, without their octets
    cdef int options         # OUT_*
    cdef bint unchecked      # unchecked fields were added to the table
    # results of check()
    cdef uint32_t seen       # bit KIND_*
    cdef bint informational
    # results of describe_request()
    cdef bint heads          # :method HEAD
    cdef bint connects       # :method CONNECT without :protocol
    cdef bint extended       # :protocol
    cdef Py_ssize_t authority    # place of :authority, -1: absent

    cdef int convert(self, object headers) except -1
    cdef int convert_status(self, int status, object headers) except -1
    cdef int check(self, int block) except -1
    cdef list frozen(self)
    cdef uint16_t priority(self) noexcept
    cdef void sent(self) noexcept
    cdef void clear(self) noexcept
    cdef object authority_value(self)
    cdef void _describe_request(self) noexcept
    cdef int _check_request(self, bint promised) except -1
    cdef int _refuse(self, Py_ssize_t i, uint32_t flags) except -1
    cdef bint _only_upper(self, Py_ssize_t i) except -1
    cdef str _name(self, Py_ssize_t i)
    cdef str _value(self, Py_ssize_t i)
    cdef int _grow(self) except -1
    cdef int _read(self, object headers) except -1
    cdef int _one(self, object name, object value, bint sensitive) except -1
    cdef uint32_t _name_known(self, OutField *f) noexcept
    cdef int _cookies(self, bytes value, bint sensitive) except -1
