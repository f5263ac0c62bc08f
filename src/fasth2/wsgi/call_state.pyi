from typing import Any

from .waiting import Waiter

class CallState(Waiter):
    @property
    def environ(self) -> dict[str, Any]: ...
