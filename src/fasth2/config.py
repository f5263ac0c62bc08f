"""The configuration of a connection: h2's `H2Configuration` with fasth2's options."""
from __future__ import annotations

import operator
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from .limits import Limits
from .windows import AdaptiveWindows, WindowBudget

__all__ = ["AdaptiveWindows", "DummyLogger", "H2Configuration", "Limits", "OutputLogger", "WindowBudget"]

_DEFAULT_LIMITS = Limits()


class _BooleanConfigOption(property):
    """A configuration attribute of type ``bool``, which each connection reads: by a getter that is no Python function.

    Args:
        name: Its name; the value's has an underscore in front.
    """

    def __init__(self, name: str) -> None:
        attribute = f"_{name}"

        def assign(instance: Any, value: bool) -> None:
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be a bool")
            setattr(instance, attribute, value)
            instance._changes[0] = object()

        super().__init__(operator.attrgetter(attribute), assign)

    if TYPE_CHECKING:

        def __get__(self, instance: Any, owner: type | None = None, /) -> bool: ...  # type: ignore[override]

        def __set__(self, instance: Any, value: bool, /) -> None: ...


class DummyLogger:
    """A logger that drops everything: the default."""

    def __init__(self, *vargs: Any) -> None:
        pass

    def debug(self, *vargs: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def error(self, *vargs: Any, **kwargs: Any) -> None:
        """Do nothing."""

    def trace(self, *vargs: Any, **kwargs: Any) -> None:
        """Do nothing."""


_NO_LOGGER = DummyLogger()


class OutputLogger:
    """A logger that prints, for debugging by hand.

    Args:
        file: A text file; ``sys.stderr`` when ``None``.
        trace_level: True to print `trace` messages too.
    """

    def __init__(self, file: TextIO | None = None, trace_level: bool = False) -> None:
        self.file = file or sys.stderr
        self.trace_level = trace_level

    def debug(self, fmtstr: str, *args: Any) -> None:
        """Print ``fmtstr % args``."""
        print(f"fasth2 (debug): {fmtstr % args}", file=self.file)

    def error(self, fmtstr: str, *args: Any) -> None:
        """Print ``fmtstr % args``."""
        print(f"fasth2 (error): {fmtstr % args}", file=self.file)

    def trace(self, fmtstr: str, *args: Any) -> None:
        """Print ``fmtstr % args`` if the trace level is on."""
        if self.trace_level:
            print(f"fasth2 (trace): {fmtstr % args}", file=self.file)


class H2Configuration:
    """The options of one connection; several connections may share an instance.

    The first eight arguments are h2's. Connections follow when an option is assigned, apart from ``client_side``,
    ``limits``, ``clock`` and ``adaptive_windows``, which count when the connection is made.

    Args:
        client_side: True for a client's connection.
        header_encoding: The encoding of header names and values, such as
            ``"utf-8"``; ``None`` or ``False`` for ``bytes``.
        validate_outbound_headers: Refuse to send header lists that RFC 9113
            section 8 does not allow.
        normalize_outbound_headers: Before sending, convert names to lower
            case, strip white space around names and values, and so on.
        split_outbound_cookies: Send each cookie of a cookie field as a field
            of its own (RFC 9113 section 8.2.3).
        validate_inbound_headers: Refuse received header lists that RFC 9113
            section 8 does not allow.
        normalize_inbound_headers: Join the cookie fields of a received list.
        logger: An object with ``debug``, ``error`` and ``trace`` methods.
        rfc_errors: Handle as stream errors what RFC 9113 specifies as such
            and h2 handles as connection errors, such as malformed requests;
            continue streams that a received GOAWAY does not exclude.
        limits: Limits against hostile peers; ``Limits()`` when ``None``.
        clock: A callable that returns monotonic seconds; ``None``:
            ``time.monotonic``.
        header_fallback_encoding: ``"latin-1"`` to decode octets that are
            invalid in ``header_encoding``; ``None`` to refuse them.
        adaptive_windows: How far receive windows may grow beyond their initial
            size while the application reads what arrives (RFC 9113 section
            5.2); ``None`` for windows of h2's fixed size.

    Raises:
        ValueError: An option of an invalid type or value.
    """

    client_side = _BooleanConfigOption("client_side")
    validate_outbound_headers = _BooleanConfigOption("validate_outbound_headers")
    normalize_outbound_headers = _BooleanConfigOption("normalize_outbound_headers")
    split_outbound_cookies = _BooleanConfigOption("split_outbound_cookies")
    validate_inbound_headers = _BooleanConfigOption("validate_inbound_headers")
    normalize_inbound_headers = _BooleanConfigOption("normalize_inbound_headers")
    rfc_errors = _BooleanConfigOption("rfc_errors")

    def __init__(
        self,
        client_side: bool = True,
        header_encoding: bool | str | None = None,
        validate_outbound_headers: bool = True,
        normalize_outbound_headers: bool = True,
        split_outbound_cookies: bool = False,
        validate_inbound_headers: bool = True,
        normalize_inbound_headers: bool = True,
        logger: Any = None,
        *,
        rfc_errors: bool = False,
        limits: Limits | None = None,
        clock: Callable[[], float] | None = None,
        header_fallback_encoding: str | None = None,
        adaptive_windows: AdaptiveWindows | None = None,
    ) -> None:
        options = (
            client_side, validate_outbound_headers, normalize_outbound_headers, split_outbound_cookies,
            validate_inbound_headers, normalize_inbound_headers, rfc_errors,
        )  # fmt: skip
        # An object that is another one after each assignment. Connections look for it, so that they follow.
        self._changes: list[object] = [None]
        # Without a call for each option where that checks nothing: a server makes a configuration for each connection.
        if {*map(type, options)} == {bool}:
            (self._client_side, self._validate_outbound_headers, self._normalize_outbound_headers,
             self._split_outbound_cookies, self._validate_inbound_headers, self._normalize_inbound_headers,
             self._rfc_errors) = options  # fmt: skip
        else:
            # One of these raises ValueError.
            (self.client_side, self.validate_outbound_headers, self.normalize_outbound_headers,
             self.split_outbound_cookies, self.validate_inbound_headers, self.normalize_inbound_headers,
             self.rfc_errors) = options  # fmt: skip
        self._logger = logger or _NO_LOGGER
        self._header_encoding: bool | str | None = None
        if header_encoding is not None:
            self.header_encoding = header_encoding
        self._limits = _DEFAULT_LIMITS
        if limits is not None:
            self.limits = limits
        self._clock: Callable[[], float] = time.monotonic
        if clock is not None:
            self.clock = clock
        self._header_fallback_encoding: str | None = None
        if header_fallback_encoding is not None:
            self.header_fallback_encoding = header_fallback_encoding
        self._adaptive_windows: AdaptiveWindows | None = None
        if adaptive_windows is not None:
            self.adaptive_windows = adaptive_windows

    @property
    def logger(self) -> Any:
        """An object with ``debug``, ``error`` and ``trace`` methods."""
        return self._logger

    @logger.setter
    def logger(self, value: Any) -> None:
        self._logger = value
        self._changes[0] = object()

    @property
    def header_encoding(self) -> bool | str | None:
        """The encoding of header names and values in events; ``None`` or ``False`` for ``bytes``."""
        return self._header_encoding

    @header_encoding.setter
    def header_encoding(self, value: bool | str | None) -> None:
        if not isinstance(value, (bool, str, type(None))):
            raise ValueError("header_encoding must be bool, string, or None")
        if value is True:
            raise ValueError("header_encoding cannot be True")
        self._header_encoding = value
        self._changes[0] = object()

    @property
    def header_fallback_encoding(self) -> str | None:
        """``"latin-1"`` to decode octets that are invalid in `header_encoding`, or ``None``."""
        return self._header_fallback_encoding

    @header_fallback_encoding.setter
    def header_fallback_encoding(self, value: str | None) -> None:
        if value not in (None, "latin-1"):
            raise ValueError('header_fallback_encoding must be "latin-1" or None')
        self._header_fallback_encoding = value
        self._changes[0] = object()

    @property
    def limits(self) -> Limits:
        """Limits against hostile peers. Assigning ``None`` sets the defaults."""
        return self._limits

    @limits.setter
    def limits(self, value: Limits | None) -> None:
        if value is None:
            value = _DEFAULT_LIMITS
        elif not isinstance(value, Limits):
            raise ValueError("limits must be a Limits object or None")
        self._limits = value

    @property
    def clock(self) -> Callable[[], float]:
        """A callable that returns seconds. Assigning ``None`` sets ``time.monotonic``."""
        return self._clock

    @clock.setter
    def clock(self, value: Callable[[], float] | None) -> None:
        if value is None:
            value = time.monotonic
        elif not callable(value):
            raise ValueError("clock must be callable or None")
        self._clock = value

    @property
    def adaptive_windows(self) -> AdaptiveWindows | None:
        """How far receive windows may grow; ``None`` for windows of a fixed size."""
        return self._adaptive_windows

    @adaptive_windows.setter
    def adaptive_windows(self, value: AdaptiveWindows | None) -> None:
        if value is not None and not isinstance(value, AdaptiveWindows):
            raise ValueError("adaptive_windows must be an AdaptiveWindows object or None")
        self._adaptive_windows = value
