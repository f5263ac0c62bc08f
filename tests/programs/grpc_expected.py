"""What every client of the service of `grpc_echo` prints."""

EXPECTED = {
    "unary": ["ok", {"x-sum": "5"}],
    "large": True,
    "many": 100,
    "server stream": [200, "begun", {"x-sum": "200"}],
    "client stream": True,
    "bidi": 50,
    "deadline": "DEADLINE_EXCEEDED",
    "fail": ["NOT_FOUND", "not here: ü"],
    "unknown": "UNIMPLEMENTED",
    "after": "ok",
}
