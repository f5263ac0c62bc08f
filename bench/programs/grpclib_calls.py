"""A contestant: grpclib's client and server in one process, unary calls over a socket: ``grpclib_calls.py LIBRARY``."""
import asyncio
import sys
from time import process_time_ns

from google.protobuf.wrappers_pb2 import BytesValue
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Cardinality, Handler
from grpclib.server import Server

from bench.children import serve_commands
from bench.programs.environments import check

CALLS = 400
PATH = "/bench.Echo/Unary"


class Echo:
    """The service: it answers with what it gets."""

    async def unary(self, stream):
        """Answer one call."""
        await stream.send_message(await stream.recv_message())

    def __mapping__(self):
        return {PATH: Handler(self.unary, Cardinality.UNARY_UNARY, BytesValue, BytesValue)}


class Calls:
    """One connection; its calls follow one another."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._connect())

    async def _connect(self):
        self._server = Server([Echo()])
        await self._server.start("127.0.0.1", 0)
        self._channel = Channel("127.0.0.1", self._server._server.sockets[0].getsockname()[1])
        self._method = UnaryUnaryMethod(self._channel, PATH, BytesValue, BytesValue)
        await self._call()

    async def _call(self):
        for number in range(CALLS):
            sent = BytesValue(value=b"%d" % number)
            if await self._method(sent) != sent:
                raise RuntimeError("a wrong answer")

    def round(self):
        """Make the calls; return the nanoseconds of processor time, of both ends."""
        start = process_time_ns()
        self._loop.run_until_complete(self._call())
        return process_time_ns() - start

    def answers(self):
        """Nothing: each call is checked."""
        return []


if __name__ == "__main__":
    calls = Calls()
    check(sys.argv[1])
    serve_commands(calls)
