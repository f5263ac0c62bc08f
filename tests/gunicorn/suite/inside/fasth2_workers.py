"""For ``gunicorn -c python:fasth2_workers``: ``-k gthread`` and the like mean fasth2's worker classes."""
import gunicorn.workers

import fasth2.gunicorn

fasth2.gunicorn.install()
for _name in ("gthread", "gevent", "asgi"):
    gunicorn.workers.SUPPORTED_WORKERS[_name] = f"fasth2.gunicorn.{_name}"


def post_worker_init(worker):
    """Called by gunicorn in each worker: say of which class it is."""
    worker.log.info("This is a %s.%s", type(worker).__module__, type(worker).__qualname__)
