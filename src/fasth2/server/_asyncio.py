"""The common base of asyncio connection classes: the transport, back-pressure, time-outs and waiting for window.

Subclasses define the request class, when requests are returned, and how a
failed send is reported to the caller.
"""
from __future__ import annotations

import asyncio
from typing import Any

from fasth2.exceptions import ProtocolError

from ._closing import ASYNCIO_CLOSING_WAIT
from ._holder import HolderAttributes, holds_protocol
from ._options import seconds
from ._progress import MIN_RATE, SendProgress, keeps_rate
from ._protocol import ServerProtocol
from .errors import HTTP2ErrorCode

__all__ = ["AsyncConnection"]

#: Seconds between PINGs that probe whether a peer that sends no more still reads: if
#: not, its kernel answers the first with RST, and writing the second fails.
FIRST_PROBE = 0.5
PROBE_INTERVAL = 5.0


class _Sender:
    """A task that waits until its stream's queued body is sent."""

    __slots__ = ("future", "progress", "stream_id", "taken")

    def __init__(self, stream_id: int, left: int, future: asyncio.Future[int], now: float, taken: int) -> None:
        self.stream_id = stream_id
        self.future = future
        self.progress = SendProgress(left, now)
        # The connection's `_taken` at the start of the measurement.
        self.taken = taken

    def restart(self, now: float, taken: int) -> None:
        """Restart the measurement of the rate, with the connection's current `_taken`."""
        self.progress.restart(self.progress.last, now)
        self.taken = taken


@holds_protocol
class AsyncConnection(HolderAttributes):
    """A server's HTTP/2 connection in an event loop.

    Input arrives in one of two ways: after `attach` the loop's transport calls
    `data_received`, `eof_received`, `pause_writing` and `resume_writing`;
    otherwise a task reads from the reader. Output is passed to the writer at
    once. Output that exceeds the windows or the transport's buffer stays in the
    engine, and its sender waits.

    Args:
        cfg: As for `ServerProtocol`.
        reader: An `asyncio.StreamReader`; unused after `attach`.
        writer: An `asyncio.StreamWriter`, or after `attach` the transport.
        client_addr: The peer's address, kept.
    """

    #: Largest number of octets of one write, up to the end of a frame.
    WRITE_BLOCK_SIZE = 65536

    #: Octets a second that a peer must accept of a response. A response that
    #: has waited for `stream_timeout` in all is cancelled if it was slower, so
    #: that a window opened by single octets does not hold a thread or a task for
    #: ever. 0: no minimum.
    MIN_SEND_RATE = MIN_RATE

    #: Octets a second that a peer must send of a request's body, once a task
    #: has waited `stream_timeout` for it in all. 0: no minimum.
    MIN_RECEIVE_RATE = MIN_RATE

    #: Seconds of a lingering close, in which input is read and discarded.
    LINGER = ASYNCIO_CLOSING_WAIT

    #: Bytes of one read.
    READ_BUFFER_SIZE = 65536

    #: Octets of response bodies that are sent before `send_data` yields to other
    #: tasks, and the overhead that each part counts. A fast peer never makes
    #: `send_data` wait otherwise.
    TIME_SLICE_SIZE = 65536
    PART_COST = 1024

    def __init__(self, cfg: Any, reader: Any, writer: Any, client_addr: Any) -> None:
        self.cfg = cfg
        self.client_addr = client_addr
        self.protocol = ServerProtocol(self._make_options(cfg))
        self.reader = reader
        self.writer = writer
        self._loop: Any = None
        # The attached transport, or None if a task reads.
        self._transport: Any = None
        self._write_paused = False
        # Size of the transport's buffer when writing was paused, and the timer that checks it.
        self._held_back = 0
        self._pause_timer: Any = None
        # True if the peer has closed its sending side, and the timer that probes whether it still reads.
        self._input_ended = False
        self._probe_timer: Any = None
        self._senders: list[_Sender] = []
        self._senders_timer: Any = None
        # Total octets sent for all senders, finished ones included.
        self._taken = 0
        # True if _flush() is scheduled in the loop's next iteration, and the octets of body deferred to it.
        self._flushing = False
        self._deferred = 0
        # True if output was written and drain() was not awaited since.
        self._undrained = False
        # Octets sent since the last yield to other tasks.
        self._slice_sent = 0
        # The future that receive_data() awaits.
        self._arrival: Any = None
        # The future that is done when the peer of an attached transport has closed its side.
        self._peer_left: Any = None

    # Called by an attached transport

    def attach(self, transport: Any) -> None:
        """Take input by calls of the transport from now on.

        Args:
            transport: The loop's transport; output goes to it.
        """
        self._loop = asyncio.get_running_loop()
        self._transport = self.writer = transport
        self._peer_left = self._loop.create_future()
        transport.set_write_buffer_limits(high=self.WRITE_BLOCK_SIZE)

    def data_received(self, data: bytes) -> None:
        """Process received octets; never raises. Protocol errors are raised by `receive_data`.

        Args:
            data: The octets read by the transport.
        """
        if self.protocol.closed:
            return  # RFC 9113 section 5.4.1: frames after a connection error are ignored
        requests = self._process(data)
        self._send_quietly()
        if self.protocol.unread:
            self.protocol.end_unread(self)
        if self._senders:
            self._wake_senders()
        if self.protocol.closed:
            self._connection_lost()
        elif requests:
            self._requests_arrived(requests)

    def eof_received(self) -> None:
        """Called when the connection is lost, or the input has ended and no response can be sent."""
        self._peer_has_left()
        if not self.protocol.closed:
            self._connection_lost()

    def input_ended(self) -> bool:
        """Called when the peer has closed its sending side and may still read (RFC 9293 section 3.6).

        Complete requests are answered; incomplete ones are reset. A peer that
        does not read either is detected by PING probes, whose failure ends the
        connection.

        Returns:
            True if the transport is to stay open.
        """
        self._peer_has_left()
        if self.protocol.closed:
            return False
        if not self._input_ended:
            self._input_ended = True
            for stream in list(self.protocol.streams.values()):
                if not stream.request_complete:
                    handed_out = self._handed_out(stream)
                    self.protocol.reset(stream.stream_id, HTTP2ErrorCode.CANCEL)
                    stream.reset(HTTP2ErrorCode.CANCEL)
                    if not handed_out:
                        del self.protocol.streams[stream.stream_id]
            # Closed once the last stream has ended.
            self.protocol.draining = True
            self._probe(FIRST_PROBE)
        over = self.protocol.options.closed_state
        if self.protocol.pending or any(stream.state is not over for stream in self.protocol.streams.values()):
            return True
        self._send_quietly()
        self._connection_lost()
        return False

    def _peer_has_left(self) -> None:
        if self._peer_left is not None and not self._peer_left.done():
            self._peer_left.set_result(None)

    async def peer_left(self, timeout: float) -> None:
        """Wait until the peer has closed its side (lingering close); at once if no transport is attached.

        Args:
            timeout: Seconds to wait at most.
        """
        if self._peer_left is not None and not self._peer_left.done():
            await asyncio.wait((self._peer_left,), timeout=timeout)

    def _probe(self, wait: float) -> None:
        """Send a PING, and schedule the next one."""
        if self.protocol.closed:
            return
        try:
            self.protocol.engine.ping(b"\0" * 8)
        except ProtocolError:
            return
        self._send_quietly()
        self._probe_timer = self._loop.call_later(wait, self._probe, PROBE_INTERVAL)

    def pause_writing(self) -> None:
        """Called when the transport's buffer is full, since the peer reads too slowly."""
        if self._write_paused:
            return
        self._write_paused = True
        transport = self._transport
        # More input could only add output.
        transport.pause_reading()
        if self.protocol.options.stream_timeout is not None:
            self._held_back = transport.get_write_buffer_size()
            self._pause_timer = self._loop.call_later(self.protocol.options.stream_timeout, self._still_paused)

    def resume_writing(self) -> None:
        """Called when the transport's buffer has room again."""
        if not self._write_paused:
            return
        self._write_paused = False
        if self._pause_timer is not None:
            self._pause_timer.cancel()
            self._pause_timer = None
        if self.protocol.closed:
            return
        if not self._input_ended:
            self._transport.resume_reading()
        self._send_quietly()
        if self._senders:
            self._wake_senders()

    def _still_paused(self) -> None:
        """Abort the connection if the peer accepted too little during `stream_timeout`."""
        size = self._transport.get_write_buffer_size()
        timeout = self.protocol.options.stream_timeout or 0
        if keeps_rate(self._held_back - size, self.MIN_SEND_RATE, timeout):
            self._held_back = size
            self._pause_timer = self._loop.call_later(timeout, self._still_paused)
            return
        self._pause_timer = None
        self._give_up("Write timed out: the peer stopped reading")

    def _give_up(self, why: str) -> None:
        """Abort the connection with an error."""
        if self.protocol.error is None:
            self.protocol.error = self.protocol.options.errors.HTTP2ConnectionError(why)
        self._connection_lost()
        if self._transport is not None:
            self._transport.abort()

    def _requests_arrived(self, requests: list[Any]) -> None:
        """Pass requests on; here to the next `receive_data`."""
        self.protocol.pending_requests.extend(requests)
        self._arrived()

    def _arrived(self) -> None:
        waiter = self._arrival
        if waiter is not None and not waiter.done():
            waiter.set_result(True)

    async def _wait_for_arrival(self, timeout: float | None) -> None:
        """Wait for requests or for the end of the connection.

        Raises:
            asyncio.TimeoutError: Neither arrived within `timeout` seconds.
        """
        waiter = self._arrival = self._loop.create_future()
        timer = None if timeout is None else self._loop.call_later(timeout, _expire, waiter)
        try:
            if not await waiter:
                raise asyncio.TimeoutError
        finally:
            self._arrival = None
            if timer is not None:
                timer.cancel()

    # Reading from a stream reader

    async def _read(self, timeout: float | None) -> bytes:
        """Read once from the reader.

        Raises:
            asyncio.TimeoutError: Nothing arrived within `timeout` seconds.
        """
        reader = self.reader
        buffered = getattr(reader, "_buffer", None)
        if timeout is None or (type(buffered) is bytearray and buffered):
            data: bytes = await reader.read(self.READ_BUFFER_SIZE)
        else:
            data = await asyncio.wait_for(reader.read(self.READ_BUFFER_SIZE), timeout)
        return data

    # Sending

    def _write(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            self._undrained = True
        except (OSError, RuntimeError) as exc:
            # uvloop raises RuntimeError if the transport is closed.
            self.protocol.closed = True
            raise self.protocol.options.errors.HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    def _flush(self) -> None:
        """Write the engine's output until the transport's buffer is full.

        Raises:
            HTTP2ConnectionError: The socket failed.
        """
        self._deferred = 0
        size = self.WRITE_BLOCK_SIZE
        pull = self.protocol.engine.pull
        while not self._write_paused:
            data = pull(size)
            if not data:
                return
            self._write(data)
            if len(data) * 2 < size:
                return

    def _flush_soon(self) -> None:
        """Schedule a write in the next iteration of the loop, after the tasks of this one."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flushing = False
        if not self.protocol.closed:
            self._send_quietly()
            if self._senders:
                self._wake_senders()

    def _send_quietly(self) -> None:
        try:
            self._flush()
        except self.protocol.options.errors.HTTP2ConnectionError:
            pass  # the connection is marked closed

    async def _send_pending_data(self) -> None:
        """Send the engine's output; without an attached transport, wait until the writer has room.

        Raises:
            HTTP2ConnectionError: The socket failed, or the peer does not read.
        """
        if self._transport is not None:
            self._flush_soon()
            return
        self._flush()
        await self._drain()

    async def _drain(self) -> None:
        if self._transport is not None or not self._undrained:
            return
        self._undrained = False
        try:
            await asyncio.wait_for(self.writer.drain(), seconds(getattr(self.cfg, "timeout", None)))
        except asyncio.TimeoutError:
            self._give_up("Write timed out: the peer stopped reading")
            raise self.protocol.options.errors.HTTP2ConnectionError("Write timed out: the peer stopped reading") from None
        except OSError as exc:
            self.protocol.closed = True
            raise self.protocol.options.errors.HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    async def yield_to_others(self, size: int) -> None:
        """Let other tasks run after `TIME_SLICE_SIZE` octets; called after each part of a body but the last.

        Args:
            size: Octets of the part that was sent.
        """
        self._slice_sent += size + self.PART_COST
        if self._slice_sent >= self.TIME_SLICE_SIZE:
            self._slice_sent = 0
            await asyncio.sleep(0)

    def _fits(self, stream_id: int, size: int) -> bool:
        """Return True if that much of a stream's body will be sent by the next flush."""
        if self._write_paused:
            return False
        try:
            window = self.protocol.engine.local_flow_control_window(stream_id)
        except ProtocolError:
            return False
        return window >= self._deferred + size

    async def _all_sent(self, stream_id: int) -> int:
        """Wait until a stream's queued body is sent.

        Returns:
            1 if it was sent, 0 if the peer did not accept it in time, -1 if
            the stream or the connection is gone.
        """
        if self.protocol.closed or self.protocol.is_gone(stream_id):
            return -1
        left = self.protocol.engine.unsent(stream_id)
        if not left:
            return 1
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        sender = _Sender(stream_id, left, self._loop.create_future(), self._loop.time(), self._taken)
        self._senders.append(sender)
        self._watch_senders()
        try:
            return await sender.future
        finally:
            self._senders.remove(sender)

    def _wake_senders(self) -> None:
        """Check every waiting sender; called after a WINDOW_UPDATE, a reset or room in the transport."""
        unsent = self.protocol.engine.unsent
        now = self._loop.time()
        for sender in self._senders:
            if sender.future.done():
                continue
            stream_id = sender.stream_id
            if self.protocol.closed or self.protocol.is_gone(stream_id):
                sender.future.set_result(-1)
                continue
            left = unsent(stream_id)
            if left < sender.progress.last:
                self._taken += sender.progress.last - left
                sender.progress.update(left, now)
            if not left:
                sender.future.set_result(1)

    def _watch_senders(self) -> None:
        if self.protocol.options.stream_timeout is None or self._senders_timer is not None:
            return
        deadline = min((self._deadline(sender) for sender in self._senders if not sender.future.done()), default=None)
        if deadline is not None:
            self._senders_timer = self._loop.call_at(deadline, self._expire_senders)

    def _deadline(self, sender: _Sender) -> float:
        timeout: float = self.protocol.options.stream_timeout  # type: ignore[assignment]  # asked for only where there is one
        return sender.progress.deadline(timeout, self.MIN_SEND_RATE)

    def _expire_senders(self) -> None:
        self._senders_timer = None
        now = self._loop.time()
        for sender in self._senders:
            if not sender.future.done() and self._deadline(sender) <= now:
                if self._waits_behind_others(sender, now):
                    sender.restart(now, self._taken)
                else:
                    sender.future.set_result(0)
        self._watch_senders()

    def _waits_behind_others(self, sender: _Sender, now: float) -> bool:
        """Return True if the stream's window is open and the peer accepted other streams, which precede it by priority
        (RFC 9218), fast enough.

        "Fast enough" is the minimum rate times the number of senders: priorities do not extend a slow peer's time.
        """
        stream = self.protocol.engine.streams.get(sender.stream_id)
        if stream is None or stream.outbound_flow_control_window <= 0:
            return False
        progress = sender.progress
        others = self._taken - sender.taken - (progress.first - progress.last)
        return keeps_rate(others, self.MIN_SEND_RATE * len(self._senders), now - progress.since)

    # Ending

    def _connection_lost(self) -> None:
        self.protocol.closed = True
        self.protocol.give_back_growth()
        for timer in (self._pause_timer, self._senders_timer, self._probe_timer):
            if timer is not None:
                timer.cancel()
        self._pause_timer = self._senders_timer = self._probe_timer = None
        if self._senders:
            self._wake_senders()
        self._arrived()

    def _end(self, error_code: int, last_stream_id: int | None) -> None:
        """Send GOAWAY if the transport still works, and mark the connection closed."""
        self.protocol.end(error_code, last_stream_id)
        self._send_quietly()
        self._connection_lost()

    def _close_quietly(self) -> None:
        if not self.protocol.closed:
            self._end(0, None)
            if self._transport is None or self.protocol.error is None:
                self.writer.close()
            # Otherwise the peer may be sending, and close() waits for it.

    def cleanup_stream(self, stream_id: int) -> None:
        """Release a stream at the end of its request.

        A stream with an incomplete response is reset with INTERNAL_ERROR. After
        the peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        self.protocol.release(stream_id, self)


def _expire(waiter: Any) -> None:
    if not waiter.done():
        waiter.set_result(False)
