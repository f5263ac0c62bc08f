"""``python -m fasth2``: the command line."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fasth2 import H2_VERSION, __version__


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m fasth2",
        description="HTTP/2 for Python at native speed.",
        epilog="The environment: FASTH2_DISABLE=1 leaves gunicorn and h2 as they are; FASTH2_LIMITS and "
        "FASTH2_CONNECTION_WINDOW set limits and the connection's window.",
    )
    parser.add_argument("--version", action="version", version=f"fasth2 {__version__} (h2's API {H2_VERSION})")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser(
        "gunicorn", add_help=False,
        help="run gunicorn on fasth2, with gunicorn's own arguments (python -m fasth2 gunicorn --help)",
    )
    commands.add_parser(
        "run", add_help=False,
        help="run a program with fasth2 in the place of h2 and hpack (python -m fasth2 run --help)",
    )
    command = parser.parse_args(arguments[:1]).command
    if command == "run":
        from fasth2.cli.run import run

        return run(arguments[1:])
    return _gunicorn(arguments[1:])


def _gunicorn(arguments: Sequence[str]) -> int:
    try:
        import gunicorn  # noqa: F401
    except ModuleNotFoundError:
        print("gunicorn is not installed: pip install 'fasth2[gunicorn]'", file=sys.stderr)
        return 1
    from fasth2.gunicorn.launcher import run

    run(arguments, "python -m fasth2 gunicorn")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
