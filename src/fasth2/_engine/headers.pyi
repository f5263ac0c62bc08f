from typing import final

@final
class OutgoingFields: ...
