"""The modules of the installed package, found without importing any."""
from __future__ import annotations

import pkgutil
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import fasth2

PACKAGE = Path(fasth2.__file__).parent


def _walk(folder: Path, prefix: str) -> list[str]:
    found = []
    for module in pkgutil.iter_modules([str(folder)]):
        found.append(prefix + module.name)
        if module.ispkg:
            found += _walk(folder / module.name, f"{prefix}{module.name}.")
    return found


def _compiled(name: str) -> bool:
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return any(path.with_name(path.name + suffix).exists() for suffix in EXTENSION_SUFFIXES)


#: Every module, by its full name.
MODULES = ["fasth2", *_walk(PACKAGE, "fasth2.")]

#: Those that are compiled.
COMPILED = [name for name in MODULES if _compiled(name)]


def within(name: str, package: str) -> bool:
    """Whether the module is the package or inside it."""
    return name == package or name.startswith(package + ".")
