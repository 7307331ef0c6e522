"""`cadenza tokenize`: a score as tokens."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import typer

from composer.cli import options

NAME = "tokenize"


def run(
    file: options.InputFile,
    names: Annotated[bool, typer.Option("--names", help="Print names (PITCH 60) instead of ids.")] = False,
    json: options.Json = False,
) -> None:
    """Print a score's token ids, one line a bar.

    Examples:
        cadenza tokenize song.mid --names

        cadenza tokenize song.mid --json > ids.json
    """
    import data
    from theory.tokens import VOCABULARY, Tokenizer
    from theory.tokens.vocabulary import BAR

    ids = Tokenizer().encode(data.read(file)).tolist()
    words = [VOCABULARY.name(token) if names else token for token in ids]
    if json:
        options.print_json({"vocabulary": VOCABULARY.fingerprint, "tokens": words})
        return
    starts = [0, *(index for index, token in enumerate(ids) if token == BAR), len(ids)]
    for start, end in pairwise(starts):
        print((", " if names else " ").join(map(str, words[start:end])))
