"""gunicorn on fasth2 under load: memory, back-pressure, resets, ends and reloads, for every worker and way in."""
