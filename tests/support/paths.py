"""Where the repository and the package are."""
from __future__ import annotations

from pathlib import Path

import fasth2

#: The repository.
ROOT = Path(__file__).parent.parent.parent

#: The folder that the package is imported from.
SOURCE = Path(fasth2.__file__).parent.parent
