"""Configuration for ``gunicorn -c python:fasth2.gunicorn.conf``: fasth2's threaded worker, HTTP/2 and HTTP/1.1.

gunicorn reads every name here that is one of its settings. Options on the
command line and in ``GUNICORN_CMD_ARGS`` take precedence.
"""
from __future__ import annotations

from fasth2.gunicorn.dropin import install as _install

worker_class = "fasth2.gunicorn.gthread"

if _install.install().installed:
    http_protocols = "h2,h1"
