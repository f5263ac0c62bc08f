"""What the gRPC services and clients of these tests agree on."""
import hashlib

from google.protobuf.wrappers_pb2 import BytesValue

SERVICE = "fasth2.test.Echo"
#: Kinds of calls: name, whether the request and the response are streams.
KINDS = {"Unary": (False, False), "ServerStream": (False, True), "ClientStream": (True, False), "Bidi": (True, True),
         "Slow": (False, False), "Fail": (False, False)}
#: A message that takes more than the windows.
LARGE = bytes(range(256)) * 8192
PARTS = [bytes([number % 256]) * number for number in range(1, 200)]


def path(name):
    """Return a method's path."""
    return f"/{SERVICE}/{name}"


def value(octets):
    """Return a message."""
    return BytesValue(value=octets)


def digest(messages):
    """Return the digest of what messages hold, as text in octets."""
    return hashlib.sha256(b"".join(messages)).hexdigest().encode()
