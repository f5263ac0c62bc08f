"""Django without middleware and applications."""
from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DEBUG=False,
    MIDDLEWARE=[],
    ROOT_URLCONF="bench.servers.applications.django_hello",
    SECRET_KEY="not secret",
)
application = get_wsgi_application()
