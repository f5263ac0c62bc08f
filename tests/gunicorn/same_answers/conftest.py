"""The servers' certificate."""
from tests.gunicorn.live import certificate  # noqa: F401 (fixture)
