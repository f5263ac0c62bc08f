import asyncio
from collections.abc import Coroutine, MutableMapping
from typing import Any, final

from fasth2.server._options import Options
from fasth2.server.unsent import Unsent

from .settings import ASGISettings

@final
class Service:
    last: Any
    observer: Any
    limit: int
    def __init__(
        self,
        app: Any,
        loop: asyncio.AbstractEventLoop,
        host: Any,
        options: Options,
        settings: ASGISettings,
        *,
        server_state: Any,
        asgi: dict[str, Any],
        raises: bool = False,
        tasks: set[asyncio.Task[Any]],
        connections: set[Any],
        root_path: str = "",
        state: MutableMapping[str, Any] | None = None,
        limit_concurrency: int | None = None,
        reset_contextvars: bool = False,
    ) -> None: ...
    def create(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]: ...
    @property
    def begun(self) -> int: ...
    @property
    def app(self) -> Any: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def host(self) -> Any: ...
    @property
    def server_state(self) -> Any: ...
    @property
    def options(self) -> Options: ...
    @property
    def settings(self) -> ASGISettings: ...
    @property
    def tasks(self) -> set[asyncio.Task[Any]]: ...
    @property
    def connections(self) -> set[Any]: ...
    @property
    def unsent(self) -> Unsent: ...
    @property
    def scope(self) -> dict[str, Any]: ...
    @property
    def state(self) -> MutableMapping[str, Any] | None: ...
    @property
    def limit_concurrency(self) -> int | None: ...
    @property
    def raises(self) -> bool: ...
    @property
    def reset_contextvars(self) -> bool: ...
