"""For ``gunicorn -c python:fasth2_workers``: ``-k gthread`` and the like mean fasth2's worker classes."""
import gunicorn.workers

import fasth2.gunicorn

fasth2.gunicorn.install()
for _name, _class in {"gthread": "ThreadWorker", "gevent": "GeventWorker", "asgi": "ASGIWorker"}.items():
    gunicorn.workers.SUPPORTED_WORKERS[_name] = f"fasth2.gunicorn.{_class}"
