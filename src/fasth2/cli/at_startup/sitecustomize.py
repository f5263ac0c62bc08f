"""Put fasth2 in h2's and hpack's place in each interpreter that ``python -m fasth2 run`` and its children start.

Python imports a module of this name when it starts. Any Python may find
this one, an older one too, with fasth2 installed or without; a program must
run there as it would otherwise. The next module of this name on the path runs
afterwards.
"""
import os
import sys


def _start() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    # The environment has it for children; the program's path is as it would be otherwise.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    verbose = os.environ.get("FASTH2_RUN") == "verbose"
    outcome: object
    try:
        outcome = _replace(os.path.dirname(os.path.dirname(here)))
        failed = not outcome
    except Exception as error:
        outcome, failed = error, True
    if verbose or failed:
        sys.stderr.write(f"fasth2: process {os.getpid()}: {outcome}\n")


def _replace(package: str) -> object:
    if sys.version_info < (3, 10):  # noqa: UP036 (whatever the program starts)
        raise RuntimeError("h2 and hpack are not replaced: fasth2 needs Python 3.10")
    import importlib.machinery
    import importlib.util

    found = importlib.util.find_spec("fasth2")
    if found is None or found.origin is None:
        # The fasth2 that started the program, where this interpreter does not find it by itself.
        spec = importlib.util.spec_from_file_location(
            "fasth2", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        assert spec is not None and spec.loader is not None  # the file is there
        module = importlib.util.module_from_spec(spec)
        sys.modules["fasth2"] = module
        spec.loader.exec_module(module)
    import fasth2

    if importlib.machinery.PathFinder.find_spec("fasth2._frames", fasth2.__path__) is None:
        raise RuntimeError(f"h2 and hpack are not replaced: fasth2 in {package} is compiled for another Python")
    fasth2.alias_h2()
    return fasth2.alias_status()


def _run_next() -> None:
    """Import the module of this name that Python would have imported."""
    import importlib

    this = sys.modules.pop(__name__)
    try:
        importlib.import_module(__name__)
    except ImportError as error:
        if error.name != __name__:
            raise
        sys.modules[__name__] = this


if __name__ == "sitecustomize" and os.environ.get("FASTH2_RUN"):
    _start()
    _run_next()
