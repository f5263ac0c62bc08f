"""`wsgi.input` (PEP 3333): a request's body, read while it arrives."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr

from fasth2.wsgi.messages cimport between_messages, messages_read
from fasth2.server._parts cimport add_part, take_part

from collections import deque

from fasth2.server.errors import HTTP2StreamAborted

#: Beginnings of media types whose bodies are messages, each of which may be answered before the next one is sent.
cdef tuple MESSAGES = ("application/grpc", "application/connect+")
#: Such messages in base64.
cdef str TEXT = "application/grpc-web-text"


cdef class Source(RunningCall):
    """The source of a request's body."""

    cdef int wait_for_data(self) except -1:
        raise NotImplementedError

    cdef int count_read(self, int64_t octets) except -1:
        raise NotImplementedError


cdef Py_ssize_t size_of(object size) except? -2:
    """Convert a size argument; -1 for all."""
    if size is None:
        return -1
    cdef Py_ssize_t n = size
    return -1 if n < 0 else n


@cython.final
@cython.freelist(64)
cdef class Input:
    """A request's body as a binary file that can be read once.

    Reading waits for what has not arrived, and gives the client credit for what was read (RFC 9113 section 5.2).

    Args:
        octets: A body that has arrived already.
    """

    def __init__(self, bytes octets not None=b""):
        self.chunk = octets
        self.complete = True

    # Called by the thread that receives

    cdef bint follow_messages(self, object media_type) except -1:
        """Return True if a media type is one of messages that may be answered one by one; `read` then follows them."""
        if media_type is not None:
            media_type = media_type.lower()
            self.messages.followed = media_type.startswith(MESSAGES) and not media_type.startswith(TEXT)
        return self.messages.followed

    cdef int add(self, bytes data) except -1:
        """Append a part that has arrived."""
        with cython.critical_section(self):
            if self.parts is None:
                self.parts = deque()
            add_part(self.parts, data)
        return 0

    cdef int finish(self, object trailers) except -1:
        """Mark the body as complete."""
        with cython.critical_section(self):
            self.trailers = trailers
            self.complete = True
        return 0

    cdef int end(self) except -1:
        """Detach from the source: the request is answered, and reading returns no more credit."""
        with cython.critical_section(self):
            self.source = None
        return 0

    cdef int64_t discard(self) except -1:
        """Drop what was not read. Return the octets for which no credit was returned to the client."""
        cdef int64_t octets = 0
        cdef object parts
        with cython.critical_section(self):
            parts = self.parts
            self.parts = None
            self.chunk = b""
            self.at = 0
        if parts is not None:
            # An iterator would allocate memory.
            while parts:
                octets += len(parts.popleft())
        return octets

    # Called by the application's thread

    cdef int check(self) except -1:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        return 0

    cdef bint fill(self) except -1:
        """Wait until octets can be read. Return False at the end of the body."""
        cdef Source source
        cdef bytes part
        while self.chunk is None or self.at >= PyBytes_GET_SIZE(self.chunk):
            # The request may end meanwhile.
            source = self.source
            if self.parts:
                part = take_part(self.parts)
                self.chunk = part
                self.at = 0
                if source is not None:
                    source.count_read(PyBytes_GET_SIZE(part))
            elif self.complete:
                return False
            elif source is None:
                raise HTTP2StreamAborted(0, "the request has been answered before its body was complete")
            else:
                source.wait_for_data()
        return True

    cdef bint more(self, Py_ssize_t n) except -1:
        """Wait for more octets of a read that has n left, -1: all. Return False if it ends here."""
        if n == 0 or n > 0 and not self.parts and between_messages(&self.messages):
            return False
        return self.fill()

    cdef bytes cut(self, Py_ssize_t n):
        """Take the next n octets of the current part, or fewer at its end."""
        cdef Py_ssize_t left = PyBytes_GET_SIZE(self.chunk) - self.at
        cdef bytes result
        if self.messages.followed:
            messages_read(&self.messages, <const unsigned char *>PyBytes_AS_STRING(self.chunk) + self.at, min(n, left))
        if n >= left:
            if self.at == 0:
                result = self.chunk
                self.chunk = b""
                return result
            n = left
        result = PyBytes_FromStringAndSize(PyBytes_AS_STRING(self.chunk) + self.at, n)
        self.at += n
        return result

    @cython.critical_section
    def read(self, size=-1):
        """Read octets.

        Args:
            size: How many; negative or ``None`` for all. Fewer come at the end only, and of a stream of messages
                (gRPC, Connect) where a message ends and no more has arrived.

        Returns:
            bytes, empty at the end.

        Raises:
            HTTP2StreamError: The client ended the stream, or sent nothing in time; it is an `OSError` too.
        """
        cdef Py_ssize_t n = size_of(size)
        cdef bytes part
        cdef list parts
        self.check()
        if n == 0 or not self.fill():
            return b""
        part = self.cut(n if n >= 0 else PyBytes_GET_SIZE(self.chunk))
        if n >= 0:
            n -= PyBytes_GET_SIZE(part)
            if n == 0:
                return part
        if not self.more(n):
            return part
        parts = [part]
        while self.more(n):
            part = self.cut(n if n >= 0 else PyBytes_GET_SIZE(self.chunk))
            parts.append(part)
            if n > 0:
                n -= PyBytes_GET_SIZE(part)
        return b"".join(parts)

    cdef bytes line(self, Py_ssize_t size):
        cdef list parts = []
        cdef Py_ssize_t left, n
        cdef const char *start
        cdef const void *end
        cdef bytes part
        cdef bint ended = False
        while not ended and size != 0 and self.fill():
            start = PyBytes_AS_STRING(self.chunk) + self.at
            left = PyBytes_GET_SIZE(self.chunk) - self.at
            if size >= 0 and left > size:
                left = size
            n = left
            end = memchr(start, 0x0A, left)
            if end != NULL:
                n = <const char *>end - start + 1
                ended = True
            part = self.cut(n)
            if size >= 0:
                size -= n
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @cython.critical_section
    def readline(self, size=-1):
        """Read up to and with the next newline.

        Args:
            size: Octets at most; negative or ``None`` for any number.

        Returns:
            bytes, empty at the end.
        """
        self.check()
        return self.line(size_of(size))

    @cython.critical_section
    def readlines(self, hint=-1):
        """Read lines.

        Args:
            hint: Stop after the line that makes it so many octets; 0, negative or ``None`` for all lines.

        Returns:
            A list of bytes.
        """
        cdef Py_ssize_t enough = size_of(hint)
        cdef Py_ssize_t octets = 0
        cdef list lines = []
        cdef bytes line
        self.check()
        while True:
            line = self.line(-1)
            if not line:
                return lines
            lines.append(line)
            octets += PyBytes_GET_SIZE(line)
            if 0 < enough <= octets:
                return lines

    @cython.critical_section
    def close(self):
        """Drop what was not read; reading raises ValueError from now on."""
        self.closed = True
        self.chunk = b""
        self.at = 0

    def __iter__(self):
        return self

    @cython.critical_section
    def __next__(self):
        cdef bytes line
        self.check()
        line = self.line(-1)
        if not line:
            raise StopIteration
        return line
