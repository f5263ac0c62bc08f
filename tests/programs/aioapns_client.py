"""aioapns, a client of Apple's push service: ``aioapns_client.py CA PORT``; prints the results of notifications."""
import asyncio
import collections
import json
import ssl
import sys

from aioapns import APNs, NotificationRequest
from aioapns.connection import APNsProductionClientProtocol
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.programs.asgi_app import engine

# Apple's address and port are attributes of a class.
APNsProductionClientProtocol.APNS_SERVER = "127.0.0.1"
APNsProductionClientProtocol.APNS_PORT = int(sys.argv[2])


async def main():
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    # Apple speaks HTTP/2 without being asked; our worker is asked.
    context = ssl.create_default_context(cafile=sys.argv[1])
    context.set_alpn_protocols(["h2"])
    client = APNs(key=key, key_id="A", team_id="B", topic="com.example.app", max_connections=1,
                  ssl_context=context)

    def send(number):
        token = "bad" if number % 10 == 0 else f"token{number}"
        return client.send_notification(NotificationRequest(token, {"aps": {"alert": "x" * number}}))

    first = await send(1)
    results = [first, *await asyncio.gather(*map(send, range(2, 201)))]
    counts = collections.Counter(f"{result.status} {result.description}" for result in results)
    print(json.dumps({**counts, "engine": engine()}))
    client.pool.close()


if __name__ == "__main__":
    asyncio.run(main())
