"""A service of connectrpc for ASGI; `grpc_echo` has its methods."""
import asyncio

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.server import ConnectASGIApplication, Endpoint
from google.protobuf.wrappers_pb2 import BytesValue

from tests.programs.grpc_echo import KINDS, SERVICE, digest, path, value


async def unary(message, ctx):
    ctx.response_headers()["x-begun"] = "begun"
    ctx.response_trailers()["x-sum"] = str(len(message.value))
    return message


async def server_stream(message, ctx):
    ctx.response_headers()["x-begun"] = "begun"
    count = int(message.value)
    for number in range(count):
        yield value(b"%d" % number)
    ctx.response_trailers()["x-sum"] = str(count)


async def client_stream(messages, ctx):
    return value(digest([message.value async for message in messages]))


async def bidi(messages, ctx):
    async for message in messages:
        yield message


async def slow(message, ctx):
    await asyncio.sleep(2)
    return message


async def fail(message, ctx):
    raise ConnectError(Code.NOT_FOUND, "not here: ü")


CALLS = {"Unary": unary, "ServerStream": server_stream, "ClientStream": client_stream, "Bidi": bidi, "Slow": slow,
         "Fail": fail}
MAKERS = {(False, False): Endpoint.unary, (False, True): Endpoint.server_stream, (True, False): Endpoint.client_stream,
          (True, True): Endpoint.bidi_stream}


class Echo(ConnectASGIApplication):
    """The service."""

    @property
    def path(self):
        return f"/{SERVICE}"

    def __init__(self):
        super().__init__(service=None, endpoints=lambda service: {
            path(name): MAKERS[kind](function=CALLS[name], method=MethodInfo(
                name=name, service_name=SERVICE, input=BytesValue, output=BytesValue,
                idempotency_level=IdempotencyLevel.UNKNOWN)) for name, kind in KINDS.items()})


app = Echo()
