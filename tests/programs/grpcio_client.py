"""grpcio's client, in C: ``grpcio_client.py PORT``; prints what came of each kind of call."""
import json
import queue
import sys

import grpc
from google.protobuf.wrappers_pb2 import BytesValue

from tests.programs.grpc_echo import KINDS, LARGE, PARTS, digest, path, value

MAKERS = {(False, False): "unary_unary", (False, True): "unary_stream", (True, False): "stream_unary",
          (True, True): "stream_stream"}


class Client:
    """The calls on one channel."""

    def __init__(self, channel):
        self.channel = channel

    def method(self, name):
        make = getattr(self.channel, MAKERS[KINDS.get(name, (False, False))])
        return make(path(name), BytesValue.SerializeToString, BytesValue.FromString)

    def unary(self, name="Unary", octets=b"hello", **options):
        return self.method(name)(value(octets), timeout=options.pop("timeout", 20)).value

    def with_trailers(self):
        message, call = self.method("Unary").with_call(value(b"hello"), timeout=20)
        trailers = dict(call.trailing_metadata())
        return ["ok" if message.value == b"hello" else "other", {"x-sum": trailers["x-sum"]}]

    def server_stream(self):
        call = self.method("ServerStream")(value(b"200"), timeout=20)
        begun = dict(call.initial_metadata())["x-begun"]
        count = sum(message.value == b"%d" % number for number, message in enumerate(call))
        return [count, begun, {"x-sum": dict(call.trailing_metadata())["x-sum"]}]

    def client_stream(self):
        answer = self.method("ClientStream")((value(part) for part in PARTS), timeout=20)
        return answer.value == digest(PARTS)

    def bidi(self):
        """Each message is sent when the one before has been answered."""
        sending = queue.Queue()
        call = self.method("Bidi")(iter(sending.get, None), timeout=20)
        count = 0
        for number in range(50):
            sending.put(value(b"%d" % number))
            count += next(call).value == b"%d" % number
        sending.put(None)
        assert list(call) == []
        return count

    def status(self, *args, **options):
        try:
            return [self.unary(*args, **options).decode(), ""]
        except grpc.RpcError as error:
            return [error.code().name, error.details()]

    def all(self):
        calls = [self.method("Unary").future(value(b"%d" % number), timeout=20) for number in range(100)]
        return {
            "unary": self.with_trailers(),
            "large": self.unary(octets=LARGE) == LARGE,
            "many": sum(call.result().value == b"%d" % number for number, call in enumerate(calls)),
            "server stream": self.server_stream(),
            "client stream": self.client_stream(),
            "bidi": self.bidi(),
            "deadline": self.status("Slow", timeout=0.3)[0],
            "fail": self.status("Fail"),
            "unknown": self.status("Unknown")[0],
            "after": "ok" if self.unary() == b"hello" else "other",
        }


def main():
    with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
        print(json.dumps(Client(channel).all()))


if __name__ == "__main__":
    main()
