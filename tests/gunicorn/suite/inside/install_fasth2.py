"""For ``gunicorn -c python:install_fasth2``: fasth2's connection classes under gunicorn's own workers."""
import fasth2.gunicorn

fasth2.gunicorn.install()
