from typing import final

@final
class ResponseHead: ...
