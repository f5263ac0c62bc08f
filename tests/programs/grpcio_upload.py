"""grpcio's client, uploading: ``grpcio_upload.py PORT COUNT``; messages of a mebibyte, and then a call that is short."""
import sys

import grpc
from google.protobuf.wrappers_pb2 import BytesValue

from tests.programs.grpc_echo import digest, path, value


def main():
    part, count = bytes(1 << 20), int(sys.argv[2])
    codec = (BytesValue.SerializeToString, BytesValue.FromString)
    with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
        answer = channel.stream_unary(path("ClientStream"), *codec)((value(part) for _ in range(count)), timeout=60)
        assert answer.value == digest([part] * count)
        assert channel.unary_unary(path("Unary"), *codec)(value(b"x"), timeout=20).value == b"x"
        print("all", count)


if __name__ == "__main__":
    main()
