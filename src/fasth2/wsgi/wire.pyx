"""A connection's socket and TLS: reading, decryption, encryption and writing."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport errno
from libc.stdint cimport uint8_t

from fasth2.server._unread_uploads cimport UnreadUploads

import os
import ssl

cdef extern from *:
    """
    #include <errno.h>
    static int fasth2_again(void) {
    #ifdef EWOULDBLOCK
        return errno == EAGAIN || errno == EINTR || errno == EWOULDBLOCK;
    #else
        return errno == EAGAIN || errno == EINTR;
    #endif
    }
    #ifdef _WIN32
    /* The server does not run on Windows. */
    static Py_ssize_t fasth2_recv(int fd, void *data, size_t n) { (void)fd; (void)data; (void)n; return -1; }
    static Py_ssize_t fasth2_send(int fd, const void *data, size_t n) { (void)fd; (void)data; (void)n; return -1; }
    #else
    #include <sys/types.h>
    #include <sys/socket.h>
    #ifndef MSG_NOSIGNAL
    #define MSG_NOSIGNAL 0
    #endif
    static Py_ssize_t fasth2_recv(int fd, void *data, size_t n) { return recv(fd, data, n, 0); }
    static Py_ssize_t fasth2_send(int fd, const void *data, size_t n) { return send(fd, data, n, MSG_NOSIGNAL); }
    #endif
    """
    bint fasth2_again() noexcept nogil
    Py_ssize_t fasth2_recv(int fd, void *data, size_t n) noexcept nogil
    Py_ssize_t fasth2_send(int fd, const void *data, size_t n) noexcept nogil

cdef enum:
    READ_SIZE = 65536        # bytes of one read
    # Octets of output that are encrypted and written at a time. With TLS's overhead, the size of a packet of the
    # loopback interface.
    BLOCK = 65280

cdef object _want_read = ssl.SSLWantReadError


cdef class LoopState:
    """The state that a loop and its connections share, with the read buffers."""

    def __init__(self):
        self.rx = ssl.MemoryBIO()
        self.tx = ssl.MemoryBIO()
        self.buffer = bytearray(READ_SIZE)
        self.clear = bytearray(READ_SIZE)


cdef object socket_error():
    cdef int code = errno
    return OSError(code, os.strerror(code))


cdef class Wire:
    """A socket, optional TLS, and the session that answers its requests.

    A subclass has ``blocked()``, called when the socket's buffer is full, and ``input_ended()``, called when the client
    has closed its sending side, which raises an OSError if that ends the connection.

    Args:
        sock: The socket, non-blocking.
    """

    def __init__(self, sock):
        self.sock = sock
        self.fd = sock.fileno()
        self.out = b""

    def begin_tls(self, context not None, LoopState shared=None):
        """Expect a TLS handshake.

        Args:
            context: The server's `ssl.SSLContext`.
            shared: The loop, for a connection that will speak HTTP/2: all of these use one pair of memory BIOs,
                which is empty between their reads and writes. That saves some kilobytes for each connection.
        """
        if shared is None:
            self.rx = ssl.MemoryBIO()
            self.tx = ssl.MemoryBIO()
        else:
            self.rx = shared.rx
            self.tx = shared.tx
            self.empty()
        self.tls = context.wrap_bio(self.rx, self.tx, server_side=True)
        # The object behind the ssl.SSLObject, if accessible: saves a call.
        self.inner = getattr(self.tls, "_sslobj", self.tls)

    cdef int empty(self) except -1:
        """Empty the memory BIOs for the next connection."""
        if self.rx.pending:
            self.rx.read()
        if self.tx.pending:
            self.tx.read()
        return 0

    def end_tls(self):
        """Empty the memory BIOs at the end of the connection."""
        if self.tls is not None:
            self.empty()

    cdef Py_ssize_t receive(self, LoopState state) except -1:
        """Read into the loop's buffer. Return the number of octets, 0 if none were available."""
        cdef Py_ssize_t n = fasth2_recv(self.fd, PyByteArray_AS_STRING(state.buffer),
                                        PyByteArray_GET_SIZE(state.buffer))
        if n > 0:
            return n
        if n == 0:
            self.input_ended()
            return 0
        if fasth2_again():
            return 0
        raise socket_error()

    cdef int decrypt(self, LoopState state) except -1:
        """Decrypt the octets received and feed them to the session."""
        cdef Py_ssize_t n
        cdef bytearray clear = state.clear
        cdef Py_ssize_t size = PyByteArray_GET_SIZE(clear)
        try:
            while True:
                # One record at a time. A record is smaller than the buffer, so nothing of it remains in TLS.
                n = self.inner.read(size, clear)
                if n <= 0 or n > size:
                    # The client's close_notify.
                    self.input_ended()
                    self.empty()
                    break
                self.session.feed_octets(<const uint8_t *>PyByteArray_AS_STRING(clear), n)
                if not self.rx.pending:
                    break
        except _want_read:
            pass
        except BaseException:
            self.empty()
            raise
        if self.tx.pending:
            # TLS has output of its own, such as a KeyUpdate.
            self.send_tls()
        return 0

    def read_first(self, LoopState state not None):
        """Read once, for the TLS handshake or the first octets in the clear.

        Args:
            state: The loop.

        Returns:
            The octets read; empty if there were none.
        """
        cdef Py_ssize_t n = self.receive(state)
        return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(state.buffer), n)

    def read_early(self, LoopState state not None):
        """Feed the session the octets that arrived with the end of the TLS handshake.

        Args:
            state: The loop.
        """
        if self.rx.pending:
            self.decrypt(state)

    def serve(self, LoopState state not None):
        """Read once, run the requests and send the responses.

        Args:
            state: The loop.

        Returns:
            False when the thread has lost the lead, and must not touch the loop or the connection any more.

        Raises:
            OSError: The connection is over.
        """
        cdef Py_ssize_t n = self.receive(state)
        if n == 0:
            # There may be output for a client that sends no more.
            self.send_all(state)
            return True
        if self.tls is None:
            self.session.feed_octets(<const uint8_t *>PyByteArray_AS_STRING(state.buffer), n)
        else:
            self.rx.write(PyBytes_FromStringAndSize(PyByteArray_AS_STRING(state.buffer), n))
            self.decrypt(state)
        return self.serve_round(state)

    def run(self, LoopState state not None):
        """Run the waiting requests and send the responses.

        Args:
            state: The loop.

        Returns:
            As `serve`.
        """
        if self.session is None:
            return True
        return self.serve_round(state)

    cdef bint serve_round(self, LoopState state) except -1:
        cdef Session session = self.session
        if session.ready:
            if state.helping:
                state.postpone(self)
            else:
                state.current = self
                if not session.run_from(session.ready, state.alone):
                    return False
                state.current = None
        self.send_all(state)
        return True

    cdef int put(self, bytes data) except -1:
        """Write to the socket, and keep what it does not accept in `out`."""
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t sent
        cdef const char *p = PyBytes_AS_STRING(data)
        if self.out:
            self.out += data
            return 0
        with nogil:
            sent = fasth2_send(self.fd, p, n)
        if sent == n:
            return 0
        if sent < 0:
            if not fasth2_again():
                raise socket_error()
            sent = 0
        self.out = bytearray(data[sent:])
        self.blocked()
        return 0

    cdef int send_all(self, LoopState state) except -1:
        """Send the queued output, as far as the socket accepts it; reset unread requests that are due."""
        cdef Session session = self.session
        cdef UnreadUploads unread
        self.send_output()
        unread = session.protocol.unread
        if (unread is not None and unread.uploads and not self.out and self.fd >= 0
                and session.end_unread(state.now)):
            self.send_output()
        return 0

    cdef int send_output(self) except -1:
        cdef Session session = self.session
        cdef bytes data, sealed
        cdef Py_ssize_t n, size
        while not self.out and self.fd >= 0:
            data = session.take_output(BLOCK)
            size = PyBytes_GET_SIZE(data)
            if size == 0:
                return 0
            if self.tls is None:
                self.put(data)
            else:
                n = self.inner.write(data)
                if n < size:
                    view = memoryview(data)
                    while n < size:
                        n += <Py_ssize_t>self.inner.write(view[n:])
                sealed = self.tx.read()
                self.put(sealed)
            if size < BLOCK and not session.calls:
                # Probably everything; pull again only if output is left.
                if not session.has_output():
                    return 0
        if session.calls:
            # Detached calls that wait for room may continue.
            session.streams.update_calls()
        return 0

    def send(self, LoopState state not None):
        """Send the queued output, as far as the socket accepts it.

        Args:
            state: The loop.
        """
        self.send_all(state)

    def send_tls(self):
        """Send TLS's own output: handshake messages and alerts."""
        cdef bytes data = self.tx.read()
        if data:
            self.put(data)

    def send_rest(self):
        """Send the octets that the socket did not accept before.

        Returns:
            Number of octets that it accepted.
        """
        cdef bytearray out = self.out
        cdef const char *p = PyByteArray_AS_STRING(out)
        cdef Py_ssize_t n = PyByteArray_GET_SIZE(out)
        with nogil:
            n = fasth2_send(self.fd, p, n)
        if n < 0:
            if fasth2_again():
                return 0
            raise socket_error()
        del out[:n]
        return n

    def release(self):
        """Forget the descriptor: the socket is closed or given away."""
        self.fd = -1
