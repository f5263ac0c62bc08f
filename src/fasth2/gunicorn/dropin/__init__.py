"""The classes by which `fasth2.gunicorn.install` replaces gunicorn's."""
