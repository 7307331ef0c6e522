"""The commands, and what becomes of their errors: one line and an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from composer.cli import (
    analyze,
    blend,
    compose,
    continue_,
    corpus,
    doctor,
    evaluate,
    interpolate,
    map_,
    options,
    prepare,
    reconstruct,
    render,
    replay,
    tokenize_,
    train,
    vary,
)
from theory.errors import CadenzaError, OutputError, RepairWarning

app = typer.Typer(
    name="cadenza",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_MODULES = (
    compose, continue_, vary, reconstruct, interpolate, blend, map_, render, replay, analyze, tokenize_, prepare, train,
    evaluate, doctor,
)  # fmt: skip
for _module in _MODULES:
    app.command(_module.NAME)(_module.run)
app.add_typer(corpus.app, name=corpus.NAME)


@app.callback()
def _cadenza(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Compose music: a score, and the waveform that sounds like it."""
    if version:
        from composer.piece import version_of

        print(f"cadenza {version_of('cadenza')}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


_UsageError: Any = typer.BadParameter.__bases__[0]  # typer carries its own copy of click in newer versions


def run(arguments: list[str] | None = None) -> None:
    """Run a command and exit the process with its code.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    # Closed streams are None: what is said there is lost, nothing else.
    sys.stdout, sys.stderr = (
        stream or Path(os.devnull).open("w")  # noqa: SIM115  # for the rest of the process
        for stream in (sys.stdout, sys.stderr)
    )
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # titles and paths may hold what a terminal cannot show
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", RepairWarning)
            warnings.showwarning = _show_warning
            code = app(arguments, standalone_mode=False)
        sys.stdout.flush()
        if code == options.INTERRUPTED:  # how newer typers tell of Ctrl-C
            raise KeyboardInterrupt
        sys.exit(code)
    except CadenzaError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "cadenza"
        _complain(f"{error.format_message().rstrip('.')} ({command} --help lists what there is)")
        sys.exit(error.exit_code)
    except typer.Abort:  # how older ones do
        raise KeyboardInterrupt from None
    except BrokenPipeError:  # the reader of our output went away, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # our own are CadenzaErrors: this one comes from print
        _complain(f"the answer cannot be written: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OutputError.exit_code)
    except MemoryError:
        print("cadenza: out of memory: the piece or the file is too large for this machine", file=sys.stderr)
        sys.exit(1)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """What was repaired in a file is for the user to read; other warnings are for those who write programs."""
    if issubclass(category, RepairWarning):
        _complain(str(message))
    else:
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr)


def _complain(text: str) -> None:
    """One line, whatever the message held."""
    print(f"cadenza: {' '.join(text.split())}", file=sys.stderr)


__all__ = ["app", "run"]
