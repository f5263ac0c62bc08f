"""h2, on both sides."""
from h2 import config, connection, events

from .h2_calls import pair

globals().update(vars(pair(config, connection, events)))
