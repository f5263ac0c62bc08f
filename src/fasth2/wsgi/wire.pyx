"""The octets of a connection of the WSGI server: requests are read and run, and responses written, in rounds."""
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from fasth2.server._unread_uploads cimport UnreadUploads
from fasth2.server.transport cimport ReadBuffers, Transport

cdef enum:
    # Octets of output that are encrypted and written at a time. With TLS's overhead, the size of a packet of the
    # loopback interface.
    BLOCK = 65280


cdef class LoopState:
    """The state that a loop and its connections share, with the read buffers."""

    def __init__(self):
        self.buffers = ReadBuffers()


cdef class Wire(Transport):
    """A socket, optional TLS, and the session that answers its requests.

    A subclass has ``blocked()`` and ``input_ended()``, as `Transport` wants them.

    Args:
        sock: The socket, non-blocking.
    """

    cdef int take(self, const uint8_t *p, Py_ssize_t n) except -1:
        return self.session.feed_octets(p, n)

    def serve(self, LoopState state not None):
        """Read once, run the requests and send the responses.

        Args:
            state: The loop.

        Returns:
            False when the thread has lost the lead, and must not touch the loop or the connection any more.

        Raises:
            OSError: The connection is over.
        """
        cdef Py_ssize_t n = self.receive(state.buffers)
        if n == 0:
            # There may be output for a client that sends no more.
            self.send_all(state)
            return True
        if self.tls is None:
            self.session.feed_octets(<const uint8_t *>PyByteArray_AS_STRING(state.buffers.buffer), n)
        else:
            self.receive_tls(state.buffers, n)
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
        cdef bytes data
        cdef Py_ssize_t size
        while not self.out and self.fd >= 0:
            data = session.take_output(BLOCK)
            size = PyBytes_GET_SIZE(data)
            if size == 0:
                return 0
            self.put_clear(data)
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
