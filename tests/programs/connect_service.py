"""A service of connectrpc for WSGI; `grpc_echo` has its methods."""
import time

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.server import ConnectWSGIApplication, EndpointSync
from google.protobuf.wrappers_pb2 import BytesValue

from tests.programs.grpc_echo import KINDS, SERVICE, digest, path, value


def unary(message, ctx):
    ctx.response_headers()["x-begun"] = "begun"
    ctx.response_trailers()["x-sum"] = str(len(message.value))
    return message


def server_stream(message, ctx):
    ctx.response_headers()["x-begun"] = "begun"
    count = int(message.value)
    for number in range(count):
        yield value(b"%d" % number)
    ctx.response_trailers()["x-sum"] = str(count)


def client_stream(messages, ctx):
    return value(digest([message.value for message in messages]))


def bidi(messages, ctx):
    yield from messages


def slow(message, ctx):
    time.sleep(2)
    return message


def fail(message, ctx):
    raise ConnectError(Code.NOT_FOUND, "not here: ü")


CALLS = {"Unary": unary, "ServerStream": server_stream, "ClientStream": client_stream, "Bidi": bidi, "Slow": slow,
         "Fail": fail}
MAKERS = {(False, False): EndpointSync.unary, (False, True): EndpointSync.server_stream,
          (True, False): EndpointSync.client_stream, (True, True): EndpointSync.bidi_stream}


class Echo(ConnectWSGIApplication):
    """The service."""

    @property
    def path(self):
        return f"/{SERVICE}"

    def __init__(self):
        super().__init__(endpoints={path(name): MAKERS[kind](function=CALLS[name], method=MethodInfo(
            name=name, service_name=SERVICE, input=BytesValue, output=BytesValue,
            idempotency_level=IdempotencyLevel.UNKNOWN)) for name, kind in KINDS.items()})


app = Echo()
