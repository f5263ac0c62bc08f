"""The streams of a connection as a mapping (RFC 9113 section 5.1.1)."""
from collections.abc import MutableMapping

cimport cython
from libc.stdint cimport uint32_t

from fasth2._engine.core cimport Core, await_others, enter, find_stream, leave
from fasth2._engine.role cimport HIGHEST_STREAM_ID
from fasth2._engine.stream cimport BY_SEND_RST_STREAM, H2Stream

ONLY_LEFT_OUT = "streams are opened by sending and receiving; they can only be left out"


cdef bint is_identifier(object value):
    return isinstance(value, int) and 0 < value <= HIGHEST_STREAM_ID


cdef class StreamMapBase:
    """What `StreamMap` has in C."""

    cdef Core connection

    cdef H2Stream found(self, object stream_id):
        """Return the stream, or None."""
        cdef Core c = self.connection
        if not is_identifier(stream_id):
            return None
        with cython.critical_section(c):
            enter(c)
            try:
                return find_stream(c, <uint32_t>stream_id)
            finally:
                leave(c)

    cdef dict all_streams(self):
        cdef Core c = self.connection
        cdef H2Stream s
        cdef dict found = {}
        with cython.critical_section(c):
            enter(c)
            try:
                for s in c.table.all():
                    found[s.stream_id] = s
            finally:
                leave(c)
        return found

    def __getitem__(self, stream_id):
        cdef H2Stream s = self.found(stream_id)
        if s is None:
            raise KeyError(stream_id)
        return s

    def get(self, stream_id, default=None):
        """Return the stream, or the default."""
        cdef H2Stream s = self.found(stream_id)
        return default if s is None else s

    def __contains__(self, stream_id):
        return self.found(stream_id) is not None

    def __len__(self):
        cdef Core c = self.connection
        with cython.critical_section(c):
            await_others(c)
            return c.table.count

    def __iter__(self):
        return iter(self.all_streams())

    def keys(self):
        """Return the identifiers of now."""
        return self.all_streams().keys()

    def values(self):
        """Return the streams of now."""
        return self.all_streams().values()

    def items(self):
        """Return the identifiers and streams of now."""
        return self.all_streams().items()

    def copy(self):
        """Return a dict."""
        return self.all_streams()

    def __delitem__(self, stream_id):
        cdef Core c = self.connection
        cdef H2Stream s
        with cython.critical_section(c):
            enter(c)
            try:
                s = None if not is_identifier(stream_id) else find_stream(c, <uint32_t>stream_id)
                if s is None:
                    raise KeyError(stream_id)
                drop(c, s)
            finally:
                leave(c)

    def __setitem__(self, stream_id, stream):
        if self.found(stream_id) is not stream or stream is None:
            raise ValueError(ONLY_LEFT_OUT)

    def __eq__(self, other):
        return self.all_streams() == (dict(other) if isinstance(other, StreamMapBase) else other)

    __hash__ = None

    def __repr__(self):
        return repr(self.all_streams())


class StreamMap(StreamMapBase, MutableMapping):
    """The existing streams of a connection: a mapping of identifier to `H2Stream`.

    Streams are opened by sending and receiving. One that is deleted is dropped without a frame, as if it had been reset.
    """

    __slots__ = ()


cdef object map_of(Core c):
    cdef StreamMapBase streams = StreamMap()
    streams.connection = c
    return streams


cdef int drop(Core c, H2Stream s) except -1:
    """Close a stream without a frame."""
    c.expect_late_data(s)
    c.close_stream(s, BY_SEND_RST_STREAM)
    return 0


cdef int leave_out(Core c, dict kept) except -1:
    """Drop the streams that a mapping leaves out."""
    cdef H2Stream s
    cdef list dropped = []
    enter(c)
    try:
        for s in c.table.all():
            if kept.get(s.stream_id) is not s:
                dropped.append(s)
        if len(kept) + len(dropped) != c.table.count:
            raise ValueError(ONLY_LEFT_OUT)
        for s in dropped:
            drop(c, s)
    finally:
        leave(c)
    return 0
