"""The classes that `fasth2.gunicorn.install` puts in the place of gunicorn's."""
