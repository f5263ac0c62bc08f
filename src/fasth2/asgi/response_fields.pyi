from typing import final

@final
class FieldName: ...
