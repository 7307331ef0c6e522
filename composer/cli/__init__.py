"""The command line: `cadenza COMMAND`. One file a command; errors become one line and an exit code."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit the process with its code."""
    try:
        from composer.cli.app import run  # takes a moment, in which Ctrl-C is pressed too

        run(arguments)
    except KeyboardInterrupt:
        print("cadenza: interrupted", file=sys.stderr)
        sys.exit(130)  # 128 + SIGINT, as shells have it


__all__ = ["main"]
