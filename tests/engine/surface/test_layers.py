"""The layers of the source: imports and cimports point one way, down.

Everything is read as text, so that what is imported late, or for types only, counts like the rest. What cannot be mended
today stands in a list with its reason; an entry that is no longer needed fails, so the lists only shrink.
"""
from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from tests.support.modules import MODULES
from tests.support.paths import ROOT

SOURCE = ROOT / "src" / "fasth2"

#: Package, or module of the root, to its floor. A package not listed fails.
FLOORS = {
    "_memo": 0, "_redaction": 0, "errors": 0, "exceptions": 0, "config": 0, "limits": 0, "windows": 0,
    "_cursor": 0, "_window": 0, "_ratelimit": 0, "_priority": 0, "_percent": 0,
    "_frames": 1, "hpack": 1,
    "_engine": 2,
    # What users import: the engine under h2's names and ours.
    "connection": 3, "events": 3, "frame_buffer": 3, "settings": 3, "stream": 3, "ready": 3,
    "utilities": 3, "alias": 3, "_alias_metadata": 3,
    "server": 4,
    "wsgi": 5, "asgi": 5,
    "uvicorn": 6,
    "gunicorn": 7,
    "cli": 8,
    "__main__": 9,
}  # fmt: skip

#: The package's face imports late what it names; nothing below it imports one of its names but these.
FACE_NAMES = {"__version__", "H2_VERSION"}

#: Modules whose import changes nothing in this process: one runs a program, the other puts fasth2 in gunicorn's place.
IMPORTABLE = [module for module in MODULES if module not in ("fasth2.__main__", "fasth2.gunicorn.conf")]

#: Hosts, and the lowest floor that may know of them.
HOSTS = {"gunicorn": "gunicorn", "uvicorn": "uvicorn"}

LINES = 800

#: (importer, imported): why. Both as modules below fasth2.
ARROWS: dict[tuple[str, str], str] = {}

#: Modules in a cycle: why.
CYCLES: dict[frozenset[str], str] = {}

#: File below src/fasth2: why it is longer.
LONG: dict[str, str] = {}

#: File below src/fasth2 that names a host in its code: why.
NAMES_A_HOST: dict[str, str] = {}

#: Class: why it has more than three of ours in its method resolution order.
_CHAIN = "a chain of cdef classes fixes the layout that the C reads"
_HELD = "its base holds neither its receiving half nor its blocking loop"
DEEP: dict[str, str] = {
    "fasth2.gunicorn.patched.batching.BatchingConnection": _HELD,
    "fasth2.wsgi.call.Call": _CHAIN,
    "fasth2.wsgi.call_state.CallState": _CHAIN,
}

STRING = re.compile(
    r'[rbfuRBFU]{0,2}("""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\')'
    r'|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|#[^\n]*',
    re.S,
)
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<from>\.*[\w.]*)[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^\n;]*)"
    r"|c?import[ \t]+(?P<plain>[\w., \t]+))",
    re.M,
)


def files() -> list[Path]:
    return sorted(path for kind in ("*.py", "*.pyx", "*.pxd") for path in SOURCE.rglob(kind))


def module_of(path: Path) -> str:
    """The module below fasth2, empty for the package itself."""
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    return name.removesuffix("__init__").removesuffix(".")


def code_of(path: Path) -> str:
    """The file's text without comments and strings; each line stays where it is."""
    return STRING.sub(lambda found: '""' + "\n" * found[0].count("\n"), path.read_text())


THERE = {module_of(path) for path in files()}


def resolve(path: Path, target: str) -> str | None:
    """The absolute name below fasth2, ``None`` for what is not ours."""
    if target.startswith("."):
        package = list(path.relative_to(SOURCE).parent.parts)
        up = len(target) - len(target.lstrip(".")) - 1
        package = package[: len(package) - up] if up else package
        rest = target.lstrip(".")
        return ".".join([*package, *([rest] if rest else [])])
    if target == "fasth2":
        return ""
    return target.removeprefix("fasth2.") if target.startswith("fasth2.") else None


def imports_of(path: Path) -> list[tuple[str | None, str, str]]:
    """(module below fasth2 or ``None``, name taken from it or empty, text) of every import and cimport."""
    found: list[tuple[str | None, str, str]] = []
    for match in IMPORT.finditer(code_of(path)):
        if match["plain"]:
            for word in match["plain"].split(","):
                name = word.split(" as ")[0].strip()
                found.append((resolve(path, name), "", name))
            continue
        base = resolve(path, match["from"])
        for word in match["names"].strip("()").replace("\n", " ").split(","):
            name = word.split(" as ")[0].strip()
            if not name:
                continue
            if base is not None and (inner := f"{base}.{name}".strip(".")) in THERE:
                found.append((inner, "", match["from"]))
            else:
                found.append((base, name, match["from"]))
    return found


def arrows() -> dict[tuple[str, str], str]:
    """(importer, imported) of everything that is ours, and the file."""
    found = {}
    for path in files():
        importer = module_of(path)
        for imported, name, _ in imports_of(path):
            if imported is None or imported == importer or (imported == "" and name in FACE_NAMES | {""}):
                continue
            found[importer, imported] = path.relative_to(SOURCE).as_posix()
    return found


def room(module: str) -> str:
    return module.partition(".")[0]


def goes_down(importer: str, imported: str) -> bool:
    if importer == "":
        return True
    if imported == "" or room(importer) not in FLOORS or room(imported) not in FLOORS:
        return False
    if room(importer) == room(imported):
        return True
    above, below = FLOORS[room(importer)], FLOORS[room(imported)]
    if "." not in importer and "." not in imported:
        # Modules of the root share a floor with their like.
        return above >= below
    return above > below


def test_every_module_has_a_floor():
    assert {room(module) for module in THERE} - {""} <= set(FLOORS)
    assert set(FLOORS) <= {room(module) for module in THERE}


def test_imports_point_down():
    wrong = {arrow for arrow in arrows() if not goes_down(*arrow)}
    assert wrong == set(ARROWS)


def test_the_rooms_of_gunicorn_are_stacked():
    """The workers build on the connection classes, and our own servers on both; nothing points back."""
    stacked = ["gunicorn.dropin", "gunicorn.patched", "gunicorn.native"]
    wrong = {(importer, imported) for importer, imported in arrows()
             for number, lower in enumerate(stacked) for upper in stacked[number + 1:]
             if importer.startswith(lower + ".") and imported.startswith(upper)}
    assert wrong == set()


def cycles() -> set[frozenset[str]]:
    """The strongly connected groups of more than one module."""
    graph: dict[str, set[str]] = {}
    for importer, imported in arrows():
        graph.setdefault(importer, set()).add(imported)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for following in graph.get(todo.pop(), ()):
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
        return seen

    reach = {module: reached(module) for module in graph}
    return {
        frozenset(other for other in reach[module] if module in reach.get(other, ()))
        for module in graph
        if module in reach[module]
    }


def test_no_cycle():
    assert cycles() == set(CYCLES)


def length(path: Path) -> int:
    """Lines, those of docstrings left out: a string of three quotes that begins a line."""
    text = path.read_text()
    inside = 0
    for match in STRING.finditer(text):
        if match[1] and not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip():
            inside += match[0].count("\n") + 1
    return text.count("\n") - inside


def test_no_file_is_too_long():
    long = {path.relative_to(SOURCE).as_posix() for path in files() if length(path) > LINES}
    assert long == set(LONG)


@pytest.mark.parametrize("host", sorted(HOSTS))
def test_only_its_own_room_knows_a_host(host):
    knows = set()
    for path in files():
        if room(module_of(path)) in (HOSTS[host], "__main__"):
            continue
        imported = {text.partition(".")[0] for module, _, text in imports_of(path) if module is None}
        if host in imported or re.search(rf"\b{host}\b", code_of(path)):
            knows.add(path.relative_to(SOURCE).as_posix())
    assert knows == set(NAMES_A_HOST if host == "gunicorn" else ())


def test_every_folder_of_source_has_its_folder_of_tests():
    for folder in {path.parent.relative_to(SOURCE).as_posix() for path in files()}:
        place = ROOT / "tests" / {".": "engine/surface", "_engine": "engine"}.get(folder, folder)
        assert list(place.rglob("test_*.py")), folder


def test_no_deep_inheritance():
    deep = set()
    for module in IMPORTABLE:
        for _, cls in inspect.getmembers(importlib.import_module(module), inspect.isclass):
            ours = [base for base in cls.__mro__ if base.__module__.startswith("fasth2")]
            if len(ours) > 3 and cls.__module__.startswith("fasth2") and not issubclass(cls, BaseException):
                deep.add(f"{cls.__module__}.{cls.__qualname__}")
    assert deep == set(DEEP)


def test_no_attribute_of_the_package_is_a_setting_of_gunicorn():
    from gunicorn.config import KNOWN_SETTINGS

    import fasth2.gunicorn

    settings = {setting.name for setting in KNOWN_SETTINGS}
    submodules = {module.partition("fasth2.gunicorn.")[2].partition(".")[0] for module in MODULES
                  if module.startswith("fasth2.gunicorn.")}
    for module in IMPORTABLE:
        if module.startswith("fasth2.gunicorn."):
            importlib.import_module(module)
    assert settings.isdisjoint({*vars(fasth2.gunicorn), *fasth2.gunicorn.__all__, *submodules})
