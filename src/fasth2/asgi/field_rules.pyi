from collections.abc import Callable
from typing import final

__all__ = ["DECLINE", "PLAIN", "SCHEME", "SINGLETON", "FieldRules"]

PLAIN: int
SINGLETON: int
SCHEME: int
DECLINE: int

@final
class FieldRules:
    def __init__(
        self,
        rule_of: Callable[[bytes], int],
        schemes: dict[bytes, bytes],
        *,
        trusted: bool = False,
        line_size: int = 0,
        count: int = 0,
        field_size: int = 0,
    ) -> None: ...
    @property
    def schemes(self) -> dict[bytes, bytes]: ...
    @property
    def trusted(self) -> bool: ...
