"""The types of settings: parsing of environment variables, and validation."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Flag", "Number", "Optional"]


@dataclass(frozen=True)
class Number:
    """A setting that is a number.

    Args:
        unit: Its unit, for messages.
        least: The smallest valid value.
        most: The largest valid value.
        kind: ``int``, or ``float`` if fractions are valid.
    """

    unit: str
    least: int
    most: int
    kind: type[int] | type[float] = int

    def parse(self, where: str, text: str) -> Any:
        """Return the value of a variable of the environment.

        Args:
            where: The variable's name.
            text: Its text.

        Raises:
            ValueError: The value is invalid.
        """
        try:
            value = self.kind(text)
        except ValueError:
            raise ValueError(f"{where} is {text!r}, not a number of {self.unit}") from None
        return self.check(where, value)

    def check(self, where: str, value: Any) -> Any:
        """Validate a value and return it as this kind's type.

        Args:
            where: The setting's name.
            value: The value.

        Raises:
            TypeError: It has another type.
            ValueError: It is out of range.
        """
        if type(value) is not int and type(value) is not self.kind:
            raise TypeError(f"{where} must be {'an int' if self.kind is int else 'a number'}, not {type(value).__name__}")
        if not self.least <= value <= self.most:
            raise ValueError(f"{where} must be from {self.least} to {self.most} {self.unit}, not {value}")
        return self.kind(value)


@dataclass(frozen=True)
class Flag:
    """A boolean setting."""

    def parse(self, where: str, text: str) -> bool:
        """Return the value of a variable of the environment.

        Args:
            where: The variable's name.
            text: Its text.

        Raises:
            ValueError: The text is neither true nor false.
        """
        word = text.strip().lower()
        if word in ("1", "true", "on", "yes"):
            return True
        if word in ("0", "false", "off", "no"):
            return False
        raise ValueError(f"{where} is {text!r}, neither 1 nor 0")

    def check(self, where: str, value: Any) -> bool:
        """Validate a value and return it.

        Args:
            where: The setting's name.
            value: The value.

        Raises:
            TypeError: It is not a bool.
        """
        if type(value) is not bool:
            raise TypeError(f"{where} must be a bool, not {type(value).__name__}")
        return value


@dataclass(frozen=True)
class Optional:
    """A setting that may be switched off by ``none`` or ``off``, which is ``None``.

    Args:
        kind: The kind of its other values.
    """

    kind: Number

    def parse(self, where: str, text: str) -> Any:
        """Return the value of a variable of the environment.

        Args:
            where: The variable's name.
            text: Its text.

        Raises:
            ValueError: The value is invalid.
        """
        if text.strip().lower() in ("none", "off"):
            return None
        return self.kind.parse(where, text)
