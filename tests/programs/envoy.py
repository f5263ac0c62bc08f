"""Envoy, as a proxy over HTTP/2 in the clear on both sides."""
from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from tests.support.programs import Environment, Program, free_port


def _configuration(port: int, admin: int, upstream: int) -> dict[str, object]:
    def address(number: int) -> dict[str, object]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front", "codec_type": "HTTP2",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "60s"}}]}]},
        "http_filters": [{"name": "router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
    }
    cluster = {
        "name": "upstream", "type": "STATIC",
        "load_assignment": {"cluster_name": "upstream", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}},
    }
    return {
        "admin": {"address": address(admin)},
        "static_resources": {
            "listeners": [{"name": "front", "address": address(port), "filter_chains": [
                {"filters": [{"name": "manager", "typed_config": manager}]}]}],
            "clusters": [cluster],
        },
    }


class Envoy(Program):
    """Envoy; a context manager that stops it.

    Args:
        directory: A folder for its configuration and its log.
        upstream: The port of the server behind it.
    """

    def __init__(self, directory: Path, upstream: int) -> None:
        port, self._admin = free_port(), free_port()
        path = directory / f"envoy-{port}.json"
        path.write_text(json.dumps(_configuration(port, self._admin, upstream)))
        super().__init__(directory, [
            Environment("envoy").script("envoy"), "--config-path", str(path), "--disable-hot-restart", "--concurrency", "1",
            "--log-level", "warning"])
        self.accepts(port)

    def counters(self) -> dict[str, int]:
        """Return its counters of HTTP/2 and of connections that are above 0."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._admin}/stats?usedonly", timeout=10) as answer:
            pairs = [line.rpartition(": ") for line in answer.read().decode().splitlines()]
        return {name: int(value) for name, _, value in pairs if value.isdigit() and int(value)}
