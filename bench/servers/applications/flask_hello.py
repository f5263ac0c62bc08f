"""Flask, one view."""
from __future__ import annotations

from flask import Flask, Response

application = Flask(__name__)


@application.get("/")
def hello() -> Response:
    return Response("Hello, World!", mimetype="text/plain")
