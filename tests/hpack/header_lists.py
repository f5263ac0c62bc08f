"""Header lists as browsers, tools and servers send them, in the order of one connection."""
from __future__ import annotations

Fields = list[tuple[bytes, bytes]]


def _fields(text: str) -> Fields:
    """Fields from lines of "name value"."""
    return [(name.encode(), value.encode()) for name, _, value in (line.partition(" ") for line in text.splitlines())]


BROWSER_PAGE = _fields("""\
:method GET
:authority www.example.com
:scheme https
:path /articles/2026/11/24/a-plain-title?page=2&sort=new
sec-ch-ua "Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"
sec-ch-ua-mobile ?0
sec-ch-ua-platform "Linux"
upgrade-insecure-requests 1
user-agent Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36
accept text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8
sec-fetch-site none
sec-fetch-mode navigate
sec-fetch-user ?1
sec-fetch-dest document
accept-encoding gzip, deflate, br, zstd
accept-language en-US,en;q=0.9
cookie session=3f8a9b2c7d1e4f6a8b9c0d1e2f3a4b5c""")

BROWSER_IMAGE = _fields("""\
:method GET
:authority www.example.com
:scheme https
:path /static/img/header@2x.9f86d081.webp
sec-ch-ua-platform "Linux"
user-agent Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36
accept image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
sec-fetch-site same-origin
sec-fetch-mode no-cors
sec-fetch-dest image
referer https://www.example.com/articles/2026/11/24/a-plain-title?page=2&sort=new
accept-encoding gzip, deflate, br, zstd
accept-language en-US,en;q=0.9
cookie session=3f8a9b2c7d1e4f6a8b9c0d1e2f3a4b5c
priority u=4, i""")

API_POST = _fields("""\
:method POST
:path /api/v3/orders/8d7f6a5b/items
:scheme https
:authority api.example.net:8443
accept application/json
content-type application/json; charset=utf-8
content-length 1387
user-agent python-httpx/0.28.1
x-request-id 0b7c9a52-94f0-4f3f-9a28-4b6f6d1f5e11
traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
idempotency-key 5b0f1f4e-2c4e-4f0a-9b53-0a2f1c7c9e77""")

CURL = _fields("""\
:method GET
:scheme https
:authority localhost:8443
:path /health
user-agent curl/8.11.0
accept */*""")

GRPC = _fields("""\
:method POST
:scheme https
:path /helloworld.Greeter/SayHello
:authority greeter.internal:50051
content-type application/grpc
user-agent grpc-go/1.68.0
te trailers
grpc-timeout 999m
grpc-accept-encoding gzip""")

#: Requests of one connection, in order.
REQUESTS = [BROWSER_PAGE, BROWSER_IMAGE, API_POST, CURL, GRPC, BROWSER_PAGE, BROWSER_IMAGE, API_POST]

PAGE = _fields("""\
:status 200
date Tue, 24 Nov 2026 17:51:18 GMT
server gunicorn
content-type text/html; charset=utf-8
content-length 48213
vary Accept-Encoding, Cookie
cache-control private, max-age=0, must-revalidate
etag W/"5f3d-18c9b2a7f00"
set-cookie csrftoken=4bTqv0H8w2Jc9sKpYz6LxN3mRfUeA1dG; expires=Tue, 23 Nov 2027 17:51:18 GMT; Path=/; SameSite=Lax
strict-transport-security max-age=63072000; includeSubDomains; preload
content-security-policy default-src 'self'; img-src 'self' data: https:; script-src 'self' 'nonce-c2VjcmV0'
x-content-type-options nosniff
referrer-policy strict-origin-when-cross-origin""")

IMAGE = _fields("""\
:status 200
date Tue, 24 Nov 2026 17:51:19 GMT
server gunicorn
content-type image/webp
content-length 9216
last-modified Mon, 02 Nov 2026 08:00:00 GMT
cache-control public, max-age=31536000, immutable
etag "9f86d081"
accept-ranges bytes
access-control-allow-origin *""")

JSON = _fields("""\
:status 201
date Tue, 24 Nov 2026 17:51:20 GMT
server gunicorn
content-type application/json
content-length 312
location https://api.example.net:8443/api/v3/orders/8d7f6a5b/items/17
x-request-id 0b7c9a52-94f0-4f3f-9a28-4b6f6d1f5e11
x-ratelimit-limit 5000
x-ratelimit-remaining 4987
x-ratelimit-reset 1795541480""")

NOT_MODIFIED = _fields("""\
:status 304
date Tue, 24 Nov 2026 17:51:21 GMT
server gunicorn
etag "9f86d081"
cache-control public, max-age=31536000, immutable""")

SHORT = _fields("""\
:status 200
content-type text/plain
content-length 13
server gunicorn
date Tue, 24 Nov 2026 17:51:22 GMT""")

REDIRECT = _fields("""\
:status 302
location /login?next=%2Faccount%2Fsettings
content-length 0
server gunicorn
date Tue, 24 Nov 2026 17:51:22 GMT""")

ERROR = _fields("""\
:status 503
retry-after 120
content-type text/plain; charset=utf-8
content-length 20
server gunicorn
date Tue, 24 Nov 2026 17:51:23 GMT""")

TRAILERS = _fields("""\
grpc-status 0
grpc-message OK""")

#: Responses of one connection, in order.
RESPONSES = [PAGE, IMAGE, JSON, NOT_MODIFIED, SHORT, REDIRECT, ERROR, TRAILERS, PAGE, SHORT, SHORT, IMAGE]
