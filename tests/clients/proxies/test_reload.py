"""HUP while a proxy asks without pause: every request is answered."""

import pytest

from tests.support import proxies, service
from tests.support.proxies import Proxy
from tests.support.proxy_load import Load

pytestmark = pytest.mark.ecosystem

#: Those that speak HTTP/2 to gunicorn; nginx of Debian sid is fetched for make test-ecosystem only.
NAMES = tuple(name for name in proxies.CONFIGURATIONS if name != proxies.HTTP1)
NAMES = service.chosen(NAMES, *(name for name in NAMES if name != "nginx"))

CLIENTS, REQUESTS, RELOADS = (6, 600, 3) if service.ECOSYSTEM else (2, 100, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("face", service.chosen(service.CLASSES, "WSGIWorker", "asgi"))
def test_a_reload_behind_a_proxy_loses_no_request(face, name, tmp_path, certificate):
    with (service.start(face, tmp_path, "--graceful-timeout", "10") as gunicorn,
          Proxy(name, tmp_path, gunicorn.port, certificate) as proxy):
        load = Load(proxy, CLIENTS, REQUESTS)
        try:
            load.wait_for_answers(20)
            for _ in range(RELOADS):
                gunicorn.reload()
                load.wait_for_a_new_worker()
        finally:
            load.finish()
        print(f"{face} behind {name}: {load.gets} GETs, {load.posts} POSTs, {len(load.losses)} lost")
        assert load.losses == []
        assert min(load.gets, load.posts) >= REQUESTS
        assert len(load.workers) == RELOADS + 1
