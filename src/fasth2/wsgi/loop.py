"""A worker's loop: accepts, polls, and has one thread at a time do both and call the application."""
from __future__ import annotations

import collections
import errno
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from fasth2.server.client_hello import ServerTLS

from .call import Dispatcher
from .connection import Client, ClientLoop
from .leader import Leadership, Slot
from .poller import READ, Poller, Waker, has_spare_processors

__all__ = ["Host", "Loop"]

#: Seconds between two looks at the time-outs of all connections.
CHECK_INTERVAL = 1.0

#: Seconds between two looks at slow calls that wait for fast ones to end.
DEFERRED_CHECK_INTERVAL = 0.02

#: Seconds for which events are looked for before the thread sleeps, where the
#: last wait was shorter: to fall asleep and to be woken may take as long.
BUSY_POLL = 100e-6

#: Connections that are accepted in a row.
ACCEPTS = 64

#: Seconds without accepting after the descriptors ran out.
PAUSE = 0.2

#: Looks for pauses of a body while it may last.
PAUSE_CHECKS = 4

#: Seconds between two looks while it drains.
DRAIN_CHECK_INTERVAL = 0.05

#: Seconds that a connection has for its first request once the loop drains, from its preface on.
FIRST_REQUEST_WAIT = 1.0

#: Seconds that a client which has not begun has for it once the loop drains.
#: As long as gunicorn keeps a stopping worker's idle connections.
PREFACE_WAIT = 2.0

#: What accept() fails with when there are too many descriptors.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Host(Protocol):
    """What the loop needs of the face above it. Called by the leader, but for `failed`."""

    def new_session(self, client: Client) -> Any:
        """Return the session of an HTTP/2 connection, its preface queued."""

    def takes_prior_knowledge(self, client: Client) -> bool:
        """Whether a client in the clear may begin with HTTP/2's preface."""

    def proxy_versions(self, client: Client) -> frozenset[int]:
        """Return the versions of the PROXY protocol that a client may begin with."""

    def serve_http1(
        self, sock: Any, address: Any, listener: Any, early: bytes, tls: Any, bios: Any, proxied: Any
    ) -> None:
        """Take over a socket that does not speak HTTP/2."""

    def handshake_failed(self, client: Client, exc: BaseException) -> None:
        """A client did not get through the TLS handshake."""

    def connection_ended(self, client: Client, exc: BaseException) -> None:
        """A connection ended by an error or by its peer."""

    def failed(self, exc: BaseException) -> None:
        """Something that should not happen did."""

    def other_connections(self) -> int:
        """How many connections there are beside the loop's."""

    def drained(self) -> None:
        """The last connection of a loop that drains is gone."""


class Loop(ClientLoop):
    """Serves the clients of some listening sockets.

    ``threads`` threads call the application; one of them, or one more that
    never does, leads.

    Args:
        host: The face above.
        dispatcher: What makes a `Dispatcher` of a lead and a waker.
        listeners: Listening sockets.
        server_tls: Returns what new connections begin TLS with; ``None`` for connections in the clear.
        threads: How many calls of the application there may be at a time.
        timeout: Seconds that a client may take for a handshake, or stall; ``None`` for any.
        keepalive: Seconds that a connection may be idle; ``None`` for any.
        keepalive_pings: Whether a connection that a PING comes on is not idle.
        max_connections: Connections at most.
        goaway_after: Seconds of draining after which clients that always have a request open are told too.
        cut_after: Seconds of draining after which responses that do not end are cut off, so that their applications
            can clean up.
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
        #: Descriptors to clients.
        self.clients: dict[int, Client] = {}
        #: Clients with requests that wait for a thread.
        self.backlog: collections.deque[Client] = collections.deque()
        self.draining = False
        # Clients that have something to send later, and when the first of them has.
        self._later: set[Client] = set()
        self._next_later = 0.0
        # The last wait was so short that the next is begun without sleeping.
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
        #: The loop's threads, the clock first.
        self.threads: list[threading.Thread] = []
        # The client that the leader does something for.
        self._current_client: Client | None = None
        #: How often a client that is slow to take octets was seen to have taken some.
        self.written = 0

    # From other threads

    def start(self) -> None:
        """Start the threads."""
        # In the worker: it may be bound to fewer processors than its master.
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
        """Have the leader call something.

        Args:
            task: Called without arguments; returns False when it has lost the lead.
        """
        self._tasks.append(task)
        self._waker.wake()

    def drain(self) -> None:
        """Accept no more, serve what has begun, and end each connection."""
        self.draining = True
        self._waker.wake()

    def report_if_drained(self) -> None:
        """Call the host's `drained` if there is no connection, and no call goes on. By the leader; see `do`."""
        if not self.clients and not self.dispatcher.calling:
            self._drained_reported = True
            self.host.drained()

    def stop(self) -> None:
        """End the loop's threads that are not in a call of the application."""
        self._stopping = True
        self.leadership.stop()
        self._waker.wake()

    @property
    def progress(self) -> int:
        """A number that changes while calls of the application go on, or clients take their answers."""
        return self.dispatcher.progress + self.written

    def is_stuck(self) -> bool:
        """Whether requests wait while every thread is in a call of the application."""
        if not self.helping or self.leadership.idle_slots:
            return False
        try:
            dispatcher = self.dispatcher
            return (
                dispatcher.deferring or bool(dispatcher.uploads.waiting) or any(client.waits for client in list(self.backlog))
            )
        except RuntimeError:
            return False  # it changes just now

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
                    # Nobody leads if this one does not; but it may have lost the lead.
                    leads = self.leadership.leads(slot)
                    self._broken(exc, self._current_client if leads else None)
                    if not leads:
                        break
            if self._stopping:
                return

    def _broken(self, exc: BaseException, client: Client | None) -> None:
        """Something failed that must not; the client that it was about is closed."""
        try:
            self.host.failed(exc)
        except Exception:
            pass  # not even the log can be written
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
        """Lead, until another thread does."""
        self._current_client = None
        self.helping = slot.helper
        self.dispatcher.resume()
        if self.current is not None:
            client, self.current = self.current, None
            # Its answers so far do not wait for the call that took so long.
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
                if self.dispatcher.waits and not self.dispatcher.run_waiting():
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
        """Wait for events once, and do what they ask for. False when the thread has lost the lead."""
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
        """Wait for events, and say in `now` when that was over."""
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
        for session in self.dispatcher.do_requests():
            try:
                session.on_flushed()
            except Exception as exc:
                self._broken(exc, session.client)

    def postpone(self, client: Client, first: bool = False) -> None:
        """Have a client's requests run when a thread is free.

        Args:
            client: The client.
            first: Whether before all others.
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
        """Have all send that wanted to later, though it may be too early for some: those say so again."""
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
        """Do what is due, and return the seconds until something is again."""
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
            for client in self._unsent.release():
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
                client = Client(self, sock, address, listener, tls)
            except OSError:
                sock.close()
                continue
            self.clients[client.fd] = client

    def adopt(self, client: Client) -> None:
        """Take in a client that was made elsewhere.

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
        """Say goodbye to clients that have no request open, and in the end to those that always have one.

        Some clients take nothing any more after a GOAWAY, whatever it says: for them it comes when all is answered.
        """
        if self._drained_at is None:
            self._drained_at = self._next_check = now
            for client in self.clients.values():
                if client.session is None:
                    client.shorten_deadline(now + PREFACE_WAIT)
        elif now < self._next_goaway:
            return
        self._next_goaway = now + DRAIN_CHECK_INTERVAL
        cut = now >= self._drained_at + self._cut_after
        for client in list(self.clients.values()):
            if client.session is None:
                continue
            if cut:
                client.session.end_responses()
                client.flush()
            if not client.leaving:
                self.advance_shutdown(client, now)
        if not self._drained_reported:
            # A call may have been the last to end.
            self.report_if_drained()
