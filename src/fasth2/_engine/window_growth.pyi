from typing import final

from fasth2.windows import AdaptiveWindows

@final
class WindowGrowth:
    def __init__(self, options: AdaptiveWindows) -> None: ...
