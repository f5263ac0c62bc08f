"""aiosonic, a client: ``aiosonic_client.py URL``; prints what it has got."""
import asyncio
import hashlib
import json
import random
import sys

import aiosonic
from aiosonic.connectors import TCPConnector
from aiosonic.timeout import Timeouts

from tests.programs.asgi_app import engine

URL = sys.argv[1]
SIZE = 10 << 20
BODY = random.Random(9).randbytes(SIZE)


async def main():
    connector = TCPConnector(http2=True, timeouts=Timeouts(sock_connect=60, sock_read=60))
    async with aiosonic.HTTPClient(connector=connector, verify_ssl=False) as client:
        async def hello(_):
            answer = await client.get(URL + "/hello", http2=True, verify=False)
            return (answer.status_code, answer.response_initial["version"], await answer.text()) == (
                200, "2", "Hello, world!")

        sequential = [await hello(number) for number in range(20)]
        together = await asyncio.gather(*map(hello, range(100)))
        big = await client.get(f"{URL}/big?{SIZE}", http2=True, verify=False)
        size = len(await big.content())
        digest = await client.post(f"{URL}/digest", data=BODY, http2=True, verify=False)
        taken = await digest.text() == hashlib.sha256(BODY).hexdigest()
        print(json.dumps({"sequential": sum(sequential), "together": sum(together), "big": size, "taken": taken,
                          "engine": engine()}))


if __name__ == "__main__":
    asyncio.run(main())
