"""The WSGI environment: what a connection's requests share is made once."""
from __future__ import annotations

from typing import Any

from gunicorn import util
from gunicorn.http import wsgi

from fasth2.gunicorn.dropin.source_digest import matches

from .response import HTTP2Response, WholeResponse

__all__ = ["EnvironTemplate", "SharedErrors", "field_key", "known"]

#: Names of fields whose key is remembered.
_NAMES = 1024

#: The longest of these names, in characters.
_LONGEST = 64

#: Keys that depend on the request. A server's name and port do where it
#: listens on a Unix socket; then there is no template.
_OF_REQUEST = (
    "wsgi.input", "wsgi.url_scheme", "wsgi.early_hints", "REQUEST_METHOD", "QUERY_STRING", "RAW_URI", "PATH_INFO",
    "CONTENT_TYPE", "CONTENT_LENGTH", "gunicorn.http2.priority_weight", "gunicorn.http2.priority_depends_on",
)  # fmt: skip

#: Whether gunicorn's functions are those that `EnvironTemplate` abbreviates.
known = matches(
    (wsgi.create, wsgi.default_environ, wsgi.base_environ, wsgi.proxy_environ, wsgi.WSGIErrorsWrapper,
     util.unquote_to_wsgi_str),
    "4d326adf9555efaf", "edc9cbd2d0c471e5", "1db81ca37f7ede96",
)  # fmt: skip

_keys: dict[str, str] = {}


def field_key(name: str) -> str:
    """Return a field's key in the environment.

    Args:
        name: The field's, in upper case.
    """
    key = name.replace("-", "_")
    return key if name in ("CONTENT-TYPE", "CONTENT-LENGTH") else "HTTP_" + key


def _key(name: str) -> str:
    """The same, remembered."""
    key = field_key(name)
    if len(name) <= _LONGEST:
        if len(_keys) >= _NAMES:
            _keys.clear()
        _keys[name] = key
    return key


class SharedErrors(wsgi.WSGIErrorsWrapper):
    """``wsgi.errors`` of many requests: looks for the log when it is written to.

    gunicorn makes one a request, which finds the log's file as it is then;
    after the log was reopened an older one would write to a closed file.
    """

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    @property
    def streams(self) -> list[Any]:
        """The error log's streams now."""
        return wsgi.WSGIErrorsWrapper(self._cfg).streams

    def close(self) -> None:
        """Do nothing: other requests use it."""


class EnvironTemplate:
    """Makes the responses and environments of one connection's requests.

    The first environment is gunicorn's own; the next ones are copies of it
    with what the request says. A request that a copy cannot serve gets
    gunicorn's again.

    Args:
        cfg: gunicorn's configuration.
        h2: The connection.
        sock: Its socket.
        client: The client's address.
        server: The address that it connected to.
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
        """Return a request's response alone.

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
        environ["gunicorn.http2.send_trailers"] = resp.queue_trailers
        return resp, environ

    def _original(self, req: Any) -> dict[str, Any]:
        """gunicorn's environment; it becomes the template where it can."""
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
        """Complete a copy of the template; ``None`` where gunicorn has to make the environment."""
        keys = _keys.get
        repeated: dict[str, list[str]] | None = None
        for name, value in req.headers:
            key = keys(name) or _key(name)
            if key in environ and key[:5] == "HTTP_":
                if key == "HTTP_VERSION":
                    # gunicorn's own key takes its place in the end.
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
