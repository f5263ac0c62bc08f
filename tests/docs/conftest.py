"""The certificate of the servers that gunicorn runs here."""
from tests.gunicorn.live import certificate  # noqa: F401 (a fixture)
