"""`cadenza corpus`: the music that comes along, and what may be done with it."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from composer.cli import options

NAME = "corpus"
app = typer.Typer(help="The corpora that come along: what is in them, under which licence.")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="As `cadenza corpus list` has it.")]


@app.callback(invoke_without_command=True)
def _corpus(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_(json: options.Json = False) -> None:
    """List all corpora with their number of pieces and their size on disk.

    Example:
        cadenza corpus list
    """
    from data import corpora

    rows = [_facts(corpora.get(name)) for name in corpora.names()]
    if json:
        options.print_json({"corpora": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:{width}}  {row['pieces']:5,} pieces  {_size(row['bytes']):>7}  {row['title']}")


@app.command()
def show(name: _Name, json: options.Json = False) -> None:
    """Show what a corpus is: title, source, licence as stated, size, citation, the models trained on it.

    Example:
        cadenza corpus show chorales
    """
    from data import corpora

    facts = _facts(corpora.get(name))
    if json:
        options.print_json(facts)
        return
    facts["size"] = f"{facts['pieces']:,} pieces in {facts['files']:,} files, {_size(facts['bytes'])}"
    facts["models"] = ", ".join(facts["models"]) or "none that ships"
    labels = {
        "title": "title", "size": "size", "source": "source", "license": "licence", "citation": "cite", "path": "path",
        "models": "models",
    }  # fmt: skip
    for key, label in labels.items():
        print(f"{label:8} {facts[key]}")


@app.command()
def path(
    name: _Name,
    files: Annotated[bool, typer.Option("--files", help="Print every file, one a line.")] = False,
) -> None:
    """Print the folder that holds a corpus. It may hold other music too: `--files` prints what belongs to it.

    Examples:
        cadenza corpus path chorales

        cadenza prepare "$(cadenza corpus path oneills_1850)" --out-dir datasets/oneill
    """
    from data import corpora

    corpus = corpora.get(name)
    print("\n".join(map(str, corpus.files())) if files else _folder(corpus))


def _facts(corpus: Any) -> dict[str, Any]:
    files = corpus.files()
    return {
        "name": corpus.name,
        "title": corpus.title,
        "source": corpus.source,
        "license": corpus.licence,
        "citation": corpus.citation,
        "pieces": len(corpus),
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "path": _folder(corpus),
        "models": list(_MODELS.get(corpus.name, ())),
    }


# Corpora that the models that ship were trained on, as their cards say.
_MODELS = {"chorales": ("chorale-lstm",)}


def _folder(corpus: Any) -> str:
    return str(os.path.commonpath([file.parent for file in corpus.files()]))


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB"
