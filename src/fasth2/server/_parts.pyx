"""Unread parts of a body: small ones are joined, so that memory is proportional to the octets received.

The peer chooses the size of its frames. An object for each octet would take more than fifty times the memory.
"""
from cpython.bytearray cimport PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_GET_SIZE

cdef enum:
    # Octets from which on a part is kept as it is: its object's overhead is small.
    LARGE_PART = 4096
    # Octets that small parts are joined to, at most.
    JOINED_PART = 65536


cdef int add_part(object parts, bytes data) except -1:
    """Append a part to a deque or list of bytes and bytearrays, or join it to the last one."""
    cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
    cdef object last
    cdef bytearray joined
    if n < LARGE_PART and parts:
        last = parts[-1]
        if type(last) is bytearray:
            joined = last
            if PyByteArray_GET_SIZE(joined) + n <= JOINED_PART:
                joined += data
                return 0
        elif PyBytes_GET_SIZE(<bytes>last) < LARGE_PART:
            joined = bytearray(last)
            joined += data
            parts[-1] = joined
            return 0
    parts.append(data)
    return 0


cdef bytes take_part(object parts):
    """Take the first part off the deque, which is not empty."""
    cdef object part = parts.popleft()
    return part if type(part) is bytes else bytes(part)


cdef bytes joined_parts(list parts):
    """Return the octets of all parts."""
    if len(parts) == 1 and type(parts[0]) is bytes:
        return parts[0]
    return b"".join(parts)
