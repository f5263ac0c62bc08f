from libc.string cimport memcpy
cdef class Encoder:
    cdef size_t bound(self, const OutField *fields, size_t n) noexcept:
        cdef size_t i, t = 0
        for i in range(n):
            t += fields[i].name_len + fields[i].value_len + 12
        return t
    cdef uint8_t *encode_fields(self, const OutField *fields, size_t n, uint8_t *out) except NULL:
        cdef size_t i
        for i in range(n):
            out[0] = 0
            out[1] = <uint8_t>fields[i].name_len
            memcpy(out + 2, fields[i].name, fields[i].name_len)
            out += 2 + fields[i].name_len
            out[0] = <uint8_t>fields[i].value_len
            memcpy(out + 1, fields[i].value, fields[i].value_len)
            out += 1 + fields[i].value_len
        return out
