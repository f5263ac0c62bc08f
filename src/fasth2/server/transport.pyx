"""A connection's socket and TLS: reading, decryption, encryption and writing."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport errno
from libc.stdint cimport uint8_t

import os
import ssl

__all__ = ["ReadBuffers", "Transport"]

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

cdef object _want_read = ssl.SSLWantReadError


cdef class ReadBuffers:
    """The read buffers and memory BIOs that the connections of a loop share."""

    def __init__(self):
        self.rx = ssl.MemoryBIO()
        self.tx = ssl.MemoryBIO()
        self.buffer = bytearray(READ_SIZE)
        self.clear = bytearray(READ_SIZE)


cdef object socket_error():
    cdef int code = errno
    return OSError(code, os.strerror(code))


cdef class Transport:
    """A socket and optional TLS over memory BIOs.

    A subclass has ``take``, which is given the client's octets; ``blocked()``, called when the socket's buffer is full;
    and ``input_ended()``, called when the client has closed its sending side, which raises an OSError if that ends the
    connection.

    Args:
        sock: The socket, non-blocking.
    """

    def __init__(self, sock):
        self.sock = sock
        self.fd = sock.fileno()
        self.out = b""

    def begin_tls(self, context not None, ReadBuffers shared=None):
        """Expect a TLS handshake.

        Args:
            context: The server's `ssl.SSLContext`.
            shared: The loop's, for a connection that will speak HTTP/2: all of these use one pair of memory BIOs,
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

    cdef int take(self, const uint8_t *p, Py_ssize_t n) except -1:
        """Take the client's octets, decrypted."""
        raise NotImplementedError

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

    cdef Py_ssize_t receive(self, ReadBuffers buffers) except -1:
        """Read into the loop's buffer. Return the number of octets, 0 if none were available."""
        cdef Py_ssize_t n = fasth2_recv(self.fd, PyByteArray_AS_STRING(buffers.buffer),
                                        PyByteArray_GET_SIZE(buffers.buffer))
        if n > 0:
            return n
        if n == 0:
            self.input_ended()
            return 0
        if fasth2_again():
            return 0
        raise socket_error()

    cdef int receive_tls(self, ReadBuffers buffers, Py_ssize_t n) except -1:
        """Decrypt octets that `receive` has read."""
        self.rx.write(PyBytes_FromStringAndSize(PyByteArray_AS_STRING(buffers.buffer), n))
        return self.decrypt(buffers)

    cdef int decrypt(self, ReadBuffers buffers) except -1:
        """Decrypt the octets received, and take them."""
        cdef Py_ssize_t n
        cdef bytearray clear = buffers.clear
        cdef Py_ssize_t size = PyByteArray_GET_SIZE(clear)
        buffers.reading = self
        try:
            while True:
                # One record at a time. A record is smaller than the buffer, so nothing of it remains in TLS.
                n = self.inner.read(size, clear)
                if n <= 0 or n > size:
                    # The client's close_notify.
                    self.input_ended()
                    self.empty()
                    break
                self.take(<const uint8_t *>PyByteArray_AS_STRING(clear), n)
                if not self.rx.pending:
                    break
        except _want_read:
            pass
        except BaseException:
            self.empty()
            raise
        finally:
            buffers.reading = None
        if self.tx.pending:
            # TLS has output of its own, such as a KeyUpdate.
            self.send_tls()
        return 0

    def read_first(self, ReadBuffers buffers not None):
        """Read once, for the TLS handshake or the first octets in the clear.

        Args:
            buffers: The loop's.

        Returns:
            The octets read; empty if there were none.
        """
        cdef Py_ssize_t n = self.receive(buffers)
        return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(buffers.buffer), n)

    def read_early(self, ReadBuffers buffers not None):
        """Take the octets that arrived with the end of the TLS handshake.

        Args:
            buffers: The loop's.
        """
        if self.rx.pending:
            self.decrypt(buffers)

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

    cdef int put_clear(self, bytes data) except -1:
        """Encrypt octets, if there is TLS, and write them as `put` does."""
        cdef Py_ssize_t n, size
        if self.tls is None:
            return self.put(data)
        size = PyBytes_GET_SIZE(data)
        n = self.inner.write(data)
        if n < size:
            view = memoryview(data)
            while n < size:
                n += <Py_ssize_t>self.inner.write(view[n:])
        return self.put(self.tx.read())

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
