"""Run uvicorn with fasth2's protocol class, and count what clients send: ``python -m tests.support.run_counting APP KEYWORDS``.

For each connection that ends a line of JSON is added to the file that FASTH2_TEST_USAGE names: frames of the client by
their type, the server's counters, and for limits that were approached the largest share that was ever used.
"""
from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from typing import Any

import uvicorn

from fasth2 import uvicorn as host
from fasth2.limits import Limits

from .frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_STREAM,
    HEADERS,
    KINDS,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)

PREFACE = 24
LIMITS = Limits()


class Frames:
    """Calls a function with type, flags, length and stream of each frame of octets that arrive in pieces.

    Args:
        call: The function.
        skipped: Octets before the first frame.
    """

    def __init__(self, call: Any, skipped: int = 0) -> None:
        self._call = call
        self._skip = skipped
        self._head = bytearray()

    def feed(self, octets: bytes) -> None:
        at = 0
        while at < len(octets):
            if self._skip:
                step = min(self._skip, len(octets) - at)
                self._skip -= step
                at += step
                continue
            missing = 9 - len(self._head)
            self._head += octets[at:at + missing]
            at += missing
            if len(self._head) == 9:
                self._skip = int.from_bytes(self._head[:3], "big")
                self._call(self._head[3], self._head[4], self._skip, int.from_bytes(self._head[5:], "big") & 0x7FFFFFFF)
                self._head.clear()


class Bucket:
    """How full a budget with a burst and a rate was at most."""

    def __init__(self, burst: float | None, rate: float | None) -> None:
        self._burst, self._rate = burst or 1.0, rate or 0.0
        self._level, self._at = 0.0, time.monotonic()
        self.share = 0.0

    def add(self) -> None:
        now = time.monotonic()
        self._level = max(0.0, self._level - (now - self._at) * self._rate) + 1
        self._at = now
        self.share = max(self.share, self._level / self._burst)

    def give(self, amount: float) -> None:
        self._level = max(0.0, self._level - amount)


#: What carries no work.
IDLE = frozenset(("empty DATA", "PRIORITY", "PING", "PING acknowledgement", "SETTINGS", "unknown", "ALTSVC", "ORIGIN"))


class Usage:
    """What a client has used of each limit, at most."""

    def __init__(self) -> None:
        self.frames: Counter[str] = Counter()
        self.streams = self.sent_frames = self.sent_octets = self.block = 0
        self.largest_block = self.continuations = self.most_continuations = self.most_settings = 0
        self.most_updates = self.most_priorities = 0.0
        self.resets = Bucket(LIMITS.reset_burst, LIMITS.reset_rate)
        self.idle = Bucket(LIMITS.suspicious_burst, LIMITS.suspicious_rate)

    def received(self, kind: int, flags: int, length: int, stream_id: int) -> None:
        name = "empty DATA" if kind == DATA and not length and not flags & END_STREAM else KINDS.get(kind, "unknown")
        name += " acknowledgement" if kind in (PING, SETTINGS) and flags & ACK else ""
        self.frames[name] += 1
        if kind == RST_STREAM:
            self.resets.add()
        elif name in IDLE:
            self.idle.add()
        if kind == HEADERS:
            self.streams += 1
            self.block, self.continuations = length, 0
        elif kind == CONTINUATION:
            self.block += length
            self.continuations += 1
        elif kind == SETTINGS:
            self.most_settings = max(self.most_settings, length // 6)
        self.largest_block = max(self.largest_block, self.block)
        self.most_continuations = max(self.most_continuations, self.continuations)
        if kind == WINDOW_UPDATE:
            allowed = (LIMITS.window_updates or 0) + 2 * self.streams + 20 * self.sent_frames + self.sent_octets // 256
            self.most_updates = max(self.most_updates, self.frames["WINDOW_UPDATE"] / allowed)
        if kind in (PRIORITY, 0x10):
            both = self.frames["PRIORITY"] + self.frames["PRIORITY_UPDATE"]
            self.most_priorities = max(self.most_priorities, both / ((LIMITS.priority_frames or 1) * (1 + self.streams)))

    def sent(self, kind: int, flags: int, length: int, stream_id: int) -> None:
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            # Four whole answers pay for a reset.
            self.resets.give(0.25)
        if kind == DATA:
            self.sent_frames += 1
            self.sent_octets += length

    def shares(self) -> dict[str, float]:
        """Of each limit; frames count that the engine may let pass uncounted."""
        return {
            "reset_burst": self.resets.share,
            "suspicious_burst": self.idle.share,
            "priority_frames": self.most_priorities,
            "window_updates": self.most_updates,
            "settings_per_frame": self.most_settings / (LIMITS.settings_per_frame or 1),
            "continuation_frames": self.most_continuations / (LIMITS.continuation_frames or 1),
        }


class Tap:
    """A transport that shows what is written to it."""

    def __init__(self, transport: Any, usage: Usage) -> None:
        self._transport = transport
        self._frames = Frames(usage.sent)

    def write(self, data: Any) -> None:
        self._frames.feed(bytes(data))
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(host.H2Protocol):
    """Counts."""

    def connection_made(self, transport: Any) -> None:
        self.usage = Usage()
        self._input = Frames(self.usage.received, PREFACE)
        super().connection_made(Tap(transport, self.usage))

    def buffer_updated(self, nbytes: int) -> None:
        self._input.feed(bytes(self.host.buffer[:nbytes]))
        super().buffer_updated(nbytes)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.session is not None and self.usage.streams:
            line = {"frames": self.usage.frames, "counters": dict(self.session.protocol.counters),
                    "shares": self.usage.shares(), "streams": self.usage.streams, "largest_block": self.usage.largest_block}
            with open(os.environ["FASTH2_TEST_USAGE"], "a") as file:
                file.write(json.dumps(line) + "\n")
        super().connection_lost(exc)


if __name__ == "__main__":
    uvicorn.run(sys.argv[1], http=Protocol, **json.loads(sys.argv[2]))
