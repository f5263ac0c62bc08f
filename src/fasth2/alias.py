"""fasth2 in the place of h2 and hpack, for programs that are not edited.

`alias_h2` puts a finder in front of ``sys.meta_path``. ``import h2.events``
then gives `fasth2.events`; nothing is loaded before the program asks for it.
"""
from __future__ import annotations

import dataclasses
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fasth2 import H2_VERSION, __version__

if TYPE_CHECKING:
    from importlib.metadata import Distribution, DistributionFinder

__all__ = ["AliasStatus", "alias_h2", "alias_status"]

#: The documented modules of the two packages. fasth2 has each under the same name.
_MODULES: Mapping[str, Sequence[str]] = {
    "h2": ("config", "connection", "errors", "events", "exceptions", "frame_buffer", "settings", "stream", "utilities"),
    "hpack": ("exceptions", "hpack", "huffman", "huffman_constants", "huffman_table", "struct", "table"),
}

#: The version of hpack whose API `fasth2.hpack` has.
_HPACK_VERSION = "4.2.0"

_VERSIONS = {"h2": H2_VERSION, "hpack": _HPACK_VERSION}


@dataclasses.dataclass(frozen=True)
class AliasStatus:
    """What ``import h2`` and ``import hpack`` give in this process."""

    #: True if both give fasth2's modules, and no module of h2 or hpack itself is loaded.
    active: bool
    #: A sentence for a log: what is so, and why.
    reason: str

    def __bool__(self) -> bool:
        return self.active

    def __str__(self) -> str:
        return self.reason


def alias_h2() -> bool:
    """Make every later ``import h2`` and ``import hpack`` return fasth2's modules.

    For programs that cannot be edited: call it before the program imports
    h2. A second call does nothing. ``h2.__version__`` is then the version
    whose API fasth2 has. ``importlib.metadata.version("h2")`` is the version
    of the installed h2; without one it is ``h2.__version__``. The same holds
    for hpack.

    Forked children inherit it. Started ones do not: ``python -m fasth2 run``
    reaches those too. With ``FASTH2_DISABLE=1`` in the environment nothing is
    changed and one line is logged.

    Returns:
        True if ``h2`` and ``hpack`` are fasth2 now.

    Raises:
        RuntimeError: h2 or hpack itself is imported already, so the program
            would use both.
    """
    if _finder() is not None:
        return True
    if os.environ.get("FASTH2_DISABLE") == "1":
        import logging

        logging.getLogger("fasth2").warning("FASTH2_DISABLE=1: alias_h2() leaves h2 as it is")
        return False
    for name in _foreign():
        raise RuntimeError(
            f"{name} is already imported from {_file(name)}: call fasth2.alias_h2() before anything imports {name}"
        )
    sys.meta_path.insert(0, _Finder())
    return True


def alias_status() -> AliasStatus:
    """Say what ``import h2`` gives in this process, and why.

    Returns:
        An object that is true if h2 and hpack are fasth2 here, and whose
        ``str`` is a sentence for a log.
    """
    for name in _foreign():
        return AliasStatus(False, f"{name} is imported from {_file(name)}")
    if _finder() is not None:
        return AliasStatus(True, f"h2 and hpack are fasth2 {__version__}")
    if os.environ.get("FASTH2_DISABLE") == "1":
        return AliasStatus(False, "h2 and hpack are not replaced: FASTH2_DISABLE=1")
    return AliasStatus(False, "h2 and hpack are not replaced: fasth2.alias_h2() was not called")


def _finder() -> _Finder | None:
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            return finder
    return None


def _foreign() -> list[str]:
    """The loaded modules of h2 and hpack that are not fasth2's; the packages come first."""
    return sorted(
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in _MODULES
        and module is not None
        and not isinstance(module, _Package)
        and not getattr(module, "__name__", "").startswith("fasth2.")
    )


def _file(name: str) -> str:
    return getattr(sys.modules[name], "__file__", None) or "elsewhere"


def _ours(name: str) -> str:
    """fasth2's name for a module of h2 or hpack."""
    package, _, module = name.partition(".")
    return f"fasth2.{module}" if package == "h2" else f"fasth2.hpack.{module}"


class _Package(types.ModuleType):
    """``h2`` or ``hpack``: its modules are loaded when they are first used."""

    _is_fasth2 = True

    def __getattr__(self, name: str) -> Any:
        package = self.__name__
        if name in _MODULES[package]:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *_MODULES[self.__name__]})


class _Loader(importlib.abc.Loader):
    """Give fasth2's module for a name of h2 or hpack."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return _Package(spec.name) if spec.name in _MODULES else None

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        if name not in _MODULES:
            # The import system takes what stands here in the new module's place.
            sys.modules[name] = importlib.import_module(_ours(name))
            return
        module.__doc__ = f"fasth2's modules under {name}'s names."
        module.__dict__["__version__"] = _VERSIONS[name]
        if name == "hpack":
            # hpack's package has the names of its modules.
            package = importlib.import_module("fasth2.hpack")
            exported: Sequence[str] = package.__all__
            module.__dict__["__all__"] = list(exported)
            module.__dict__.update((name, getattr(package, name)) for name in exported)
            for submodule in _MODULES[name]:
                importlib.import_module(f"{name}.{submodule}")


class _Finder(importlib.abc.MetaPathFinder):
    """Find h2 and hpack in fasth2."""

    def __init__(self) -> None:
        self._loader = _Loader()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, _, module = fullname.partition(".")
        if package not in _MODULES or (module and module not in _MODULES[package]):
            return None
        return importlib.machinery.ModuleSpec(fullname, self._loader, origin="fasth2", is_package=not module)

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        """The metadata of h2 and hpack where no installed package has them."""
        if context.name is not None and context.name.lower() not in _MODULES:
            return
        installed = {
            distribution.metadata["Name"].lower()
            for finder in sys.meta_path
            if finder is not self and hasattr(finder, "find_distributions")
            for distribution in finder.find_distributions(context)
            if distribution.metadata["Name"]
        }
        from ._alias_metadata import AliasDistribution

        for name, version in _VERSIONS.items():
            if name not in installed and (context.name is None or context.name.lower() == name):
                yield AliasDistribution(name, version)
