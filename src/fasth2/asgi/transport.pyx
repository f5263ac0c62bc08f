"""A connection on an asyncio event loop, without a transport object of the loop."""
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t

from fasth2.server.transport cimport ReadBuffers, Transport

import socket
import time

__all__ = ["LoopTransport"]

cdef enum:
    # The default of asyncio's transports.
    HIGH_WATER = 65536

#: Payload of the PING that probes whether a client still reads.
cdef bytes PROBE = b"present?"

cdef object monotonic = time.monotonic


cdef class LoopTransport(Transport):
    """A connection on an asyncio event loop: the interface of asyncio's transports on a socket, with optional TLS.

    The loop only says when the socket is ready. Octets go to the `session`, or to the `protocol`; before there is either,
    the subclass's ``opening_readable()`` is called to read.

    A subclass has ``failed(error)``, called when the socket or its TLS fails, and ``ended()``, called once the socket is
    closed.

    Args:
        sock: The socket, non-blocking.
        loop: The event loop.
        buffers: The loop's read buffers.
    """

    def __init__(self, sock, loop, ReadBuffers buffers not None):
        Transport.__init__(self, sock)
        self.loop = loop
        self.buffers = buffers
        self.high = HIGH_WATER
        self.low = HIGH_WATER // 4
        self.input_open = True
        self.reading = True
        loop.add_reader(self.fd, self.readable)

    # Called by the loop

    def readable(self):
        """Read once, and pass the octets on."""
        cdef Py_ssize_t n
        if self.lost:
            return
        try:
            if self.session is None and self.protocol is None:
                self.opening_readable()
                return
            n = self.receive(self.buffers)
            if n == 0 or self.eof_sent:
                # What comes after the end is discarded.
                return
            if self.tls is None:
                self.take(<const uint8_t *>PyByteArray_AS_STRING(self.buffers.buffer), n)
            else:
                self.receive_tls(self.buffers, n)
        except Exception as error:
            if not self.eof_sent:
                self.fail(error)

    def writable(self):
        """Send what the socket did not accept before."""
        if self.lost:
            return
        try:
            self.send_rest()
        except Exception as error:
            self.fail(error)
            return
        if self.out:
            if self.paused and self.protocol is not None and len(self.out) <= self.low:
                self.paused = False
                self.protocol.resume_writing()
            return
        self.out = b""
        self.blocked_since = 0
        self.loop.remove_writer(self.fd)
        if self.wants_eof:
            self.write_eof()
        if self.closing:
            self.finish_close()
        elif self.paused:
            self.paused = False
            if self.session is not None:
                self.session.resume_writing()
            else:
                self.protocol.resume_writing()

    # Called by `Transport`

    cdef int take(self, const uint8_t *p, Py_ssize_t n) except -1:
        if self.session is not None:
            return self.session.feed_octets(p, n)
        if self.protocol is not None and not self.closing:
            self.protocol.data_received(PyBytes_FromStringAndSize(<const char *>p, n))
        return 0

    def input_ended(self):
        """The client has closed its sending side. Complete requests of HTTP/2 are still answered.

        Raises:
            ConnectionResetError: The connection has no protocol yet.
        """
        if not self.input_open:
            return
        self.input_open = False
        self.pause_reading()
        if self.session is None and self.protocol is None:
            raise ConnectionResetError("the client closed the connection")
        if self.session is None:
            # As asyncio's transports: TLS has no half that stays open.
            if not self.protocol.eof_received() or self.tls is not None:
                self.close()
        elif not self.session.eof_received(True):
            self.close()
        elif not self.lost:
            # A client that does not read either answers this by resetting the connection.
            self.session.protocol.engine.ping(PROBE)
            self.session.flush()

    def blocked(self):
        """The socket's buffer is full."""
        self.blocked_since = monotonic()
        self.blocked_size = len(self.out)
        self.loop.add_writer(self.fd, self.writable)
        if self.session is not None:
            self.paused = True
            self.session.pause_writing()

    # The interface of asyncio's transports

    def write(self, data):
        """Send octets.

        Args:
            data: Any buffer.
        """
        cdef bytes octets
        if self.lost or self.closing or self.eof_sent:
            return
        octets = data if PyBytes_CheckExact(data) else bytes(data)
        if not octets:
            return
        try:
            self.put_clear(octets)
        except (OSError, ValueError) as error:
            self.fail(error)
            return
        if self.protocol is not None and not self.paused and len(self.out) > self.high:
            self.paused = True
            self.protocol.pause_writing()

    def writelines(self, parts):
        """Send octets.

        Args:
            parts: Buffers.
        """
        self.write(b"".join(parts))

    def can_write_eof(self):
        """Return True: the sending side can be shut down, that of TLS too."""
        return True

    def write_eof(self):
        """Shut down the sending side once all is sent."""
        self.wants_eof = True
        if self.eof_sent or self.lost or self.out:
            return
        self.send_close_notify()
        if self.out:
            return
        self.eof_sent = True
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.lose(None)  # the client is gone

    cdef int send_close_notify(self) except -1:
        """Send TLS's close_notify, without waiting for the client's."""
        if self.tls is None or self.eof_sent or (self.buffers.reading is not None and self.buffers.reading is not self):
            # The memory BIOs hold octets of the connection that is being read.
            return 0
        try:
            self.tls.unwrap()
        except (OSError, ValueError):
            pass  # the client's close_notify has not arrived
        try:
            self.send_tls()
        except OSError:
            pass  # the client is gone
        return 0

    def close(self):
        """Close the connection once all is sent."""
        if self.closing or self.lost:
            return
        self.closing = True
        self.pause_reading()
        if not self.out:
            self.finish_close()

    cdef int finish_close(self) except -1:
        self.send_close_notify()
        self.lose(None)
        return 0

    def abort(self):
        """Close the connection at once."""
        self.lose(None)

    def is_closing(self):
        """Return True once the connection is closing."""
        return self.closing or self.lost

    def pause_reading(self):
        """Read no more input."""
        if self.reading:
            self.reading = False
            self.loop.remove_reader(self.fd)

    def resume_reading(self):
        """Read input again."""
        if not self.reading and self.input_open and not self.closing and not self.lost:
            self.reading = True
            self.loop.add_reader(self.fd, self.readable)

    def is_reading(self):
        """Return True unless reading is paused."""
        return self.reading

    def get_write_buffer_size(self):
        """Return the octets that wait for the client."""
        return len(self.out)

    def get_write_buffer_limits(self):
        """Return the low and the high limit."""
        return self.low, self.high

    def set_write_buffer_limits(self, high=None, low=None):
        """Set the octets that may wait before the protocol is told to pause writing.

        Args:
            high: That number; ``None``: four times `low`, or the default.
            low: Octets at which it is told to go on; ``None``: a quarter.
        """
        if high is None:
            high = HIGH_WATER if low is None else 4 * low
        self.high = high
        self.low = high // 4 if low is None else low

    def set_protocol(self, protocol):
        """Change the protocol.

        Args:
            protocol: An `asyncio.Protocol`.
        """
        self.protocol = protocol

    def get_protocol(self):
        """Return the protocol."""
        return self.protocol

    def get_extra_info(self, str name, default=None):
        """Return information about the connection.

        Args:
            name: As asyncio's transports have it: "peername", "sockname", "socket", "ssl_object", "sslcontext", "cipher",
                "compression" or "peercert".
            default: The result for any other name.
        """
        if name == "socket":
            return self.sock
        if name == "peername" or name == "sockname":
            try:
                return self.sock.getpeername() if name == "peername" else self.sock.getsockname()
            except OSError:
                return default
        if self.tls is None:
            return default
        if name == "ssl_object":
            return self.tls
        if name == "sslcontext":
            return self.tls.context
        if name == "peercert":
            return self.tls.getpeercert()
        if name == "cipher" or name == "compression":
            return getattr(self.tls, name)()
        return default

    # The end

    def fail(self, error):
        """End the connection because of an error.

        Args:
            error: The exception.
        """
        if not self.lost:
            self.lose(error)
            self.failed(error)

    def lose(self, error):
        """End the connection in the loop's next turn.

        Args:
            error: The exception, or ``None``.
        """
        if self.lost:
            return
        self.pause_reading()
        if self.blocked_since:
            self.loop.remove_writer(self.fd)
        self.lost = self.closing = True
        self.out = b""
        self.loop.call_soon(self._end, error)

    def _end(self, error):
        try:
            if self.session is not None:
                self.session.connection_lost()
            elif self.protocol is not None:
                self.protocol.connection_lost(error)
        finally:
            if self.tls is not None:
                # No connection is being read: the loop has called this.
                self.end_tls()
            self.release()
            self.sock.close()
            self.ended()
