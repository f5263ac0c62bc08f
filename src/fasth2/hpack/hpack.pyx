"""HPACK for programs that use it alone: hpack's Encoder and Decoder (RFC 7541).

Each holds a codec of the engine. They differ from it in what they are for: they can be subclassed and given
attributes, take their limits as hpack does, and choose between ``str`` and ``bytes`` at each call.
"""
from libc.stdint cimport UINT32_MAX, uint32_t

from .decoder cimport HPACK_BYTES, HPACK_UTF8, as_octets, as_text
from .decoder cimport Decoder as DecoderCodec
from .encoder cimport Encoder as EncoderCodec
from .encoder cimport is_sensitive, pseudo_fields_first, to_octets
from .fields cimport F_UNDECODABLE

from .decoder import DEFAULT_MAX_HEADER_LIST_SIZE
from .exceptions import HPACKDecodingError, InvalidTableSizeError, OversizedHeaderListError
from .huffman import HuffmanEncoder
from .huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from .huffman_table import decode_huffman
from .struct import HeaderTuple, HeaderWeaklyTyped, NeverIndexedHeaderTuple
from .table import HeaderTable, table_entry_size
from .table_view import TableView

__all__ = [
    "DEFAULT_MAX_HEADER_LIST_SIZE", "Decoder", "Encoder", "HPACKDecodingError", "HeaderTable", "HeaderTuple",
    "HeaderWeaklyTyped", "HuffmanEncoder", "INDEX_INCREMENTAL", "INDEX_NEVER", "INDEX_NONE", "InvalidTableSizeError",
    "NeverIndexedHeaderTuple", "OversizedHeaderListError", "REQUEST_CODES", "REQUEST_CODES_LENGTH",
    "VARINT_MAX_LENGTH", "decode_huffman", "decode_integer", "encode_integer", "table_entry_size",
]

# First octets of literal fields (RFC 7541 section 6.2).
INDEX_NONE = b"\x00"
INDEX_NEVER = b"\x10"
INDEX_INCREMENTAL = b"\x40"

# Octets of an integer behind its prefix.
VARINT_MAX_LENGTH = 5


def encode_integer(integer, prefix_bits):
    """Encode an integer (RFC 7541 section 5.1).

    Args:
        integer: The integer, 0 or above.
        prefix_bits: Bits of the first octet that it may use, 1 to 8.

    Returns:
        The octets, a ``bytearray``; the bits before the prefix are 0.

    Raises:
        ValueError: Either is out of range.
    """
    if integer < 0:
        raise ValueError(f"Can only encode positive integers, got {integer}")
    most = prefix_mask(prefix_bits)
    if integer < most:
        return bytearray([integer])
    octets = bytearray([most])
    integer -= most
    while integer > 127:
        octets.append(128 | integer & 127)
        integer >>= 7
    octets.append(integer)
    return octets


def decode_integer(data, prefix_bits):
    """Decode an integer (RFC 7541 section 5.1).

    Args:
        data: A bytes-like object that begins with the integer.
        prefix_bits: Bits of the first octet that belong to it, 1 to 8.

    Returns:
        The integer and the number of its octets.

    Raises:
        HPACKDecodingError: It is truncated, or longer than its first octet and VARINT_MAX_LENGTH more.
        ValueError: ``prefix_bits`` is out of range.
    """
    most = prefix_mask(prefix_bits)
    try:
        number = data[0] & most
        if number < most:
            return number, 1
        for index in range(1, VARINT_MAX_LENGTH + 1):
            octet = data[index]
            number += (octet & 127) << 7 * (index - 1)
            if octet < 128:
                return number, index + 1
    except IndexError as error:
        raise HPACKDecodingError(f"Unable to decode HPACK integer representation from {data!r}") from error
    raise HPACKDecodingError(f"Variable integer representation is too long: {data!r}")


# Two helpers of hpack's that its tests import.

def _to_bytes(value):
    """Convert a name or a value to bytes: str as UTF-8, bytes unchanged, others by ``str()``."""
    return to_octets(value)


def _dict_to_iterable(dict header_dict not None):
    """Return an iterator of the items of a dict, pseudo-header fields first."""
    return iter(pseudo_fields_first(header_dict))


cdef int prefix_mask(object bits) except -1:
    if not 1 <= bits <= 8:
        raise ValueError(f"Prefix bits must be between 1 and 8, got {bits}")
    return (1 << <int>bits) - 1


cdef uint32_t limit_of(object value) except? 0:
    """Convert a limit, any number: what is not in 32 bits limits nothing, or all."""
    if value >= UINT32_MAX:
        return UINT32_MAX
    return <uint32_t>(int(value) if value > 0 else 0)


cdef uint32_t table_size_of(object value) except? 0:
    """Convert a table size (SETTINGS_HEADER_TABLE_SIZE, RFC 9113 section 6.5.2)."""
    value = int(value)
    if not 0 <= value <= UINT32_MAX:
        raise ValueError(f"table size {value} is not between 0 and 2**32 - 1")
    return value


cdef class Encoder:
    """An HPACK encoder: the sending end of one connection's header compression (RFC 7541).

    Attributes:
        huffman_coder: A HuffmanEncoder with RFC 7541's code. `encode` and `add` do not use it.
    """

    cdef EncoderCodec codec
    cdef public object huffman_coder
    cdef dict __dict__
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.codec = EncoderCodec()
        # The size is the caller's business, who knows the peer's SETTINGS.
        self.codec._max_table_size = None
        self.huffman_coder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)

    def __init__(self):
        pass

    @property
    def header_table(self):
        """The dynamic table, a :class:`HeaderTable`."""
        return TableView(self)

    @property
    def header_table_size(self):
        """Largest size of the dynamic table, in octets; the next block announces a change (RFC 7541 section 4.2).

        Assign at most the peer's SETTINGS_HEADER_TABLE_SIZE.

        Raises:
            ValueError: Below 0 or above 32 bits.
        """
        return self.codec.header_table_size

    @header_table_size.setter
    def header_table_size(self, value):
        self.codec.header_table_size = table_size_of(value)

    @property
    def table_size_changes(self):
        """The sizes that the next block announces: the smallest since the last block, and the one in force."""
        cdef EncoderCodec codec = self.codec
        if not codec.resized:
            return []
        return [codec.limit] if codec.smallest >= codec.limit else [codec.smallest, codec.limit]

    def encode(self, headers, bint huffman=True):
        """Encode a header list.

        Args:
            headers: A dict, whose pseudo-header fields are encoded first, or an iterable of header tuples, of (name,
                value), or of (name, value, sensitive). Names and values are ``bytes``, or ``str``, which is encoded as
                UTF-8, or what ``str()`` converts. A sensitive field, or a NeverIndexedHeaderTuple, enters no table,
                here and wherever it is forwarded.
            huffman: False to write each string as it is; else strings are Huffman-coded unless that is longer.

        Returns:
            The header block, ``bytes``.

        Raises:
            IndexError: A field has no name or no value.
            ValueError: A name or value is longer than 2**31 - 1 octets.
        """
        cdef list parts
        if type(self) is Encoder or type(self).add is Encoder.add:
            return self.codec.encode_list(headers, huffman, True)
        # A subclass decides how each field is written.
        parts = [self.codec.encode_list((), huffman, True)]
        for header in pseudo_fields_first(headers) if isinstance(headers, dict) else headers:
            field = to_octets(header[0]), to_octets(header[1])
            parts.append(self.add(field, is_sensitive(header), huffman))
        return b"".join(parts)

    def add(self, to_add, sensitive, bint huffman=False):
        """Encode one field. A subclass that overrides it is called for each field of `encode`.

        Args:
            to_add: (name, value).
            sensitive: True to keep the field out of every table.
            huffman: As in `encode`.

        Returns:
            The field's part of a block, ``bytes``, without the size updates that are due.
        """
        name, value = to_add
        return self.codec.encode_list(((name, value, sensitive),), huffman, False)

    def _entries(self):
        return self.codec.header_table.dynamic_entries

    def _insert(self, bytes name not None, bytes value not None):
        self.codec.insert_pair(name, value)

    def _resized(self):
        return <bint>self.codec.resized

    def __getstate__(self):
        cdef EncoderCodec codec = self.codec
        return codec.limit, self.table_size_changes, self._entries(), self.huffman_coder, vars(self)

    def __setstate__(self, state):
        cdef EncoderCodec codec = EncoderCodec()
        limit, changes, entries, self.huffman_coder, attributes = state
        codec._max_table_size = None
        codec.limit = table_size_of(limit)
        for name, value in reversed(entries):
            codec.insert_pair(name, value)
        if changes:
            codec.resized = True
            codec.smallest = table_size_of(changes[0])
        self.codec = codec
        vars(self).update(attributes)


cdef class Decoder:
    """An HPACK decoder: the receiving end of one connection's header compression (RFC 7541).

    Args:
        max_header_list_size: Largest header list, in octets of names and values, plus 32 for each field. A block that
            exceeds it is not decoded further; the connection has to be closed then.
    """

    cdef DecoderCodec codec
    cdef object list_limit
    cdef object table_limit
    cdef dict __dict__
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.codec = DecoderCodec()
        self.codec.max_string = UINT32_MAX
        self.max_header_list_size = DEFAULT_MAX_HEADER_LIST_SIZE
        self.table_limit = self.codec.max_allowed_table_size

    def __init__(self, max_header_list_size=DEFAULT_MAX_HEADER_LIST_SIZE):
        self.max_header_list_size = max_header_list_size

    @property
    def max_header_list_size(self):
        """Largest header list, in octets of names and values, plus 32 for each field."""
        return self.list_limit

    @max_header_list_size.setter
    def max_header_list_size(self, value):
        self.codec.max_header_list_size = self.codec.hard_list_size = limit_of(value)
        self.list_limit = value

    @property
    def max_allowed_table_size(self):
        """Largest size that the peer may choose for the dynamic table, in octets.

        Assign the last SETTINGS_HEADER_TABLE_SIZE that the peer has acknowledged. A block that does not lower the
        size to it is refused.
        """
        return self.table_limit

    @max_allowed_table_size.setter
    def max_allowed_table_size(self, value):
        self.codec.max_allowed_table_size = limit_of(value)
        self.table_limit = value

    @property
    def header_table(self):
        """The dynamic table, a :class:`HeaderTable`."""
        return TableView(self)

    @property
    def header_table_size(self):
        """Size of the dynamic table that the peer has chosen, in octets.

        Raises:
            ValueError: Below 0 or above 32 bits.
        """
        return self.codec.header_table_size

    @header_table_size.setter
    def header_table_size(self, value):
        self.codec.header_table_size = table_size_of(value)

    def decode(self, data, bint raw=False):
        """Decode a header block.

        Args:
            data: The complete block, a bytes-like object.
            raw: True for names and values as ``bytes``; else they are decoded as UTF-8. A decoder is fastest if this
                is the same at each call.

        Returns:
            A list of HeaderTuple and NeverIndexedHeaderTuple, in the order of the block.

        Raises:
            InvalidTableIndex: An index that neither table has.
            InvalidTableSizeError: A table size update above ``max_allowed_table_size``, or a missing one.
            OversizedHeaderListError: The list exceeds ``max_header_list_size``.
            HPACKDecodingError: Any other violation of RFC 7541, or text that is not UTF-8.
            RuntimeError: It is called during another call, for example from a finalizer.
        """
        cdef int wanted = HPACK_BYTES if raw else HPACK_UTF8
        cdef int used = wanted
        cdef uint32_t flags
        cdef list fields = self.codec.decode_buffer(data, &used, &flags)
        if used == wanted and not (flags & F_UNDECODABLE and not raw):
            return fields
        if raw:
            return as_octets(fields)
        return as_text(as_octets(fields) if used == HPACK_UTF8 else fields)

    def _entries(self):
        return [(to_octets(name), to_octets(value)) for name, value in self.codec.header_table.dynamic_entries]

    def _insert(self, bytes name not None, bytes value not None):
        self.codec.insert_pair(name, value)

    def _resized(self):
        return self.codec.table_limit != <uint32_t>4096

    def __getstate__(self):
        return (self.list_limit, self.table_limit, self.codec.encoding, self.codec.table_limit, self._entries(),
                vars(self))

    def __setstate__(self, state):
        cdef DecoderCodec codec = DecoderCodec()
        list_limit, table_limit, encoding, size, entries, attributes = state
        codec.max_string = UINT32_MAX
        codec.set_encoding(HPACK_UTF8 if encoding == HPACK_UTF8 else HPACK_BYTES, False)
        codec.header_table_size = table_size_of(size)
        for name, value in reversed(entries):
            codec.insert_pair(name, value)
        self.codec = codec
        self.max_header_list_size = list_limit
        self.max_allowed_table_size = table_limit
        vars(self).update(attributes)


def __getattr__(name):
    # hpack's logger, on which nothing is logged here; `logging` is imported for who asks for it.
    if name == "log":
        import logging
        return logging.getLogger("hpack.hpack")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
