"""The framework test's application for Django (ASGI)."""
import asyncio
import hashlib
import json

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from tests.programs.framework_parts import PARTS

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="not one", DEBUG=False,
                   DATA_UPLOAD_MAX_MEMORY_SIZE=None)
django.setup()

happened = []


async def digest(request):
    return HttpResponse(hashlib.sha256(request.body).hexdigest(), content_type="text/plain")


async def item(request):
    given = json.loads(request.body)
    return JsonResponse({"name": given["name"], "number": given["number"] + 1}, status=201)


def thread(request):
    return JsonResponse({"from": "a thread"})


async def parts(request):
    async def generate():
        for part in PARTS:
            yield part

    return StreamingHttpResponse(generate(), content_type="text/plain")


async def endless(request):
    async def generate():
        try:
            while True:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.02)
        finally:
            happened.append("ended")

    return StreamingHttpResponse(generate(), content_type="text/event-stream")


async def seen(request):
    return HttpResponse(",".join(happened), content_type="text/plain")


async def fault(request):
    raise ValueError("a fault of the application")


urlpatterns = [path("digest", digest), path("item", item), path("thread", thread), path("parts", parts),
               path("endless", endless), path("seen", seen), path("fault", fault)]

app = get_asgi_application()
