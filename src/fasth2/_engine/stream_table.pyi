from typing import final

@final
class StreamTable: ...
