"""A service of connect-python for gRPC and Connect clients: it echoes a message, and each message of a stream at once.

Run by gunicorn, as docs/workers.md says: ``gunicorn -k fasth2.gunicorn.WSGIWorker --threads 8 … connect_echo:app``.
"""
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.server import ConnectWSGIApplication, EndpointSync
from google.protobuf.wrappers_pb2 import StringValue

SERVICE = "example.Echo"


def method(name):
    """Describe a method; a plugin of protoc generates this and the class below from a .proto file."""
    return MethodInfo(name=name, service_name=SERVICE, input=StringValue, output=StringValue,
                      idempotency_level=IdempotencyLevel.UNKNOWN)


def say(request, context):
    """Answer one message with one."""
    context.response_trailers()["x-length"] = str(len(request.value))
    return request


def converse(requests, context):
    """Answer each message before the client sends its next one."""
    for request in requests:
        yield StringValue(value=request.value.upper())


class Echo(ConnectWSGIApplication):
    """The service."""

    path = f"/{SERVICE}"

    def __init__(self):
        super().__init__(endpoints={
            f"/{SERVICE}/Say": EndpointSync.unary(method=method("Say"), function=say),
            f"/{SERVICE}/Converse": EndpointSync.bidi_stream(method=method("Converse"), function=converse),
        })


app = Echo()
