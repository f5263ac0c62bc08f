"""Check what a Linux wheel of fasth2 holds: all that has to be in it, nothing else, stripped and small.

usage: python tools/check_wheel_contents.py WHEEL SOURCES

SOURCES is the folder of the package's sources. Needs readelf.
"""
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

LARGEST = 2 << 20


def faults(wheel: Path, source: Path) -> list[str]:
    """What is wrong with a wheel, a line for each."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        archive.extractall(folder)
        files = {PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")}
        unstripped = [name for name in files if name.suffix == ".so" and has_symbols(Path(folder, name))]
    found = [f"{name} is not stripped" for name in unstripped]

    package = {name.relative_to("fasth2") for name in files if name.parts[0] == "fasth2"}
    others = {name.parts[0] for name in files} - {"fasth2"}
    if {name.rpartition(".")[2] for name in others} != {"dist-info"}:
        found.append(f"beside the package: {sorted(others)}")
    compiled = {name.with_name(name.name.partition(".")[0]) for name in package if name.suffix == ".so"}
    there = {PurePosixPath(path.relative_to(source).as_posix()) for path in source.rglob("*") if path.is_file()}
    modules = {name.with_suffix("") for name in there if name.suffix == ".pyx"}
    found += [f"{name} is not compiled" for name in sorted(modules - compiled)]
    found += [f"{name} has no source" for name in sorted(compiled - modules)]
    wanted = {name for name in there if name.suffix in (".py", ".pyi", ".pxd", ".h") or name.name == "py.typed"}
    rest = {name for name in package if name.suffix != ".so"}
    found += [f"{name} is missing" for name in sorted(wanted - rest)]
    found += [f"{name} is too much" for name in sorted(rest - wanted)]

    size = wheel.stat().st_size
    if size >= LARGEST:
        found.append(f"{size} octets, {LARGEST} are too many")
    return found


def has_symbols(path: Path) -> bool:
    """Whether a shared library has what only a debugger reads."""
    sections = subprocess.run(["readelf", "--wide", "--sections", path], capture_output=True, text=True, check=True).stdout
    return ".symtab" in sections or ".debug_" in sections


def main(wheel: Path, source: Path) -> None:
    """Print what is wrong and exit with 1, or the wheel's size."""
    wrong = faults(wheel, source)
    if wrong:
        raise SystemExit("\n".join(f"{wheel.name}: {line}" for line in wrong))
    print(f"{wheel.name}: {wheel.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
