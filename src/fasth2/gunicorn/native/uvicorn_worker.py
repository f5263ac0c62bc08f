"""`UvicornWorker`: the worker class of the package uvicorn-worker, with HTTP/2 by `fasth2.uvicorn.H2Protocol`."""
from __future__ import annotations

import functools
import importlib
from typing import Any

from fasth2.gunicorn.dropin.install import status

__all__ = ["UvicornWorker"]  # noqa: F822, made when it is asked for

#: Modules with the class. The second belongs to the server itself, which deprecates it from 0.30 on.
_MODULES = ("uvicorn_worker", "uvicorn.workers")


def _worker_class() -> Any:
    failure: ImportError | None = None
    for name in _MODULES:
        try:
            return importlib.import_module(name).UvicornWorker
        except ImportError as error:
            failure = failure or error
    raise ImportError(
        "fasth2.gunicorn.UvicornWorker needs uvicorn and uvicorn-worker: pip install 'uvicorn>=0.36' uvicorn-worker",
        name=_MODULES[0],
    ) from failure


@functools.cache
def _made() -> Any:
    base = _worker_class()

    class UvicornWorker(base):  # type: ignore[misc, valid-type]
        """uvicorn under gunicorn, with HTTP/2. For ``-k fasth2.gunicorn.UvicornWorker``.

        gunicorn's settings mean what they mean to uvicorn-worker. The settings of `fasth2.uvicorn.H2Protocol` come from
        the environment. With ``FASTH2_DISABLE=1`` there the class is uvicorn-worker's.
        """

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            disabled = status().disabled
            if not disabled:
                protocol = importlib.import_module("fasth2.uvicorn").H2Protocol
                self.CONFIG_KWARGS = {**base.CONFIG_KWARGS, "http": protocol}
            super().__init__(*args, **kwargs)
            if disabled:
                self.log.info("%s", status())

    UvicornWorker.__module__ = __name__
    UvicornWorker.__qualname__ = "UvicornWorker"
    return UvicornWorker


def __getattr__(name: str) -> Any:
    if name != "UvicornWorker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _made()
