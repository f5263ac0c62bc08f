"""A proxy that is not installed fails its tests; it does not skip them."""
import pytest

from tests.support import proxies


def test_it_is_named_and_so_is_what_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match=r"no-such-proxy is not installed; tools/install_test_packages\.sh"):
        proxies.program("no-such-proxy")


@pytest.mark.parametrize("name", ["haproxy", "caddy", "nghttpx", "apache2", "nginx"])
def test_all_are_installed(name):
    assert proxies.program(name)
