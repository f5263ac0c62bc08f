from typing import Any, final

from fasth2._engine.core import RequestMaker

__all__ = ["ScopeMaker"]

@final
class ScopeMaker(RequestMaker):
    def __init__(
        self, template: dict[str, Any], server: Any, client: Any, scheme: str, extensions: dict[str, Any]
    ) -> None: ...
