"""fasth2 through h2's calls, on both sides."""
from fasth2 import config, connection, events

from .h2_calls import pair

globals().update(vars(pair(config, connection, events)))
