"""grpcio's server, in C; prints its port."""
import concurrent.futures
import signal
import threading
import time

import grpc
from google.protobuf.wrappers_pb2 import BytesValue

from tests.programs.grpc_echo import KINDS, SERVICE, digest, value


def unary(message, context):
    context.send_initial_metadata([("x-begun", "begun")])
    context.set_trailing_metadata([("x-sum", str(len(message.value)))])
    return message


def server_stream(message, context):
    context.send_initial_metadata([("x-begun", "begun")])
    # Messages of a size, where there is one, else numbers.
    count, *sizes = map(int, message.value.split())
    for number in range(count):
        yield value(bytes(*sizes) if sizes else b"%d" % number)
    context.set_trailing_metadata([("x-sum", str(count))])


def client_stream(messages, context):
    return value(digest([message.value for message in messages]))


def bidi(messages, context):
    yield from messages


def slow(message, context):
    while context.is_active():
        time.sleep(0.05)
    return message


def fail(message, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "not here: ü")


CALLS = {"Unary": unary, "ServerStream": server_stream, "ClientStream": client_stream, "Bidi": bidi, "Slow": slow,
         "Fail": fail}
HANDLERS = {(False, False): grpc.unary_unary_rpc_method_handler, (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler, (True, True): grpc.stream_stream_rpc_method_handler}


def main():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {
        name: HANDLERS[kind](CALLS[name], BytesValue.FromString, BytesValue.SerializeToString)
        for name, kind in KINDS.items()})])
    print("port", server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    server.stop(1).wait()


if __name__ == "__main__":
    main()
