"""Waiting for sockets: epoll where there is one, else what `selectors` has."""
from __future__ import annotations

import os
import select
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

__all__ = ["READ", "WRITE", "Poller", "Waker", "has_spare_processors"]

#: What is waited for; an error or the end counts as both.
READ = 1
WRITE = 4


def has_spare_processors() -> bool:
    """Return whether the process may use more than one. Where not, whoever sends runs only once this process sleeps."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) > 1


class _BusyPolling:
    """Looks for events without sleeping."""

    poll: Callable[[float], list[tuple[int, int]]]

    def busy_poll(self, seconds: float) -> list[tuple[int, int]]:
        """Poll again and again.

        Args:
            seconds: How long at most, about.

        Returns:
            As `poll`.
        """
        end = time.perf_counter() + seconds
        events = self.poll(0)
        while not events and time.perf_counter() < end:
            events = self.poll(0)
        return events


class _EpollPoller(_BusyPolling):
    """Tells which descriptors are ready."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.register = self._epoll.register
        self.modify = self._epoll.modify
        self.unregister = self._epoll.unregister
        self.close = self._epoll.close

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Wait.

        Args:
            timeout: Seconds at most.

        Returns:
            Descriptors, and what each is ready for; an error or the end of a
            connection shows as other bits.
        """
        return self._epoll.poll(timeout)


class _SelectorPoller(_BusyPolling):
    """The same over `selectors`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.unregister = self._selector.unregister
        self.close = self._selector.close

    @staticmethod
    def _events(mask: int) -> int:
        return (selectors.EVENT_READ if mask & READ else 0) | (selectors.EVENT_WRITE if mask & WRITE else 0)

    def register(self, fd: int, mask: int) -> None:
        """Wait for a descriptor from now on."""
        self._selector.register(fd, self._events(mask))

    def modify(self, fd: int, mask: int) -> None:
        """Wait for something else of it; 0: for nothing."""
        events = self._events(mask)
        if fd not in self._selector.get_map():
            self._selector.register(fd, events)
        elif events:
            self._selector.modify(fd, events)
        else:
            self._selector.unregister(fd)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Wait; see `_EpollPoller`."""
        return [
            (key.fd, (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0))
            for key, events in self._selector.select(timeout)
        ]


#: The class for this system.
Poller: Any = _EpollPoller if hasattr(select, "epoll") else _SelectorPoller


class Waker:
    """Ends a wait from another thread."""

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
        """The descriptor to wait for."""
        return self._read

    def wake(self) -> None:
        """End the wait, or the next one."""
        try:
            if self._pair is None:
                os.eventfd_write(self._write, 1)
            else:
                self._pair[1].send(b"\0")
        except (BlockingIOError, OSError):
            pass  # it is awake, or gone

    def clear(self) -> None:
        """Take note: the next wait is not ended."""
        try:
            if self._pair is None:
                os.eventfd_read(self._read)
            else:
                self._pair[0].recv(4096)
        except (BlockingIOError, OSError):
            pass

    def close(self) -> None:
        """Give the descriptors back."""
        if self._pair is None:
            os.close(self._read)
        else:
            for end in self._pair:
                end.close()
