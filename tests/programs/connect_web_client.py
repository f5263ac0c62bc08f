"""connect-python's client of ``examples/connect_echo.py``: ``connect_web_client.py PORT PROTOCOL``; prints the answers."""
import json
import sys

from connectrpc.client import ConnectClientSync
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.protocol import ProtocolType
from google.protobuf.wrappers_pb2 import StringValue
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport


def method(name):
    """Describe a method of the service."""
    return MethodInfo(name=name, service_name="example.Echo", input=StringValue, output=StringValue,
                      idempotency_level=IdempotencyLevel.UNKNOWN)


def main(port, protocol):
    transport = SyncHTTPTransport(http_version=HTTPVersion.HTTP2)
    with ConnectClientSync(f"http://127.0.0.1:{port}", protocol=ProtocolType[protocol],
                           http_client=SyncClient(transport)) as client:
        said = client.execute_unary(request=StringValue(value="hello"), method=method("Say")).value
        heard = client.execute_bidi_stream(request=iter([StringValue(value=word) for word in ("one", "two", "three")]),
                                           method=method("Converse"))
        print(json.dumps({"said": said, "conversation": [message.value for message in heard]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
