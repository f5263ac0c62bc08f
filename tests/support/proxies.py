"""Real proxies, each with its configuration of docs/proxies.md, on a free port of 127.0.0.1, over TLS."""
from __future__ import annotations

import functools
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from .certificate import Certificate
from .paths import ROOT

PAGE = (ROOT / "docs" / "proxies.md").read_text()

#: Name of a configuration, as the comment before it on the page has it, to the configuration.
CONFIGURATIONS = dict(re.findall(r"^<!-- test: ([^\n]*) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))

#: The one that speaks HTTP/1.1 to gunicorn, which gunicorn's own code serves.
HTTP1 = "nginx http/1.1"

_AS_ROOT = os.geteuid() == 0

# What surrounds the page's part of a configuration: where this run's files are, no daemon, no more processes than needed.
_NGINX = """\
{user}daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {configuration}
}}
"""

_APACHE = """\
ServerRoot {directory}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {directory}/apache.pid
ErrorLog /dev/stderr
Mutex posixsem
{user}{modules}
{configuration}
"""
_APACHE_MODULES = ("mpm_event", "authz_core", "socache_shmcb", "ssl", "http2", "headers", "proxy", "proxy_http2")

_CADDY = """\
{{
	admin off
	auto_https off
	persist_config off
	default_bind 127.0.0.1
	servers {{
		protocols h1 h2
	}}
}}
{configuration}
"""


def program(name: str) -> str:
    """Return where a proxy is; the test fails where it is not installed."""
    if name == "caddy":
        path = shutil.which(name, path=os.pathsep.join([_scripts(), os.environ["PATH"]]))
    else:
        path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if path is None:
        pytest.fail(f"{name} is not installed; tools/install_test_packages.sh and requirements/test.txt have what the"
                    " tests need")
    return path


def _scripts() -> str:
    import sysconfig

    return sysconfig.get_path("scripts")


@functools.cache
def _nginx_of_sid() -> str:
    done = subprocess.run([str(ROOT / "tools" / "fetch_nginx.sh")], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    return f"{done.stdout.strip()}/nginx"


class Proxy:
    """A running proxy; a context manager that stops it by its pid.

    Args:
        name: One of `CONFIGURATIONS`.
        directory: A folder; the proxy's files go to a new one in it.
        upstream: The port of gunicorn.
        certificate: The proxy's certificate.

    Raises:
        RuntimeError: It did not start; its log is in the text.
    """

    def __init__(self, name: str, directory: Path, upstream: int, certificate: Certificate) -> None:
        self.name = name
        self.certificate = certificate
        self._upstream = upstream
        self._directory = Path(tempfile.mkdtemp(prefix="proxy", dir=directory))
        self._log_file = self._directory / "log"
        # A port that was free a moment ago can be taken by another process.
        for tries_left in (2, 1, 0):
            try:
                self._start()
                return
            except RuntimeError:
                if not tries_left:
                    raise

    def _start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = self._command()
        environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        # Where Caddy keeps its state.
        environment |= {"HOME": str(self._directory), "XDG_DATA_HOME": str(self._directory),
                        "XDG_CONFIG_HOME": str(self._directory)}
        with self._log_file.open("w") as log:
            self.process = subprocess.Popen(command, cwd=self._directory, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{self.log}")

    def _command(self) -> list[str]:
        """Write the files; return the command."""
        directory, kind = self._directory, self.name.split()[0]
        cert, key = self.certificate.cert.read_text(), self.certificate.key.read_text()
        (directory / "both.pem").write_text(cert + key)
        text = CONFIGURATIONS[self.name]
        text = re.sub(r"(?<=[\s:])\*,443\b", f"127.0.0.1,{self.port}", text.replace("=*,443", f"=127.0.0.1,{self.port}"))
        text = re.sub(r"\*?(?<![\w.]):443\b|(?<=listen )443\b", f"127.0.0.1:{self.port}", text)
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{self._upstream}")
        text = text.replace("127.0.0.1,8000", f"127.0.0.1,{self._upstream}")
        for suffix, path in (("pem", directory / "both.pem"), ("crt", self.certificate.cert),
                             ("key", self.certificate.key)):
            text = text.replace(f"/etc/ssl/example.com.{suffix}", str(path))
        # What is replaced stands nowhere else.
        assert not re.search(r"\b(443|8000)\b|/etc/ssl", text.replace(str(self.port), "").replace(
            str(self._upstream), "")), text
        user = "user root;\n" if _AS_ROOT else ""
        if kind == "nginx":
            text = _NGINX.format(user=user, directory=directory, configuration=text)
        elif kind == "apache":
            modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                              for name in _APACHE_MODULES)
            text = _APACHE.format(directory=directory, port=self.port, modules=modules, configuration=text,
                                  user="User nobody\nGroup nogroup\n" if _AS_ROOT else "")
        elif kind == "caddy":
            text = _CADDY.format(configuration=text)
        path = directory / "configuration"
        path.write_text(text)
        if self.name == "nginx":
            return [_nginx_of_sid(), "-p", str(directory), "-e", "stderr", "-c", str(path)]
        return {
            "haproxy": lambda: [program("haproxy"), "-db", "-f", str(path)],
            "caddy": lambda: [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(path)],
            "nghttpx": lambda: [program("nghttpx"), "--conf", str(path), "--workers", "1", "--errorlog-file",
                                "/dev/stderr", "--accesslog-file", "/dev/null", "--pid-file", f"{directory}/pid"],
            "apache": lambda: [program("apache2"), "-D", "FOREGROUND", "-f", str(path)],
            "nginx": lambda: [program("nginx"), "-p", str(directory), "-e", "stderr", "-c", str(path)],
        }[kind]()

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log_file.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"https://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop it, by force after ten seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        print(f"--- log of {self.name}\n{self.log[-4000:]}---")

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
