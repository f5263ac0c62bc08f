from collections.abc import Callable
from typing import Any, final

from fasth2.server.unsent import Unsent

from .leader import Leadership
from .limits import WorkerLimits
from .uploads import Uploads

@final
class Dispatcher:
    application: Callable[..., Any]
    observer: Any
    report: Callable[[Any, BaseException], Any]
    on_limit: Callable[[], Any] | None
    served: int
    limit: int
    timeout: float
    server: str
    file_wrapper: Any
    threads: int
    def __init__(
        self,
        application: Callable[..., Any],
        leadership: Leadership,
        wake: Callable[[], Any],
        report: Callable[[Any, BaseException], Any],
        *,
        server: str = "",
        timeout: float | None = None,
        limits: WorkerLimits | None = None,
    ) -> None: ...
    @property
    def leadership(self) -> Leadership: ...
    @property
    def progress(self) -> int: ...
    @property
    def waits(self) -> bool: ...
    @property
    def deferring(self) -> bool: ...
    @property
    def calling(self) -> bool: ...
    @property
    def uploads(self) -> Uploads: ...
    @property
    def unsent(self) -> Unsent: ...
    def queue_paused(self, now: float) -> None: ...
    def before_poll(self) -> bool: ...
    def after_poll(self) -> None: ...
