"""grpcio's client of ``examples/connect_echo.py``: ``connect_client.py PORT``; prints the answers."""
import json
import queue
import sys

import grpc
from google.protobuf.wrappers_pb2 import StringValue


def main():
    codec = (StringValue.SerializeToString, StringValue.FromString)
    with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
        say = channel.unary_unary("/example.Echo/Say", *codec)
        answer, call = say.with_call(StringValue(value="hello"), timeout=20)
        # Each message is sent when the one before has been answered.
        sending = queue.Queue()
        conversation = channel.stream_stream("/example.Echo/Converse", *codec)(iter(sending.get, None), timeout=20)
        heard = []
        for word in ("one", "two", "three"):
            sending.put(StringValue(value=word))
            heard.append(next(conversation).value)
        sending.put(None)
        assert not list(conversation)
        print(json.dumps({"said": [answer.value, dict(call.trailing_metadata())["x-length"]], "conversation": heard}))


if __name__ == "__main__":
    main()
