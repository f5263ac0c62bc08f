"""Floods: a connection with a clock that stands still, and what crossing a limit looks like."""
from __future__ import annotations

from typing import Any

import pytest

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import DenialOfServiceError, ProtocolError
from tests.support import frames
from tests.support.frames import PREFACE, FrameReader, Sent

ENHANCE_YOUR_CALM = 0xB
PROTOCOL_ERROR = 0x1
COMPRESSION_ERROR = 0x9

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


class Clock:
    """Seconds that pass only when a test says so; counts how often it was read."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.read = 0

    def __call__(self) -> float:
        self.read += 1
        return self.now


class Victim:
    """A server under a flood, and what it sent.

    Args:
        rfc_errors: the configuration's flag.
        limits: keywords of ``Limits`` that are not the defaults.
    """

    def __init__(self, rfc_errors: bool = True, **limits: Any) -> None:
        self.clock = Clock()
        self.connection = H2Connection(H2Configuration(client_side=False, rfc_errors=rfc_errors, clock=self.clock,
                                                       limits=Limits(**limits)))
        self.connection.initiate_connection()
        self.reader = FrameReader()
        self.connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
        self.first = self.output()

    def output(self) -> list[Sent]:
        """What was sent since the last look."""
        return self.reader.read(self.connection.data_to_send())

    def feed(self, *octets: Any, drain: bool = True) -> list[Any]:
        """Receives pieces, reading the output after each unless told not to; returns the events."""
        events = []
        for piece in octets:
            events += self.connection.receive_data(bytes(piece))
            if drain:
                self.output()
        return events

    def endures(self, *octets: Any, drain: bool = True) -> list[Any]:
        """Receives pieces that must be taken without GOAWAY; returns the events."""
        events = []
        for piece in octets:
            events += self.connection.receive_data(bytes(piece))
            if drain:
                assert not [sent for sent in self.output() if sent.kind == "GOAWAY"]
        return events

    def crosses(self, octets: Any, token: str, code: int = ENHANCE_YOUR_CALM,
                exception: type[ProtocolError] = DenialOfServiceError) -> ProtocolError:
        """Receives the piece that crosses a limit: the exception, GOAWAY last, the counter, silence after."""
        assert token not in self.connection.counters
        with pytest.raises(exception) as caught:
            self.connection.receive_data(bytes(octets))
        error = caught.value
        assert int(error.error_code) == code
        assert str(error)
        assert self.connection.counters[token] == 1
        sent = self.output()
        assert (sent[-1].kind, sent[-1].error_code) == ("GOAWAY", code)
        assert [one.kind for one in sent].count("GOAWAY") == 1
        assert self.connection.receive_data(bytes(octets)) == []
        assert self.connection.data_to_send() == b""
        return error


def many(frame: Any, times: int) -> bytes:
    """The same frame again and again."""
    return bytes(frame) * times
