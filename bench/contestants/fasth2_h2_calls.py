"""fasth2, through h2's calls."""
import fasth2.events
from fasth2.config import H2Configuration
from fasth2.connection import H2Connection

from .h2_calls import loop_over


def connect():
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    return connection


serve = loop_over(fasth2.events)
