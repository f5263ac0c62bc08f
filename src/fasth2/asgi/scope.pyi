from typing import Any, final

from fasth2._engine.core import RequestMaker

from .field_rules import FieldRules

__all__ = ["ScopeMaker"]

@final
class ScopeMaker(RequestMaker):
    def __init__(
        self,
        template: dict[str, Any],
        server: Any,
        client: Any,
        scheme: str,
        extensions: dict[str, Any],
        rules: FieldRules | None = None,
        prepends_root_path: bool = True,
    ) -> None: ...
    def scope(
        self,
        method: bytes,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        scheme: str | None = None,
        protocol: bytes | None = None,
    ) -> dict[str, Any]: ...
