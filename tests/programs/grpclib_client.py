"""grpclib's client: ``grpclib_client.py PORT``; prints what came of each kind of call."""
import asyncio
import json
import sys

from google.protobuf.wrappers_pb2 import BytesValue
from grpclib.client import Channel, StreamStreamMethod, StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from tests.programs.asgi_app import engine
from tests.programs.grpc_echo import KINDS, LARGE, PARTS, digest, path, value

METHODS = {(False, False): UnaryUnaryMethod, (False, True): UnaryStreamMethod, (True, False): StreamUnaryMethod,
           (True, True): StreamStreamMethod}


class Client:
    """The calls on one channel."""

    def __init__(self, channel):
        self.channel = channel

    def method(self, name):
        return METHODS[KINDS.get(name, (False, False))](self.channel, path(name), BytesValue, BytesValue)

    async def unary(self, name="Unary", octets=b"hello", **options):
        return (await self.method(name)(value(octets), **options)).value

    async def with_trailers(self):
        async with self.method("Unary").open() as stream:
            await stream.send_message(value(b"hello"), end=True)
            message = await stream.recv_message()
            await stream.recv_trailing_metadata()
            return ["ok" if message.value == b"hello" else "other", {"x-sum": stream.trailing_metadata["x-sum"]}]

    async def server_stream(self):
        async with self.method("ServerStream").open() as stream:
            await stream.send_message(value(b"200"), end=True)
            count = sum([message.value == b"%d" % number
                         for number, message in enumerate([message async for message in stream])])
            await stream.recv_trailing_metadata()
            return [count, stream.initial_metadata["x-begun"], {"x-sum": stream.trailing_metadata["x-sum"]}]

    async def client_stream(self):
        answer = await self.method("ClientStream")([value(part) for part in PARTS])
        return answer.value == digest(PARTS)

    async def bidi(self):
        async with self.method("Bidi").open() as stream:
            count = 0
            for number in range(50):
                await stream.send_message(value(b"%d" % number))
                count += (await stream.recv_message()).value == b"%d" % number
            await stream.end()
            assert await stream.recv_message() is None
            return count

    async def status(self, call):
        try:
            return [(await call).decode(), ""]
        except GRPCError as error:
            return [error.status.name, error.message]
        except asyncio.TimeoutError:
            return ["DEADLINE_EXCEEDED", ""]

    async def all(self):
        many = await asyncio.gather(*(self.unary(octets=b"%d" % number) for number in range(100)))
        return {
            "unary": await self.with_trailers(),
            "large": await self.unary(octets=LARGE) == LARGE,
            "many": sum(octets == b"%d" % number for number, octets in enumerate(many)),
            "server stream": await self.server_stream(),
            "client stream": await self.client_stream(),
            "bidi": await self.bidi(),
            "deadline": (await self.status(self.unary("Slow", timeout=0.3)))[0],
            "fail": await self.status(self.unary("Fail")),
            "unknown": (await self.status(self.unary("Unknown")))[0],
            "after": "ok" if await self.unary() == b"hello" else "other",
        }


async def main():
    channel = Channel("127.0.0.1", int(sys.argv[1]))
    try:
        print(json.dumps({**await Client(channel).all(), "engine": engine()}))
    finally:
        channel.close()


if __name__ == "__main__":
    asyncio.run(main())
