"""One file to one row of a data set, or to the reason why not: what a worker does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

import data
from data import abc
from data.ingest import limits, tally
from data.ingest.limits import Refusal
from data.ingest.listing import Listed
from data.ingest.sketch import Hashes, content_hash, sketch
from data.ingest.tally import Tally
from theory.analysis import chord_events, key_correlations
from theory.errors import CadenzaError, FileFormatError, InputFileError, RequestError, TokenError
from theory.score import Score
from theory.tokens import Tokenizer

Chords = Literal["heard", "written", "none"]

# Exceptions of reading -> what the report calls such files; the first that fits counts.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (InputFileError, "cannot be opened"),
    (OSError, "cannot be opened"),
    (FileFormatError, "damaged"),
    (TokenError, "does not fit into tokens"),
    (CadenzaError, "damaged"),
    (MemoryError, "too large for memory"),
    (RecursionError, "damaged"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pieces become tokens.

    Attributes:
        tokenizer: its settings.
        chords: which chords the tokens state: those that an analysis hears (as models learn them), those that the file
            states, or none.

    Raises:
        RequestError: no such chords.
    """

    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    chords: Chords = "heard"

    def __post_init__(self) -> None:
        if self.chords not in get_args(Chords):
            raise RequestError(f"chords {self.chords!r}: choose one of {', '.join(get_args(Chords))}")


class Row(NamedTuple):
    """One piece as the data set has it.

    Attributes:
        facts: its columns beside the tokens (see `data.ingest.shards`).
        tokens: int32 (n,).
        sketch, content: what it is known again by.
        tally: it in numbers.
    """

    facts: dict[str, Any]
    tokens: NDArray[np.int32]
    sketch: Hashes
    content: str
    tally: Tally


def row_of(root: Path, encoding: Encoding, item: Listed) -> Row | Refusal:
    """Read, check, analyse and encode one piece; nothing that a file holds raises."""
    if item.error:
        return Refusal("cannot be opened", item.error)
    path = root / item.path
    try:
        if refusal := limits.refused_file(path):
            return refusal
        score, left_out = abc.read_with_report(path, item.tune) if item.tune else data.read_with_report(path)
        return limits.refused_score(score) or _row(item, score, left_out, encoding)
    except Exception as error:  # one file, whatever is wrong with it, never stops the run
        kind = next((kind for type_, kind in _KINDS if isinstance(error, type_)), "met an unexpected error")
        said = _reason(error).replace(f"{path} ", "").replace(f"{root}/", "")
        return Refusal(kind, " ".join(said.split())[:300])


def _reason(error: Exception) -> str:
    if isinstance(error, CadenzaError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"{type(error).__name__}: {error}"


def _row(item: Listed, score: Score, left_out: Mapping[str, int], encoding: Encoding) -> Row:
    if encoding.chords != "written":
        score = score.replace(chords=chord_events(score) if encoding.chords == "heard" else ())
    tokens = encoding.tokenizer.encode(score)
    key = str(score.keys[0].key if score.keys else key_correlations(score)[0][0])
    body = score.meters[1 if score.pickup else 0]
    facts = {
        "id": item.id,
        "path": item.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
        "title": score.title,
        "source": item.rights.source,
        "license": item.rights.license,
        "stem": item.stem,
        "meter": str(body.meter),
        "key": key,
        "bars": score.bars,
        "notes": score.notes,
        "seconds": score.duration,
    }
    counts = tally.of_piece(score, key, len(tokens), left_out)
    return Row(facts, tokens, sketch(score), content_hash(score), counts)


__all__ = ["Chords", "Encoding", "Row", "row_of"]
