"""What the connections of one ASGI server share: the application, the event loop, the host, and how tasks are made."""
cimport cython

from fasth2.server.unsent cimport Unsent

import asyncio
import contextvars
import sys

# CPython below 3.12 has no eager start, and below 3.11 a task's context is always a copy of the current one.
cdef bint HAS_EAGER_START = sys.version_info >= (3, 12)
cdef bint HAS_CONTEXT = sys.version_info >= (3, 11)

cdef object Context = contextvars.Context
cdef object Task = asyncio.Task


@cython.final
cdef class Service:
    """What the connections of one ASGI server share. Belongs to one event loop.

    Args:
        app: The application.
        loop: The event loop.
        host: What runs the server. ``host.report(message, error, left)`` is called for an application that has failed,
            with its exception or ``None``, and whether it had been told before that its client is gone;
            ``host.refused(message)`` for a request that is answered with 503; ``host.connection_failed(error)`` for a
            connection that ends with an error; ``host.limit_reached()`` at `limit`.
        options: The shared options of the connections' protocols (`fasth2.server._options.Options`).
        settings: The server's settings (`fasth2.asgi.settings.ASGISettings`).
        server_state: Its ``default_headers`` is a list of ``(name, value)``, bytes, with which responses begin unless
            the application sets a field of that name; it may be replaced at any time. The number of complete responses
            is added to its ``total_requests``.
        asgi: The ``asgi`` dict of scopes, of which each scope gets a copy.
        raises: True if ``send()`` raises OSError when the client is gone, as from version 2.4 of the specification on;
            otherwise it does nothing then.
        tasks: The set that holds the running tasks.
        connections: The set of the host's connections, which counts for ``limit_concurrency``.
        root_path: The prefix of every path, for applications mounted below one.
        state: The lifespan's state, of which each scope gets a shallow copy; ``None`` without one.
        limit_concurrency: Number of connections or tasks from which on requests are answered with 503; ``None``: none.
        reset_contextvars: True to run each task in an empty context; otherwise in a copy of the current one.

    Attributes:
        observer: ``observer.begin(exchange)`` is called before the application is called for a request, and
            ``observer.end(exchange)`` when it has ended, or the request was answered without it; ``None``: no observer.
        limit: Number of requests at which ``host.limit_reached()`` is called; 0: none.
    """

    def __init__(self, app, loop, host, options, settings, *, server_state, dict asgi not None, bint raises=False,
                 set tasks not None, set connections not None, str root_path="", state=None, limit_concurrency=None,
                 bint reset_contextvars=False):
        self.app = app
        self.loop = loop
        self.host = host
        self.options = options
        self.settings = settings
        self.server_state = server_state
        self.tasks = tasks
        self.connections = connections
        self.state = state
        self.limit_concurrency = limit_concurrency
        self.raises = raises
        self.unsent = Unsent(settings.unsent_connection, settings.unsent_process)
        self.reset_contextvars = reset_contextvars
        self.scope = {
            "type": "http", "asgi": asgi, "http_version": "2", "server": None, "client": None, "scheme": "http",
            "method": "GET", "root_path": root_path, "path": "/", "raw_path": b"/", "query_string": b"",
            "headers": None, "extensions": None,
        }
        if state is not None:
            self.scope["state"] = state
        self.create_task = loop.create_task
        self.get_task_factory = getattr(loop, "get_task_factory", None)
        self.eager = {"loop": loop, "eager_start": True} if HAS_EAGER_START else None

    cdef int count(self) except -1:
        """Count a request."""
        self.begun += 1
        if self.begun == self.limit:
            self.host.limit_reached()
        return 0

    def create(self, coroutine):
        """Run a coroutine as a task of the server.

        Args:
            coroutine: The coroutine.
        """
        task = self.start(coroutine, False)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    cdef bint may_be_eager(self) except -1:
        """Return True if tasks may be started at once: CPython can, and the loop makes its tasks without a factory."""
        if self.eager is None or not self.settings.eager_tasks:
            return False
        return self.get_task_factory is None or self.get_task_factory() is None

    cdef object start(self, object coroutine, bint eager):
        """Make a task of a coroutine. eager: it runs until it first waits, before this returns."""
        cdef dict keywords
        if eager:
            if not self.reset_contextvars:
                return Task(coroutine, **self.eager)
            keywords = dict(self.eager)
            keywords["context"] = Context()
            return Task(coroutine, **keywords)
        if not self.reset_contextvars:
            return self.create_task(coroutine)
        if HAS_CONTEXT:
            return self.create_task(coroutine, context=Context())
        return Context().run(self.create_task, coroutine)
