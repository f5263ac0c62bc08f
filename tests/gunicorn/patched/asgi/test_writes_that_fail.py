"""A transport that is closed already."""
import asyncio

import pytest
from gunicorn.config import Config
from gunicorn.http2.errors import HTTP2ConnectionError

from fasth2.gunicorn import AsyncHTTP2Connection


class Writer:
    """A stream writer whose transport takes nothing."""

    transport = None

    def __init__(self, error):
        self.error = error

    def write(self, data):
        raise self.error

    async def drain(self):
        pass


@pytest.mark.parametrize("error", [
    BrokenPipeError(32, "Broken pipe"),
    # uvloop's, for a transport that it has closed.
    RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")])
def test_the_connection_is_closed(error):
    async def connect():
        connection = AsyncHTTP2Connection(Config(), asyncio.StreamReader(), Writer(error), ("192.0.2.1", 50000))
        with pytest.raises(HTTP2ConnectionError):
            await connection.initiate_connection()
        return connection

    connection = asyncio.run(connect())
    assert connection.is_closed
