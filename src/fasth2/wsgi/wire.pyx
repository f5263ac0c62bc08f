"""A connection's socket and TLS while its requests are served: what every read does, compiled."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport errno
from libc.stdint cimport uint8_t

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
    /* No worker runs there. */
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
    READ_SIZE = 65536        # octets that one read asks for
    # Octets of output that are encrypted and written at a time. With what TLS adds, as much as a local connection has
    # in a packet.
    BLOCK = 65280

cdef object _want_read = ssl.SSLWantReadError


cdef class LoopState:
    """What a loop and its connections share, the buffers of all reads among it."""

    def __init__(self):
        self.rx = ssl.MemoryBIO()
        self.tx = ssl.MemoryBIO()
        self.buffer = bytearray(READ_SIZE)
        self.clear = bytearray(READ_SIZE)


cdef object socket_error():
    cdef int code = errno
    return OSError(code, os.strerror(code))


cdef class Wire:
    """A socket, TLS over it or not, and the session that answers its requests.

    A subclass has ``blocked()``, called when the socket takes no more, and ``input_ended()``, called when the client
    has ended its sending side, which raises an OSError where that ends the connection.

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
            shared: The loop, for a connection that stays with it: all these read from and write to one pair of
                memories, which is empty whenever none of them is at work, and saves some kilobytes each.
        """
        if shared is None:
            self.rx = ssl.MemoryBIO()
            self.tx = ssl.MemoryBIO()
        else:
            self.rx = shared.rx
            self.tx = shared.tx
            self.empty()
        self.tls = context.wrap_bio(self.rx, self.tx, server_side=True)
        # What it is made of, where it shows that: a call less.
        self.inner = getattr(self.tls, "_sslobj", self.tls)

    cdef int empty(self) except -1:
        """Leave nothing of this connection to the next one."""
        if self.rx.pending:
            self.rx.read()
        if self.tx.pending:
            self.tx.read()
        return 0

    def end_tls(self):
        """The connection is over."""
        if self.tls is not None:
            self.empty()

    cdef Py_ssize_t receive(self, LoopState state) except -1:
        """Read into the round's buffer; 0 where there is nothing."""
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
        """Feed the session what TLS has."""
        cdef Py_ssize_t n
        cdef bytearray clear = state.clear
        cdef Py_ssize_t size = PyByteArray_GET_SIZE(clear)
        try:
            while True:
                # A record at a time: it is smaller than the buffer, so that TLS holds nothing back.
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
            # TLS has something to say itself.
            self.send_tls()
        return 0

    def read_first(self, LoopState state not None):
        """Read once, for the TLS handshake or the first octets in the clear.

        Args:
            state: The loop.

        Returns:
            What was read, empty where there was nothing.
        """
        cdef Py_ssize_t n = self.receive(state)
        return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(state.buffer), n)

    def read_early(self, LoopState state not None):
        """Feed the session what came with the end of the TLS handshake.

        Args:
            state: The loop.
        """
        if self.rx.pending:
            self.decrypt(state)

    def serve(self, LoopState state not None):
        """Read what there is, run the requests and send the answers.

        Args:
            state: The loop.

        Returns:
            False when the thread has lost the lead, and must not touch anything any more.

        Raises:
            OSError: The connection is over.
        """
        cdef Py_ssize_t n = self.receive(state)
        if n == 0:
            # There may be something to say to a client that sends no more.
            self.send_all(state)
            return True
        if self.tls is None:
            self.session.feed_octets(<const uint8_t *>PyByteArray_AS_STRING(state.buffer), n)
        else:
            self.rx.write(PyBytes_FromStringAndSize(PyByteArray_AS_STRING(state.buffer), n))
            self.decrypt(state)
        return self.serve_round(state)

    def run(self, LoopState state not None):
        """Run the requests that are there and send the answers.

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
        """Write to the socket what it takes, and keep the rest."""
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
        """Send what there is, as far as the socket takes it."""
        cdef Session session = self.session
        self.send_output()
        if session.unread and not self.out and self.fd >= 0 and session.end_unread(state.now):
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
                # Nothing more, most likely; where there is, it is asked for again.
                if not session.has_output():
                    return 0
        if session.calls:
            # Those that wait for room may have it.
            session.update_calls()
        return 0

    def send(self, LoopState state not None):
        """As far as the socket takes it, send what there is.

        Args:
            state: The loop.
        """
        self.send_all(state)

    def send_tls(self):
        """Send what TLS itself has to say."""
        cdef bytes data = self.tx.read()
        if data:
            self.put(data)

    def send_rest(self):
        """Send what the socket did not take before.

        Returns:
            Octets that it took.
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
        """The socket is closed or somebody else's: nothing is written to its number any more."""
        self.fd = -1

    def drop(self, LoopState state not None):
        """Read once and forget it.

        Args:
            state: The loop.

        Returns:
            How many octets.
        """
        return self.receive(state)
