"""What the asyncio connection classes share: the transport, its back-pressure, time-outs and waiting for window.

Knows no request class and no gunicorn; subclasses say what a request is,
when it is handed out and what a failed send looks like to the caller.
"""
from __future__ import annotations

import asyncio
from typing import Any

from fasth2.exceptions import ProtocolError

from ._progress import MIN_RATE, SendProgress, keeps_rate
from ._protocol import Options, ServerProtocol, held, held_option, seconds
from .errors import HTTP2ErrorCode

__all__ = ["AsyncConnection"]

#: Seconds between the PINGs that tell whether a peer that sends no more still reads:
#: its kernel refuses the first if not, and the second finds that out.
FIRST_PROBE = 0.5
PROBE_INTERVAL = 5.0


class _Sender:
    """A task that waits until the peer has taken what its stream has queued."""

    __slots__ = ("future", "progress", "stream_id", "taken")

    def __init__(self, stream_id: int, left: int, future: asyncio.Future[int], now: float, taken: int) -> None:
        self.stream_id = stream_id
        self.future = future
        self.progress = SendProgress(left, now)
        # What the peer had taken of all senders when the measuring began.
        self.taken = taken

    def restart(self, now: float, taken: int) -> None:
        """Give the peer its time, from now on; it has taken so many octets of all senders."""
        self.progress.restart(self.progress.last, now)
        self.taken = taken


class AsyncConnection:
    """A server's HTTP/2 connection in an event loop.

    Its input comes one of two ways: the loop's transport pushes it, by
    `data_received`, `eof_received`, `pause_writing` and `resume_writing`, after
    `attach`; or a task reads it from the reader. Output goes to the writer at
    once where nothing holds it back; what the windows or the transport do not
    take stays in the engine, and whoever sent it waits.

    Args:
        cfg: As for `ServerProtocol`.
        reader: An `asyncio.StreamReader`; unused after `attach`.
        writer: An `asyncio.StreamWriter`, or after `attach` the transport.
        client_addr: The peer's address, kept.
    """

    # The attributes of the protocol that hosts read, and assign.
    h2_conn: Any = held("engine")
    streams: dict[int, Any] = held("streams")
    pending_requests: list[Any] = held("pending_requests")
    initial_window_size: int = held_option("initial_window_size")
    max_concurrent_streams: int = held_option("max_concurrent_streams")
    max_frame_size: int = held_option("max_frame_size")
    max_header_list_size: int = held_option("max_header_list_size")
    stream_timeout: float | None = held_option("stream_timeout")
    idle_timeout: float | None = held_option("idle_timeout")
    unread_upload_octets: int = held_option("unread_upload_octets")
    unread_upload_seconds: float = held_option("unread_upload_seconds")
    draining: bool = held("draining")
    counters: dict[str, int] = held("counters", read_only=True)
    is_closed: bool = held("closed", read_only=True)
    _closed: bool = held("closed")
    errors: Any = held_option("errors")
    closed_state: Any = held_option("closed_state")
    _initialized: bool = held("initialized")

    #: The last stream id of the peer's GOAWAY, which speaks of streams that this side opened; ``None`` before.
    peer_last_stream_id: int | None = None

    #: What the connection is to the engine.
    protocol: ServerProtocol

    #: Octets one write is given at most, as far as frames allow.
    WRITE_BLOCK_SIZE = 65536

    #: Octets a second that a peer must take of a response it keeps waiting.
    #: A response that has waited for `stream_timeout` in all is cancelled when
    #: it was slower, so that a window opened an octet at a time does not hold
    #: a thread or a task for ever. 0 switches this off.
    MIN_SEND_RATE = MIN_RATE

    #: Octets a second that a peer must send of a request's body that a task
    #: waits for, once that has taken `stream_timeout` in all. 0 switches this off.
    MIN_RECEIVE_RATE = MIN_RATE

    #: Octets one read asks for.
    READ_BUFFER_SIZE = 65536

    #: Octets of response bodies that are sent before other tasks of the loop
    #: get their turn, and what a part counts beside its own. A peer that takes
    #: all as it comes never makes `send_data` wait.
    TIME_SLICE_SIZE = 65536
    PART_COST = 1024

    def __init__(self, cfg: Any, reader: Any, writer: Any, client_addr: Any) -> None:
        self.cfg = cfg
        self.client_addr = client_addr
        self.protocol = ServerProtocol(self._make_options(cfg))
        self.reader = reader
        self.writer = writer
        self._loop: Any = None
        # The transport that pushes, or None where a task reads.
        self._transport: Any = None
        self._write_paused = False
        # What the transport held when it asked for a pause, and the timer that watches it.
        self._held_back = 0
        self._pause_timer: Any = None
        # True if the peer has ended its side, and the timer that looks whether it still reads.
        self._input_ended = False
        self._probe_timer: Any = None
        self._senders: list[_Sender] = []
        self._senders_timer: Any = None
        # Octets that the peer has taken of all senders, those that are done too.
        self._taken = 0
        # True if _flush() is going to be called in the loop's next turn, and the body octets it will find.
        self._flushing = False
        self._deferred = 0
        # True if something was written that nobody has waited for yet.
        self._undrained = False
        # What was sent since other tasks had their turn.
        self._slice_sent = 0
        # What receive_data() waits on.
        self._arrival: Any = None

    def _make_options(self, cfg: Any) -> Options:
        raise NotImplementedError

    # What the protocol calls (`fasth2.server._protocol.Handler`)

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _large_request_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _data_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _trailers_received(self, item: Any, requests: list[Any]) -> None:
        raise NotImplementedError

    def _handed_out(self, stream: Any) -> bool:
        return True

    def _goaway_read(self, last_stream_id: int) -> None:
        self.peer_last_stream_id = last_stream_id

    def _process(self, data: bytes) -> list[Any]:
        return self.protocol.receive(data, self)

    # A transport that pushes

    def attach(self, transport: Any) -> None:
        """Take input by `data_received` and its like from now on.

        Args:
            transport: The loop's transport; output goes to it.
        """
        self._loop = asyncio.get_running_loop()
        self._transport = self.writer = transport
        transport.set_write_buffer_limits(high=self.WRITE_BLOCK_SIZE)

    def data_received(self, data: bytes) -> None:
        """Take in octets; never raises. What the peer did wrong is in `receive_data`.

        Args:
            data: What the transport has read.
        """
        if self.protocol.closed:
            return  # RFC 9113 section 5.4.1: nothing after GOAWAY counts
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
        """The connection is lost, or its peer sends no more and cannot be answered."""
        if not self.protocol.closed:
            self._connection_lost()

    def input_ended(self) -> bool:
        """The peer has ended its side of a TCP connection, and may go on to read (RFC 9293 section 3.6).

        Requests that it has sent whole are answered; the others will never be
        complete. A peer that reads no more either refuses the PINGs that it is
        sent, which ends the connection.

        Returns:
            True if the transport is to stay open.
        """
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

    def _probe(self, wait: float) -> None:
        """Send a PING, and the next one after a while."""
        if self.protocol.closed:
            return
        try:
            self.protocol.engine.ping(b"\0" * 8)
        except ProtocolError:
            return
        self._send_quietly()
        self._probe_timer = self._loop.call_later(wait, self._probe, PROBE_INTERVAL)

    def pause_writing(self) -> None:
        """The transport holds more than it should; the peer reads too slowly."""
        if self._write_paused:
            return
        self._write_paused = True
        transport = self._transport
        # Frames that ask for an answer would only make it longer.
        transport.pause_reading()
        if self.protocol.options.stream_timeout is not None:
            self._held_back = transport.get_write_buffer_size()
            self._pause_timer = self._loop.call_later(self.protocol.options.stream_timeout, self._still_paused)

    def resume_writing(self) -> None:
        """The transport has room again."""
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
        """A peer that takes next to nothing for `stream_timeout` is gone."""
        size = self._transport.get_write_buffer_size()
        timeout = self.protocol.options.stream_timeout or 0
        if keeps_rate(self._held_back - size, self.MIN_SEND_RATE, timeout):
            self._held_back = size
            self._pause_timer = self._loop.call_later(timeout, self._still_paused)
            return
        self._pause_timer = None
        self._give_up("Write timed out: the peer stopped reading")

    def _give_up(self, why: str) -> None:
        """The peer can no longer be reached."""
        if self.protocol.error is None:
            self.protocol.error = self.protocol.options.errors.HTTP2ConnectionError(why)
        self._connection_lost()
        if self._transport is not None:
            self._transport.abort()

    def _requests_arrived(self, requests: list[Any]) -> None:
        """Hand requests on; here to the next `receive_data`."""
        self.protocol.pending_requests.extend(requests)
        self._arrived()

    def _arrived(self) -> None:
        waiter = self._arrival
        if waiter is not None and not waiter.done():
            waiter.set_result(True)

    async def _wait_for_arrival(self, timeout: float | None) -> None:
        """Wait for requests or for the end of the connection.

        Raises:
            asyncio.TimeoutError: Neither came within `timeout` seconds.
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

    # A reader

    async def _read(self, timeout: float | None) -> bytes:
        """Read once from the reader.

        Raises:
            asyncio.TimeoutError: Nothing came within `timeout` seconds.
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
            # uvloop raises the latter where the transport is closed.
            self.protocol.closed = True
            raise self.protocol.options.errors.HTTP2ConnectionError(f"Socket write error: {exc}") from exc

    def _flush(self) -> None:
        """Write what the engine has to send, as far as the transport wants it.

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
        """Write it when the tasks of this turn of the loop have had theirs."""
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
        """Send what the engine has; wait for the transport where it has no other way to say that it is full.

        Raises:
            HTTP2ConnectionError: The socket failed, or the peer reads nothing.
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
        """Let other tasks run once enough was sent without waiting; for parts of a body that are not its last.

        Args:
            size: The octets of a part that was sent.
        """
        self._slice_sent += size + self.PART_COST
        if self._slice_sent >= self.TIME_SLICE_SIZE:
            self._slice_sent = 0
            await asyncio.sleep(0)

    def _fits(self, stream_id: int, size: int) -> bool:
        """Return True if that much of a stream's body is sure to leave with the next flush."""
        if self._write_paused:
            return False
        try:
            window = self.protocol.engine.local_flow_control_window(stream_id)
        except ProtocolError:
            return False
        return window >= self._deferred + size

    async def _all_sent(self, stream_id: int) -> int:
        """Wait until a stream has nothing queued.

        Returns:
            1 then, 0 when the peer did not take it in time, -1 when the stream
            or the connection is gone.
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
        """Look at every waiting sender; called when window, a reset or room in the transport came."""
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
        """Return True if the peer would take the stream, and took what goes before it by priority (RFC 9218) fast enough.

        "Fast enough" is the least rate of all senders together: priorities buy a slow peer no time.
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
        for timer in (self._pause_timer, self._senders_timer, self._probe_timer):
            if timer is not None:
                timer.cancel()
        self._pause_timer = self._senders_timer = self._probe_timer = None
        if self._senders:
            self._wake_senders()
        self._arrived()

    def _end(self, error_code: int, last_stream_id: int | None) -> None:
        """Put GOAWAY into the output and send it, as far as that goes; the connection is over."""
        self.protocol.end(error_code, last_stream_id)
        self._send_quietly()
        self._connection_lost()

    def _close_quietly(self) -> None:
        if not self.protocol.closed:
            self._end(0, None)
            self.writer.close()

    def _cut_off(self, stream: Any) -> bool:
        """Reset a stream that is not over; return True if that was needed."""
        return self.protocol.cut_off(stream)

    def cleanup_stream(self, stream_id: int) -> None:
        """Forget a stream; the application is done with it.

        A response that was never finished is cut off with
        RST_STREAM(INTERNAL_ERROR), since nothing else could end it. After the
        peer's GOAWAY the last stream closes the connection.

        Args:
            stream_id: The stream; an unknown one is ignored.
        """
        protocol = self.protocol
        stream = protocol.streams.pop(stream_id, None)
        if stream is None:
            return
        if protocol.unreleased:
            protocol.unreleased.discard(stream_id)
        if stream.state is not protocol.options.closed_state and self._cut_off(stream):
            self._send_quietly()
        if not protocol.streams and protocol.draining and not protocol.pending:
            self._close_quietly()


def _expire(waiter: Any) -> None:
    if not waiter.done():
        waiter.set_result(False)
