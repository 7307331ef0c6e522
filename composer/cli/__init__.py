"""The command line: `cadenza COMMAND`. One file a command; errors become one line and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from composer.cli import analyze, compose, continue_, doctor, render, replay, tokenize_, train
from theory.errors import CadenzaError

app = typer.Typer(
    name="cadenza",
    help="Compose music: a score, and the waveform that sounds like it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _module in (compose, continue_, render, replay, analyze, tokenize_, train, doctor):
    app.command(_module.NAME)(_module.run)

_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit the process with its code."""
    try:
        app(arguments)
    except CadenzaError as error:
        line = " ".join(str(error).split())
        print(f"cadenza: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("cadenza: interrupted", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except MemoryError:
        print("cadenza: out of memory: the piece or the file is too large for this machine", file=sys.stderr)
        sys.exit(1)


__all__ = ["app", "main"]
