"""The WSGI environment: the keys that a connection's requests share are made once."""
from __future__ import annotations

from typing import Any

from gunicorn import util
from gunicorn.http import wsgi

from fasth2._memo import remember
from fasth2.gunicorn.dropin.source_digest import matches

from .response import HTTP2Response, WholeResponse

__all__ = ["EnvironTemplate", "SharedErrors", "field_key", "known"]

#: Number of field names whose key is cached.
_NAMES = 1024

#: The longest of these names, in characters.
_LONGEST = 64

#: Keys that depend on the request. On a Unix socket the server's name and
#: port do too; then no template is used.
_OF_REQUEST = (
    "wsgi.input", "wsgi.url_scheme", "wsgi.early_hints", "REQUEST_METHOD", "QUERY_STRING", "RAW_URI", "PATH_INFO",
    "CONTENT_TYPE", "CONTENT_LENGTH", "gunicorn.http2.priority_weight", "gunicorn.http2.priority_depends_on",
)  # fmt: skip

#: True if the installed gunicorn's functions are those that `EnvironTemplate` replicates.
known = matches(
    (wsgi.create, wsgi.default_environ, wsgi.base_environ, wsgi.proxy_environ, wsgi.WSGIErrorsWrapper,
     util.unquote_to_wsgi_str),
    "4d326adf9555efaf", "edc9cbd2d0c471e5", "1db81ca37f7ede96",
)  # fmt: skip

_keys: dict[str, str] = {}


def field_key(name: str) -> str:
    """Return a field's key in the environment.

    Args:
        name: The field's name, in upper case.
    """
    key = name.replace("-", "_")
    return key if name in ("CONTENT-TYPE", "CONTENT-LENGTH") else "HTTP_" + key


def _key(name: str) -> str:
    """Compute a field's key and cache it."""
    key = field_key(name)
    if len(name) <= _LONGEST:
        remember(_keys, name, key, _NAMES)
    return key


class SharedErrors(wsgi.WSGIErrorsWrapper):
    """``wsgi.errors`` shared by requests: looks up the log's streams at each write.

    gunicorn makes one for each request, with the log's file at that time. After
    the log was reopened, an older one would write to a closed file.
    """

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    @property
    def streams(self) -> list[Any]:
        """The current streams of the error log."""
        return wsgi.WSGIErrorsWrapper(self._cfg).streams

    def close(self) -> None:
        """Do nothing: other requests share it."""


class EnvironTemplate:
    """Makes the responses and environments of one connection's requests.

    The first environment is gunicorn's own; later ones are copies of it,
    completed from the request. A request for which a copy would be wrong gets
    gunicorn's own again.

    Args:
        cfg: gunicorn's configuration.
        h2: The connection.
        sock: Its socket.
        client: The client's address.
        server: The address that the client connected to.
    """

    def __init__(self, cfg: Any, h2: Any, sock: Any, client: Any, server: Any) -> None:
        self._cfg = cfg
        self._h2 = h2
        self._sock = sock
        #: The client's address.
        self.client = client
        self._server = server
        self._shared: dict[str, Any] | None = None
        self._script_name = ""

    def response(self, req: Any) -> WholeResponse:
        """Return a request's response, without an environment.

        Args:
            req: The request.
        """
        return HTTP2Response(req, self._sock, self._cfg, self._h2, req.stream.stream_id)

    def create(self, req: Any) -> tuple[WholeResponse, dict[str, Any]]:
        """Return a request's response and environment.

        Args:
            req: The request.

        Raises:
            gunicorn.http.errors.ConfigurationProblem: The path is not below SCRIPT_NAME.
        """
        resp = HTTP2Response(req, self._sock, self._cfg, self._h2, req.stream.stream_id)
        environ = None
        if self._shared is not None:
            environ = self._copy(req, self._shared.copy())
        if environ is None:
            environ = self._original(req)
        environ["wsgi.early_hints"] = resp.send_early_hints
        environ["gunicorn.http2.send_trailers"] = environ["wsgi.ext.http.send_trailers"] = resp.queue_trailers
        return resp, environ

    def _original(self, req: Any) -> dict[str, Any]:
        """Return gunicorn's own environment, and keep it as the template if possible."""
        environ: dict[str, Any] = wsgi.create(req, self._sock, self.client, self._server, self._cfg)[1]
        environ["wsgi.multithread"] = True
        environ["HTTP_VERSION"] = "2"
        if known and not isinstance(self._server, str) and "HTTP_SCRIPT_NAME" not in environ:
            shared = {key: value for key, value in environ.items()
                      if key == "HTTP_VERSION" or not (key in _OF_REQUEST or key.startswith("HTTP_"))}
            shared["wsgi.errors"] = SharedErrors(self._cfg)
            self._script_name = shared["SCRIPT_NAME"]
            self._shared = shared
        return environ

    def _copy(self, req: Any, environ: dict[str, Any]) -> dict[str, Any] | None:
        """Complete a copy of the template; ``None`` if gunicorn has to make the environment."""
        keys = _keys.get
        repeated: dict[str, list[str]] | None = None
        for name, value in req.headers:
            key = keys(name) or _key(name)
            if key in environ and key[:5] == "HTTP_":
                if key == "HTTP_VERSION":
                    # gunicorn sets this key itself, last.
                    continue
                if repeated is None:
                    repeated = {}
                repeated.setdefault(key, [environ[key]]).append(value)
            else:
                environ[key] = value
        if repeated is not None:
            for key, values in repeated.items():
                environ[key] = ",".join(values)
        path = req.path
        if self._script_name:
            if not path.startswith(self._script_name):
                return None
            path = path[len(self._script_name) :]
        if "HTTP_SCRIPT_NAME" in environ:
            return None
        environ["PATH_INFO"] = path if "%" not in path and path.isascii() else util.unquote_to_wsgi_str(path)
        environ["REQUEST_METHOD"] = req.method
        environ["QUERY_STRING"] = req.query
        environ["RAW_URI"] = req.uri
        environ["wsgi.input"] = req.body
        environ["wsgi.url_scheme"] = req.scheme
        environ["gunicorn.http2.priority_weight"] = req.priority_weight
        environ["gunicorn.http2.priority_depends_on"] = req.priority_depends_on
        return environ
