"""A stream that an extended CONNECT has opened (RFC 8441)."""
cimport cython
from libc.stdint cimport uint32_t

from fasth2._engine.core cimport find_stream
from fasth2._engine.error_codes cimport CANCEL
from fasth2._engine.stream cimport H2Stream
from fasth2.asgi.response_head cimport response_head
from fasth2.asgi.streams cimport Streams

__all__ = ["Tunnel"]


@cython.final
cdef class Tunnel:
    """A stream that an extended CONNECT has opened: octets in both directions after a response of 200.

    What serves it is its ``receiver``: ``octets_received(data)`` is called for octets of the client,
    ``input_ended()`` when the client has ended its side, ``connection_lost()`` when the stream is gone. It may have
    ``shutdown()``, called at the begin of a graceful shutdown, and ``cancel()``, called when the time for that is over.

    Args:
        streams: The streams of the connection.
        stream_id: The stream.
    """

    def __init__(self, Streams streams not None, uint32_t stream_id):
        self.streams = streams
        self.stream_id = stream_id

    @property
    def queued(self):
        """Octets that wait for the client."""
        cdef H2Stream s = find_stream(self.streams.core, self.stream_id)
        return 0 if s is None else s.queued

    def respond(self, int status, list fields not None, bytes body=b"", bint ends=False):
        """Send the response, and the first octets after it.

        Args:
            status: 200 opens the tunnel.
            fields: ``(name, value)`` pairs.
            body: Octets.
            ends: True if they are the last.

        Raises:
            RuntimeError: A field is invalid.
        """
        self.answered = True
        self.ended = ends
        if not self.streams.respond(self.stream_id, response_head(status, fields, False), body, ends, None):
            self.lose()
        elif ends:
            self.leave()
        self.streams.output_due()

    def write(self, data):
        """Send octets.

        Args:
            data: Any buffer.
        """
        if not self.ended and not self.streams.write(self.stream_id, bytes(data), False, None):
            self.lose()
        self.streams.output_due()

    def end(self):
        """End this side; a client that does not end its own is reset after a while."""
        if self.ended:
            return
        if not self.answered:
            self.reset()
            return
        self.ended = True
        self.streams.write(self.stream_id, b"", True, None)
        self.leave()
        self.streams.output_due()

    cdef int leave(self) except -1:
        """This side has ended, and takes nothing more of the client."""
        self.abandon()
        self.streams.tunnels.pop(self.stream_id, None)
        if not self.input_ended:
            self.streams.leave_unread(self.stream_id)
        return 0

    def reset(self):
        """Reset the stream."""
        self.ended = True
        self.streams.tunnels.pop(self.stream_id, None)
        self.streams.reset(self.stream_id, CANCEL)

    def credit(self, Py_ssize_t octets):
        """Let the client send more.

        Args:
            octets: Octets of the client that were used.
        """
        self.streams.read(self.stream_id, octets)

    def room(self):
        """Return a future that is done when few octets wait for the client, or the stream is gone."""
        return self.streams.wait_for_room(self.stream_id)

    def application_begins(self):
        """An application serves the stream: it counts against the limit on streams until it ends, even after a reset."""
        self.running = True
        if self.ended:
            self.abandon()

    def application_ends(self):
        """The application has ended."""
        self.running = False
        if self.abandoned:
            self.abandoned = False
            self.streams.abandoned -= 1

    cdef int abandon(self) except -1:
        """The stream has ended, or is about to: its application counts alone from now on."""
        if self.running and not self.abandoned:
            self.abandoned = True
            self.streams.abandoned += 1
        return 0

    cdef int receive(self, bytes data) except -1:
        try:
            if self.receiver is not None:
                self.receiver.octets_received(data)
        except Exception as error:
            self.fail(error)
        return 0

    def fail(self, error):
        """Report a fault of the receiver, and reset the stream: other streams go on.

        Args:
            error: The exception.
        """
        self.streams.service.host.report("Exception in ASGI application\n", error, False)
        self.reset()
        self.lose()

    cdef int receive_end(self) except -1:
        self.input_ended = True
        if self.receiver is not None:
            self.receiver.input_ended()
        return 0

    cdef int lose(self) except -1:
        """The stream is gone."""
        receiver, self.receiver = self.receiver, None
        self.ended = True
        self.abandon()
        self.streams.tunnels.pop(self.stream_id, None)
        if receiver is not None:
            receiver.connection_lost()
        return 0
