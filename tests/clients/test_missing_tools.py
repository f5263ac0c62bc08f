"""A client that is not installed fails its tests; it does not skip them."""
import pytest

from tests.support.run import run, tool


def test_it_is_named_and_so_is_what_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match=r"h2load is not installed; tools/install_test_packages\.sh"):
        run("h2load")


@pytest.mark.parametrize("name", ["curl", "nghttp", "h2load", "node", "chromium"])
def test_all_are_installed(name):
    assert tool(name)
