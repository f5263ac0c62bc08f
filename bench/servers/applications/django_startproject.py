"""Django with what ``django-admin startproject`` switches on, its middleware above all.

A new project is made in a temporary folder; its settings are taken as they are but for the
host, the debugging and the view.
"""
from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile

from django.conf import settings
from django.core.wsgi import get_wsgi_application

with tempfile.TemporaryDirectory(prefix="fasth2-bench-") as directory:
    # In a process of its own: it configures Django's settings.
    subprocess.run([sys.executable, "-m", "django", "startproject", "startproject_site", directory], check=True)
    sys.path.insert(0, directory)
    made = importlib.import_module("startproject_site.settings")
    sys.path.remove(directory)

settings.configure(
    **{name: value for name, value in vars(made).items() if name.isupper()}
    | {
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "DEBUG": False,
        "ROOT_URLCONF": "bench.servers.applications.django_hello",
    }
)
application = get_wsgi_application()
