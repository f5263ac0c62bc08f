"""Polling of sockets, by epoll or else by `selectors`; waking of the poller."""
from __future__ import annotations

import os
import select
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

__all__ = ["READ", "WRITE", "Poller", "Waker", "has_spare_processors"]

#: Events to wait for. An error or the end of a connection counts as both.
READ = 1
WRITE = 4


def has_spare_processors() -> bool:
    """Return True if the process may use more than one processor. Otherwise a local peer runs only while it sleeps."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) > 1


class _BusyPolling:
    """Polls for events without sleeping."""

    poll: Callable[[float], list[tuple[int, int]]]

    def busy_poll(self, seconds: float) -> list[tuple[int, int]]:
        """Poll repeatedly until there are events.

        Args:
            seconds: Approximate limit.

        Returns:
            As `poll`.
        """
        end = time.perf_counter() + seconds
        events = self.poll(0)
        while not events and time.perf_counter() < end:
            events = self.poll(0)
        return events


class _EpollPoller(_BusyPolling):
    """Polls descriptors by epoll."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.register = self._epoll.register
        self.modify = self._epoll.modify
        self.unregister = self._epoll.unregister
        self.close = self._epoll.close

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Wait for events.

        Args:
            timeout: Seconds at most.

        Returns:
            Pairs of descriptor and event mask; an error or the end of a
            connection sets other bits than READ and WRITE.
        """
        return self._epoll.poll(timeout)


class _SelectorPoller(_BusyPolling):
    """Polls descriptors by `selectors`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.unregister = self._selector.unregister
        self.close = self._selector.close

    @staticmethod
    def _events(mask: int) -> int:
        return (selectors.EVENT_READ if mask & READ else 0) | (selectors.EVENT_WRITE if mask & WRITE else 0)

    def register(self, fd: int, mask: int) -> None:
        """Begin to poll a descriptor."""
        self._selector.register(fd, self._events(mask))

    def modify(self, fd: int, mask: int) -> None:
        """Change the events of a descriptor; 0: none."""
        events = self._events(mask)
        if fd not in self._selector.get_map():
            self._selector.register(fd, events)
        elif events:
            self._selector.modify(fd, events)
        else:
            self._selector.unregister(fd)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Wait for events; see `_EpollPoller`."""
        return [
            (key.fd, (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0))
            for key, events in self._selector.select(timeout)
        ]


#: The class for this system.
Poller: Any = _EpollPoller if hasattr(select, "epoll") else _SelectorPoller


class Waker:
    """Wakes the poller from another thread."""

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self._write = self._read = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._pair = None
        else:
            self._pair = socket.socketpair()
            for end in self._pair:
                end.setblocking(False)
            self._read, self._write = self._pair[0].fileno(), self._pair[1].fileno()

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._read

    def wake(self) -> None:
        """End the current wait or the next one."""
        try:
            if self._pair is None:
                os.eventfd_write(self._write, 1)
            else:
                self._pair[1].send(b"\0")
        except (BlockingIOError, OSError):
            pass  # a wake-up is pending, or the descriptor is closed

    def clear(self) -> None:
        """Clear the wake-up: the next wait is not ended by it."""
        try:
            if self._pair is None:
                os.eventfd_read(self._read)
            else:
                self._pair[0].recv(4096)
        except (BlockingIOError, OSError):
            pass

    def close(self) -> None:
        """Close the descriptors."""
        if self._pair is None:
            os.close(self._read)
        else:
            for end in self._pair:
                end.close()
