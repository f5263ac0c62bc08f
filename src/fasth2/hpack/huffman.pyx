"""Encoding and decoding of the Huffman code (RFC 7541 section 5.2)."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from .exceptions import HPACKDecodingError

cdef extern from "hpack/huffman_table.h" nogil:
    ctypedef struct huffman_length_t:
        uint64_t end
        uint32_t first_code
        uint16_t first_order
        uint16_t bits
    enum:
        HUFFMAN_LOOKUP_BITS
        HUFFMAN_EOS
        HUFFMAN_LONG_LENGTHS
    const uint32_t *huffman_code
    const uint8_t *huffman_bits
    const uint32_t *huffman_lookup
    const huffman_length_t *huffman_long
    const uint16_t *huffman_order

# The code of RFC 7541 Appendix B: code and bits of each octet, then of EOS.
REQUEST_CODES = [huffman_code[_octet] for _octet in range(256)]
REQUEST_CODES_LENGTH = [huffman_bits[_octet] for _octet in range(256)]
REQUEST_CODES.append((1 << 30) - 1)
REQUEST_CODES_LENGTH.append(30)


cdef inline uint64_t big_endian(const uint8_t *p) noexcept nogil:
    return (<uint64_t>p[0] << 56 | <uint64_t>p[1] << 48 | <uint64_t>p[2] << 40 | <uint64_t>p[3] << 32
            | <uint64_t>p[4] << 24 | <uint64_t>p[5] << 16 | <uint64_t>p[6] << 8 | <uint64_t>p[7])


cdef uint32_t long_symbol(uint64_t window) noexcept nogil:
    """Return the symbol, EOS included, at the top of ``window`` whose code is longer than the lookup, | bits << 16."""
    cdef uint32_t top = <uint32_t>(window >> 32)
    cdef uint32_t i = 0
    # The last length's end is 2 ** 32, so the search ends inside the table.
    while top >= huffman_long[i].end:
        i += 1
    cdef uint32_t bits = huffman_long[i].bits
    cdef uint32_t code = top >> (32 - bits)
    return huffman_order[huffman_long[i].first_order + (code - huffman_long[i].first_code)] | (bits << 16)


cdef Py_ssize_t huffman_decode(const uint8_t *src, size_t n, uint8_t *dst) noexcept nogil:
    cdef const uint8_t *end = src + n
    cdef uint8_t *out = dst
    cdef uint64_t window = 0     # the next bits, left-aligned; what is beyond the known ones is read again
    cdef uint32_t bits = 0       # how many of them are known
    cdef uint64_t word
    cdef uint32_t entry, used, i, _i
    cdef size_t left

    # While eight octets are left, one load tops the window up to 56 bits or
    # more: enough for four lookups, or for one code of any length.
    while end - src >= 8:
        window |= big_endian(src) >> bits
        src += (63 - bits) >> 3
        bits |= 56
        for _i in range(4):
            entry = huffman_lookup[window >> (64 - HUFFMAN_LOOKUP_BITS)]
            if entry == 0:
                # A long code may need 30 bits: refill before the next lookup.
                if bits < 30:
                    break
                entry = long_symbol(window)
                if entry & 0xffff == HUFFMAN_EOS:
                    return -1
                out[0] = <uint8_t>entry
                out += 1
                used = entry >> 16
                window <<= used
                bits -= used
                break
            # Two symbols are stored even if there is one: the buffer has room for
            # one octet more than the symbols of n octets.
            out[0] = <uint8_t>entry
            out[1] = <uint8_t>(entry >> 8)
            out += entry >> 24
            used = (entry >> 16) & 0xff
            window <<= used
            bits -= used

    # Seven octets or fewer are left. They go to the top of a word, zeros after them.
    left = end - src
    word = 0
    if n >= 8:
        if left:
            word = big_endian(end - 8) << (64 - 8 * left)
    else:
        for i in range(<uint32_t>left):
            word |= <uint64_t>src[i] << (56 - 8 * i)
    while True:
        if left:
            window |= word >> bits
            used = (63 - bits) >> 3
            if used > left:
                used = <uint32_t>left
            # A shift by 64 would be undefined; at most 56 bits are left.
            word <<= 8 * used
            left -= used
            bits += 8 * used
        # Every code the lookup knows is within the known bits.
        while bits >= HUFFMAN_LOOKUP_BITS:
            entry = huffman_lookup[window >> (64 - HUFFMAN_LOOKUP_BITS)]
            if entry == 0:
                if bits < 30 and left:
                    break
                entry = long_symbol(window)
                used = entry >> 16
                # A truncated code, or more than 7 bits of padding.
                if used > bits or entry & 0xffff == HUFFMAN_EOS:
                    return -1
                out[0] = <uint8_t>entry
                out += 1
            else:
                used = (entry >> 16) & 0xff
                out[0] = <uint8_t>entry
                out[1] = <uint8_t>(entry >> 8)
                out += entry >> 24
            window <<= used
            bits -= used
        if left == 0:
            break

    # Fewer bits than the lookup takes: ones after them are padding, which is no symbol's code.
    window |= (~<uint64_t>0) >> bits
    while bits >= 5:
        entry = huffman_lookup[window >> (64 - HUFFMAN_LOOKUP_BITS)]
        if entry == 0:
            break
        used = huffman_bits[entry & 0xff]
        if used > bits:
            break
        out[0] = <uint8_t>entry
        out += 1
        window <<= used
        bits -= used
        window |= (~<uint64_t>0) >> bits
    if bits > 7 or ~window >> 57:
        return -1
    return out - dst


cdef size_t huffman_length(const uint8_t *src, size_t n) noexcept nogil:
    cdef uint64_t bits = 0
    cdef uint64_t more = 0
    cdef size_t i = 0
    while i + 4 <= n:
        bits += <uint32_t>huffman_bits[src[i]] + huffman_bits[src[i + 1]]
        more += <uint32_t>huffman_bits[src[i + 2]] + huffman_bits[src[i + 3]]
        i += 4
    while i < n:
        bits += huffman_bits[src[i]]
        i += 1
    return <size_t>((bits + more + 7) >> 3)


cdef size_t huffman_encode(const uint8_t *src, size_t n, uint8_t *dst) noexcept nogil:
    cdef uint8_t *out = dst
    cdef uint64_t window = 0     # bits not yet written, right-aligned; at most 31 before a code is added
    cdef uint32_t bits = 0
    cdef uint32_t word
    cdef size_t i
    for i in range(n):
        window = window << huffman_bits[src[i]] | huffman_code[src[i]]
        bits += huffman_bits[src[i]]
        if bits >= 32:
            bits -= 32
            word = <uint32_t>(window >> bits)
            out[0] = <uint8_t>(word >> 24)
            out[1] = <uint8_t>(word >> 16)
            out[2] = <uint8_t>(word >> 8)
            out[3] = <uint8_t>word
            out += 4
    while bits >= 8:
        bits -= 8
        out[0] = <uint8_t>(window >> bits)
        out += 1
    if bits:
        out[0] = <uint8_t>(window << (8 - bits)) | <uint8_t>(0xff >> bits)
        out += 1
    return out - dst


# For users of hpack's API, tests and debugging: the engine calls the C functions.

def decode(bytes data not None):
    """Decode a Huffman-coded string.

    Args:
        data: The octets of the string, without its length prefix.

    Returns:
        The decoded ``bytes``.

    Raises:
        HPACKDecodingError: The EOS symbol, a truncated code, or padding over 7 bits or not of ones
            (RFC 7541 section 5.2).
    """
    cdef size_t n = len(data)
    cdef Py_ssize_t length
    cdef uint8_t *out = <uint8_t *>PyMem_Malloc(huffman_room(n))
    if out == NULL:
        raise MemoryError()
    try:
        length = huffman_decode(<const uint8_t *>PyBytes_AS_STRING(data), n, out)
        if length < 0:
            raise HPACKDecodingError("invalid Huffman string")
        return PyBytes_FromStringAndSize(<char *>out, length)
    finally:
        PyMem_Free(out)


def encode(bytes data not None):
    """Return ``data`` Huffman-coded, padded with ones (RFC 7541 section 5.2)."""
    cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef size_t n = len(data)
    cdef bytes result = PyBytes_FromStringAndSize(NULL, huffman_length(octets, n))
    huffman_encode(octets, n, <uint8_t *>PyBytes_AS_STRING(result))
    return result


class HuffmanEncoder:
    """An encoder of strings by a Huffman code.

    Args:
        huffman_code_list: The code of each octet; ``huffman_constants.REQUEST_CODES`` is RFC 7541's.
        huffman_code_list_lengths: The bits of each code; ``huffman_constants.REQUEST_CODES_LENGTH``.
    """

    def __init__(self, huffman_code_list, huffman_code_list_lengths):
        self.huffman_code_list = huffman_code_list
        self.huffman_code_list_lengths = huffman_code_list_lengths

    def encode(self, bytes_to_encode):
        """Encode a string.

        Args:
            bytes_to_encode: A bytes-like object, or ``None`` for an empty one.

        Returns:
            The code as ``bytes``, padded with ones.
        """
        if not bytes_to_encode:
            return b""
        codes, lengths = self.huffman_code_list, self.huffman_code_list_lengths
        if codes is REQUEST_CODES and lengths is REQUEST_CODES_LENGTH:
            return encode(bytes(bytes_to_encode))
        bits = "".join([format(codes[octet], f"0{lengths[octet]}b") for octet in bytes_to_encode])
        bits += "1" * ((8 - len(bits) % 8) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")
