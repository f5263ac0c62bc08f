"""The own worker's loop without gunicorn, in the test's process."""
