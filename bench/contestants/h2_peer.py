"""h2, in Python."""
import h2.events
from h2.config import H2Configuration
from h2.connection import H2Connection

from .h2_calls import loop_over


def connect():
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    return connection


serve = loop_over(h2.events)
