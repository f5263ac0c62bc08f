"""Tests of gunicorn's asyncio worker on fasth2, by each way in and with each version."""
