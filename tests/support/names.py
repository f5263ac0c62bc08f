"""The names of a package: what is meant for its users, and what functions and constructors take."""
from __future__ import annotations

import ast
import importlib
import inspect
import logging
from pathlib import Path
from typing import Any


def load(package: str, module: str) -> Any:
    """A module below a package; the package itself for an empty name."""
    return importlib.import_module(f"{package}.{module}".strip("."))


def is_public(name: str, value: object, packages: tuple[str, ...]) -> bool:
    """Whether a module's name is meant for its users: its own, or taken from another module of the packages.

    A value without a module, such as a number, is the module's own.
    """
    if name.startswith("_") and name != "__version__":
        return False
    if isinstance(value, logging.Logger):
        return True
    return (name not in ("TYPE_CHECKING", "annotations") and not inspect.ismodule(value)
            and str(getattr(value, "__module__", packages[0])).partition(".")[0] in packages)


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    """(name, kind, default) of each parameter but the object itself."""
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in found if p.name not in ("self", "cls")]


def stub_parameters(stub: Path, cls: str) -> list[tuple[str, Any, Any]]:
    """The parameters of a compiled class's constructor, as its stub has them."""
    tree = ast.parse(stub.read_text())
    [body] = [node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls]
    [init] = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    for argument in (*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs):
        argument.annotation = None
    made: dict[str, Any] = {}
    exec(f"def init({ast.unparse(init.args)}): pass", {"__builtins__": {}}, made)
    return parameters(made["init"])
