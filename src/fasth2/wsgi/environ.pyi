from collections.abc import Callable
from typing import Any, Final, final

from fasth2._engine.core import RequestMaker

PLAIN: Final = 0
SINGLETON: Final = 1
SCHEME: Final = 2
LEFT_OUT: Final = 3
HOST: Final = 4
DECLINE: Final = 5

def percent_decoded(text: str) -> str: ...

@final
class FieldRule:
    def __init__(self, key: str, kind: int) -> None: ...
    @property
    def key(self) -> str: ...
    @property
    def kind(self) -> int: ...

@final
class EnvironMaker(RequestMaker):
    def __init__(
        self,
        template: dict[str, Any],
        rules: dict[str, FieldRule],
        make_rule: Callable[[str], FieldRule],
        schemes: dict[str, str],
        *,
        trusted: bool = False,
        line_size: int = 0,
        count: int = 0,
        field_size: int = 0,
        script_name: str = "",
        keep: bool = False,
        decline_all: bool = False,
    ) -> None: ...
