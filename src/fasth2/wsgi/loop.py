"""The event loop of a worker: accepting, polling, time-outs and graceful shutdown, run by one thread at a time."""
from __future__ import annotations

import collections
import errno
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from fasth2.server._tcp import limit_unsent
from fasth2.server.client_hello import ServerTLS

from .connection import Client, ClientLoop
from .dispatcher import Dispatcher
from .leader import Leadership, Slot
from .operations import do_requests, resume
from .poller import READ, Poller, Waker, has_spare_processors
from .waiting_calls import run_waiting

__all__ = ["Host", "Loop"]

#: Seconds between two checks of the time-outs of all connections.
CHECK_INTERVAL = 1.0

#: Seconds between two checks of slow calls that are deferred in favour of fast ones.
DEFERRED_CHECK_INTERVAL = 0.02

#: Seconds of busy polling before the thread sleeps, if the last wait was
#: shorter: sleeping and waking up may take as long.
BUSY_POLL = 100e-6

#: Connections accepted in one event.
ACCEPTS = 64

#: Seconds to pause accepting after the descriptors ran out.
PAUSE = 0.2

#: Number of checks of a body's pause within `gather_pause`.
PAUSE_CHECKS = 4

#: Seconds between two checks while the loop drains.
DRAIN_CHECK_INTERVAL = 0.05

#: Seconds for the first request while the loop drains, from the beginning of the connection.
FIRST_REQUEST_WAIT = 1.0

#: Seconds of a lingering close after incomplete responses were reset: the host soon kills the process.
CUT_LINGERING = 0.5

#: Seconds for the connection preface once the loop drains. As long as gunicorn
#: keeps a stopping worker's idle connections.
PREFACE_WAIT = 2.0

#: Errors of accept() when the descriptors have run out.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Host(Protocol):
    """The interface of the loop's host. Called by the leader, except for `failed`."""

    def new_session(self, client: Client) -> Any:
        """Return the session of an HTTP/2 connection, with its preface queued."""

    def takes_prior_knowledge(self, client: Client) -> bool:
        """Return True if a client may use cleartext HTTP/2 with prior knowledge."""

    def proxy_versions(self, client: Client) -> frozenset[int]:
        """Return the versions of the PROXY protocol that are accepted from a client."""

    def serve_http1(
        self, sock: Any, address: Any, listener: Any, early: bytes, tls: Any, bios: Any, proxied: Any
    ) -> None:
        """Take over a socket that does not use HTTP/2."""

    def handshake_failed(self, client: Client, exc: BaseException) -> None:
        """Called when a TLS handshake has failed."""

    def connection_ended(self, client: Client, exc: BaseException) -> None:
        """Called when a connection has ended by an error or by its peer."""

    def failed(self, exc: BaseException) -> None:
        """Called for an unexpected error."""

    def other_connections(self) -> int:
        """Return the number of the host's own connections."""

    def drained(self) -> None:
        """Called when the last connection of a draining loop is closed."""


class Loop(ClientLoop):
    """Serves the clients of listening sockets.

    ``threads`` threads call the application; one of them, or one more that
    never does, leads.

    Args:
        host: The host.
        dispatcher: Makes a `Dispatcher` from a `Leadership` and a function that wakes the loop.
        listeners: Listening sockets.
        server_tls: Returns the `ServerTLS` of new connections; ``None`` for cleartext.
        threads: Largest number of concurrent calls of the application.
        timeout: Seconds that a client may take for a handshake, or make no progress; ``None``: no limit.
        keepalive: Seconds that a connection may be idle; ``None``: no limit.
        keepalive_pings: True if PING frames keep an idle connection open.
        max_connections: Largest number of connections.
        goaway_after: Seconds of draining after which GOAWAY is sent even while requests are open.
        cut_after: Seconds of draining after which incomplete responses are reset, so that their applications can
            clean up.
        tick: Seconds after which a call of the application loses the lead.
    """

    def __init__(
        self,
        host: Host,
        dispatcher: Any,
        listeners: list[Any],
        *,
        server_tls: Callable[[], ServerTLS] | None = None,
        threads: int,
        timeout: float | None,
        keepalive: float | None,
        max_connections: int,
        keepalive_pings: bool = False,
        goaway_after: float = 15.0,
        cut_after: float = 28.0,
        tick: float = 0.001,
    ) -> None:
        super().__init__()
        self.host = host
        self.timeout = timeout
        self.keepalive = keepalive
        self.keepalive_pings = keepalive_pings
        self.poller = Poller()
        self._waker = Waker()
        self.leadership = Leadership(self._waker.wake, tick)
        self.dispatcher: Dispatcher = dispatcher(self.leadership, self._waker.wake)
        self.dispatcher.threads = threads
        self._uploads, self._unsent = self.dispatcher.uploads, self.dispatcher.unsent
        self.now = time.monotonic()
        #: Clients by descriptor.
        self.clients: dict[int, Client] = {}
        #: Clients whose requests wait for a thread.
        self.backlog: collections.deque[Client] = collections.deque()
        self.draining = False
        # Clients with a scheduled flush, and the time of the first one.
        self._later: set[Client] = set()
        self._next_later = 0.0
        # The last wait was short, so the next one begins with busy polling; and whether that is useful at all.
        self._busy_poll_next = self._may_busy_poll = False
        self._server_tls = server_tls
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._accepting = False
        self._accept_from = 0.0
        self._max_connections = max_connections
        self._threads = threads
        self._stopping = False
        self._next_check = self._next_pause_check = 0.0
        self._drained_at: float | None = None
        self._drained_reported = False
        self._next_goaway = 0.0
        self._goaway_after = goaway_after
        self._cut_after = cut_after
        self._tasks: collections.deque[Any] = collections.deque()
        #: The loop's threads, the watchdog first.
        self.threads: list[threading.Thread] = []
        # The client that the leader is working for.
        self._current_client: Client | None = None
        #: Number of checks in which a blocked client had accepted octets.
        self.written = 0

    # From other threads

    def start(self) -> None:
        """Start the threads."""
        # Checked in the worker, which may be bound to fewer processors than its master.
        self._may_busy_poll = has_spare_processors()
        self.poller.register(self._waker.fileno(), READ)
        self.threads = [threading.Thread(target=self.leadership.run_watchdog, name="fasth2-clock", daemon=True)]
        for number in range(self._threads + 1):
            helper = number == self._threads
            name = "fasth2-helper" if helper else f"fasth2-{number}"
            self.threads.append(threading.Thread(target=self._serve, args=(Slot(helper),), name=name, daemon=True))
        for thread in self.threads:
            thread.start()

    def do(self, task: Any) -> None:
        """Queue a task for the leader.

        Args:
            task: Called without arguments; returns False when it has lost the lead.
        """
        self._tasks.append(task)
        self._waker.wake()

    def drain(self) -> None:
        """Begin the graceful shutdown: stop accepting, serve open requests, and end each connection."""
        self.draining = True
        self._waker.wake()

    def report_if_drained(self) -> None:
        """Call the host's `drained` if no connection is open and no call is running. Called by the leader; see `do`."""
        if not self.clients and not self.dispatcher.calling:
            self._drained_reported = True
            self.host.drained()

    def stop(self) -> None:
        """Stop the loop's threads, except those in a call of the application."""
        self._stopping = True
        self.leadership.stop()
        self._waker.wake()

    @property
    def progress(self) -> int:
        """A number that changes while calls of the application make progress, or clients receive their responses."""
        return self.dispatcher.progress + self.written

    def is_stuck(self) -> bool:
        """Return True if requests wait while every thread is in a call of the application."""
        if not self.helping or self.leadership.idle_slots:
            return False
        try:
            dispatcher = self.dispatcher
            return (
                dispatcher.deferring or bool(dispatcher.uploads.waiting) or any(client.waits for client in list(self.backlog))
            )
        except RuntimeError:
            return False  # changed by another thread meanwhile

    # The threads

    def _serve(self, slot: Slot) -> None:
        while self.leadership.acquire(slot):
            while not self._stopping:
                try:
                    self._run(slot)
                    break
                except BaseException as exc:
                    if self._stopping:
                        return
                    # If this thread still leads, it has to continue; it may have lost the lead.
                    leads = self.leadership.leads(slot)
                    self._broken(exc, self._current_client if leads else None)
                    if not leads:
                        break
            if self._stopping:
                return

    def _broken(self, exc: BaseException, client: Client | None) -> None:
        """Report an unexpected error, and close the client that it concerns."""
        try:
            self.host.failed(exc)
        except Exception:
            pass  # the log cannot be written
        if client is None:
            time.sleep(0.1)
            return
        self._current_client = None
        if self.current is client:
            self.current = None
        try:
            client.close()
        except Exception:
            self.forget(client)

    def _run(self, slot: Slot) -> None:
        """Run the loop until another thread leads."""
        self._current_client = None
        self.helping = slot.helper
        resume(self.dispatcher)
        if self.current is not None:
            client, self.current = self.current, None
            # Its finished responses do not wait for the slow call.
            client.flush()
            if client.waits:
                self.postpone(client, first=True)
        while not self._stopping:
            if self.helping:
                if self.leadership.idle_slots and self.leadership.yield_lead(slot):
                    return
            else:
                if self.backlog and not self._run_backlog():
                    return
                if self.dispatcher.waits and not run_waiting(self.dispatcher):
                    return
            if not self._round():
                return

    def _run_backlog(self) -> bool:
        while self.backlog:
            self._current_client = client = self.backlog.popleft()
            client.in_backlog = False
            if not client.go_on():
                return False
        return True

    def _round(self) -> bool:
        """Wait for events once, and handle them. Return False when the thread has lost the lead."""
        dispatcher = self.dispatcher
        self._do_requests()
        timeout = self._prepare()
        if not dispatcher.before_poll() or self._tasks or (not self.helping and (self.backlog or dispatcher.waits)):
            timeout = 0.0
        elif dispatcher.deferring and not self.helping:
            timeout = min(timeout, DEFERRED_CHECK_INTERVAL)
        events = self._wait(timeout)
        dispatcher.after_poll()
        clients = self.clients
        self.alone = len(events) == 1
        for fd, event in events:
            client = clients.get(fd)
            if client is not None:
                self._current_client = client
                if not client.on_event(event):
                    return False
            elif fd in self._listeners:
                self._current_client = None
                self._accept(fd)
            else:
                self._waker.clear()
        self._current_client = None
        while self._tasks:
            if self._tasks.popleft()() is False:
                return False
        return True

    def _wait(self, timeout: float) -> list[tuple[int, int]]:
        """Wait for events, and set `now`."""
        events: list[tuple[int, int]] = []
        if timeout and self._busy_poll_next and not self.dispatcher.calling:
            events = self.poller.busy_poll(BUSY_POLL)
        if not events:
            events = self.poller.poll(timeout)
        now = time.monotonic()
        if timeout:
            self._busy_poll_next = self._may_busy_poll and now - self.now < BUSY_POLL
        self.now = now
        return events

    def _do_requests(self) -> None:
        for streams in do_requests(self.dispatcher):
            try:
                streams.on_flushed()
            except Exception as exc:
                self._broken(exc, streams.client)

    def postpone(self, client: Client, first: bool = False) -> None:
        """Queue a client's requests for a free thread.

        Args:
            client: The client.
            first: True to queue before all others.
        """
        if client.in_backlog:
            return
        client.in_backlog = True
        if first:
            self.backlog.appendleft(client)
        else:
            self.backlog.append(client)

    def flush_later(self, client: Client, when: float) -> None:
        """See `ClientLoop.flush_later`."""
        if not self._later or when < self._next_later:
            self._next_later = when
        self._later.add(client)

    def _flush_late(self) -> None:
        """Flush all scheduled clients; those for which it is too early schedule themselves again."""
        later, self._later = self._later, set()
        try:
            while later:
                self._current_client = client = later.pop()
                client.flush()
        finally:
            self._later |= later
        self._current_client = None

    # Connections

    def _prepare(self) -> float:
        """Run the due checks, and return the seconds until the next ones."""
        now = time.monotonic()
        self.now = now
        if self.draining:
            self._go_on_draining(now)
        wanted = (
            not self.draining
            and now >= self._accept_from
            and len(self.clients) + self.host.other_connections() < self._max_connections
        )
        if wanted != self._accepting:
            self._accepting = wanted
            for fd in self._listeners:
                try:
                    if wanted:
                        self.poller.register(fd, READ)
                    else:
                        self.poller.unregister(fd)
                except (OSError, KeyError, ValueError):
                    pass  # it is closed already
        if now >= self._next_check:
            self._next_check = now + (DRAIN_CHECK_INTERVAL if self.draining else CHECK_INTERVAL)
            for client in list(self.clients.values()):
                self._current_client = client
                client.check_timeouts(now)
            self._current_client = None
        wait = self._next_check - now
        if self._later:
            if now >= self._next_later:
                self._flush_late()
            if self._later:
                wait = min(wait, self._next_later - now)
        if self._unsent.held_back:
            for client in [streams.client for streams in self._unsent.release()]:
                if client is not None:
                    self.postpone(client)
        if self._uploads.gathering:
            if now >= self._next_pause_check:
                self._next_pause_check = now + self._uploads.gather_pause / PAUSE_CHECKS
                self.dispatcher.queue_paused(now)
            wait = min(wait, self._next_pause_check - now)
        if not self._accepting and not self.draining and self._accept_from > now:
            wait = min(wait, self._accept_from - now)
        return max(wait, 0.0)

    def _accept(self, fd: int) -> None:
        listener = self._listeners[fd]
        tls = None if self._server_tls is None else self._server_tls()
        room = self._max_connections - len(self.clients) - self.host.other_connections()
        for _ in range(min(ACCEPTS, room)):
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                if exc.errno in _EXHAUSTED:
                    self._accept_from = self.now + PAUSE
                    self.host.failed(exc)
                elif exc.errno not in (errno.EPROTO, errno.EAGAIN):
                    self.host.failed(exc)
                return
            try:
                sock.setblocking(False)
                if hasattr(address, "__len__") and not isinstance(address, (str, bytes)):
                    sock.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY
                    limit_unsent(sock)
                client = Client(self, sock, address, listener, tls)
            except OSError:
                sock.close()
                continue
            self.clients[client.fd] = client

    def adopt(self, client: Client) -> None:
        """Add a client that the host has made.

        Args:
            client: The client, already registered with the poller.
        """
        self._drained_reported = False
        self.clients[client.fd] = client

    def forget(self, client: Client, taker: Callable[[], Any] | None = None) -> None:
        """See `ClientLoop.forget`."""
        if self.clients.get(client.fd) is not client:
            return
        del self.clients[client.fd]
        try:
            self.poller.unregister(client.fd)
        except (OSError, KeyError, ValueError):
            pass
        if client.in_backlog:
            self.backlog.remove(client)
            client.in_backlog = False
        if taker is not None:
            taker()
        if self.draining:
            self.report_if_drained()

    # The end

    def advance_shutdown(self, client: Client, now: float) -> None:
        """Take the step of a client's graceful shutdown that is due; see `ServerProtocol.advance_shutdown`.

        A round of the loop, which reads, is between two calls.

        Args:
            client: The client.
            now: `time.monotonic`'s.
        """
        protocol = client.session.protocol
        if protocol.shutdown is None:
            overdue_at = (now if self._drained_at is None else self._drained_at) + self._goaway_after
            protocol.begin_shutdown(overdue_at, FIRST_REQUEST_WAIT)
        if protocol.advance_shutdown(now, client.idle) is None:
            self.end(client)
        elif protocol.shutdown is not None and protocol.shutdown.announced_at == now:
            client.flush()

    def end(self, client: Client) -> None:
        """See `ClientLoop.end`."""
        client.session.protocol.refuse_new_streams()
        client.end_when_idle()
        client.flush()

    def _go_on_draining(self, now: float) -> None:
        """Advance the graceful shutdown of clients without open requests, and later of all clients.

        Some clients ignore all responses after any GOAWAY: so it is sent when all requests are answered, if possible.
        """
        if self._drained_at is None:
            self._drained_at = self._next_check = now
            for client in self.clients.values():
                if client.session is None:
                    client.shorten_deadline(now + PREFACE_WAIT)
        elif now < self._next_goaway:
            return
        self._next_goaway = now + DRAIN_CHECK_INTERVAL
        cut_at = self._drained_at + self._cut_after
        cut = now >= cut_at
        for client in list(self.clients.values()):
            if client.session is None:
                continue
            if cut:
                client.session.end_responses()
                client.flush()
                client.shorten_deadline(cut_at + CUT_LINGERING)
            if not client.leaving:
                self.advance_shutdown(client, now)
        if not self._drained_reported:
            # A call may have been the last to end.
            self.report_if_drained()
