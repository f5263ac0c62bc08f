"""The names that a user of gunicorn writes: `gunicorn.util.load_class` finds each, whatever was imported before."""
import subprocess
import sys

import pytest

from tests.support.paths import ROOT, SOURCE

WORKERS = {"WSGIWorker": "WSGIWorker", "ASGIWorker": "ASGIWorker", "gthread": "ThreadWorker", "gevent": "GeventWorker",
           "asgi": "ASGIWorker", "UvicornWorker": "UvicornWorker"}

IMPORT_ALL = """
import importlib, pkgutil
import fasth2.gunicorn
for module in pkgutil.walk_packages(fasth2.gunicorn.__path__, "fasth2.gunicorn."):
    importlib.import_module(module.name)
"""

LOAD = f"""
from gunicorn.util import load_class
for name, cls in {WORKERS}.items():
    found = load_class("fasth2.gunicorn." + name)
    assert isinstance(found, type) and found.__name__ == cls, (name, found)
"""

NAMES = """
import fasth2.gunicorn
for name in fasth2.gunicorn.__all__:
    assert not hasattr(getattr(fasth2.gunicorn, name), "__path__"), name
    assert type(getattr(fasth2.gunicorn, name)).__name__ != "module", name
"""


def run(*parts):
    subprocess.run([sys.executable, "-W", "error::ImportWarning", "-c", "".join(parts)], cwd=ROOT, check=True, timeout=60,
                   env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("parts", [(IMPORT_ALL, LOAD), (LOAD, IMPORT_ALL, LOAD)], ids=["modules-first", "names-first"])
def test_gunicorn_finds_each_worker_class(parts):
    run(*parts, NAMES)


def test_no_module_has_the_name_of_a_worker_class():
    modules = {path.stem for path in (SOURCE / "fasth2" / "gunicorn").iterdir()}
    assert modules.isdisjoint(set(WORKERS))


@pytest.mark.parametrize("name", ["Worker", "ThreadWorker", "GeventWorker"])
def test_old_names_are_gone(name):
    import fasth2.gunicorn

    with pytest.raises(AttributeError):
        getattr(fasth2.gunicorn, name)
