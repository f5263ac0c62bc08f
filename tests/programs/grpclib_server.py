"""grpclib's server; prints its port."""
import asyncio
import json
import sys

from google.protobuf.wrappers_pb2 import BytesValue
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server
from grpclib.utils import graceful_exit

from tests.programs.asgi_app import engine
from tests.programs.grpc_echo import KINDS, digest, path, value


class Echo:
    """The service."""

    async def unary(self, stream):
        message = await stream.recv_message()
        await stream.send_initial_metadata(metadata={"x-begun": "begun"})
        await stream.send_message(message)
        await stream.send_trailing_metadata(metadata={"x-sum": str(len(message.value))})

    async def server_stream(self, stream):
        count = int((await stream.recv_message()).value)
        await stream.send_initial_metadata(metadata={"x-begun": "begun"})
        for number in range(count):
            await stream.send_message(value(b"%d" % number))
        await stream.send_trailing_metadata(metadata={"x-sum": str(count)})

    async def client_stream(self, stream):
        await stream.send_message(value(digest([message.value async for message in stream])))

    async def bidi(self, stream):
        async for message in stream:
            await stream.send_message(message)

    async def slow(self, stream):
        await stream.recv_message()
        await asyncio.sleep(60)

    async def fail(self, stream):
        raise GRPCError(Status.NOT_FOUND, "not here: ü")

    def __mapping__(self):
        cardinality = {(kind.value.client_streaming, kind.value.server_streaming): kind for kind in Cardinality}
        calls = {"Unary": self.unary, "ServerStream": self.server_stream, "ClientStream": self.client_stream,
                 "Bidi": self.bidi, "Slow": self.slow, "Fail": self.fail}
        return {path(name): Handler(calls[name], cardinality[kind], BytesValue, BytesValue)
                for name, kind in KINDS.items()}


async def main():
    server = Server([Echo()])
    with graceful_exit([server]):
        await server.start("127.0.0.1", 0)
        print("engine", json.dumps(engine()))
        print("port", server._server.sockets[0].getsockname()[1], flush=True)
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
