# The Huffman code of RFC 7541 section 5.2.
from libc.stdint cimport uint8_t

# Upper bound of the octets that huffman_decode() writes for `n` octets of code.
cdef inline size_t huffman_room(size_t n) noexcept nogil:
    return n // 5 * 8 + n % 5 * 8 // 5 + 1

# Decode `n` octets into `dst`, which has room for huffman_room(n). Returns the
# decoded length, or -1: the EOS symbol, a truncated code, padding over 7 bits or
# not of ones.
cdef Py_ssize_t huffman_decode(const uint8_t *src, size_t n, uint8_t *dst) noexcept nogil

# Octets that huffman_encode() writes for these.
cdef size_t huffman_length(const uint8_t *src, size_t n) noexcept nogil

# Encode `n` octets into `dst`, which has room for huffman_length(). Returns that length.
cdef size_t huffman_encode(const uint8_t *src, size_t n, uint8_t *dst) noexcept nogil
