"""Training data: a corpus, a folder of music or a prepared data set as pieces with a fixed side of the split."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

from data import READABLE, corpora, read_with_report
from data.ingest import shards
from data.ingest.piece import Chords
from data.ingest.preparation import CARD, UNFINISHED
from data.split import Side, split_of
from data.workers import Failure, mapped
from theory.errors import CadenzaError, FileFormatError, InputFileError, RequestError, TokenError
from theory.event import ChordEvent
from theory.score import Score
from theory.tokens import Tokenizer


class Entry(NamedTuple):
    """One piece of a data set.

    Attributes:
        id: stable name of the piece.
        side: "train", "valid" or "test", fixed by the piece's group.
        score: the piece, or None where it could not be read.
        error: why it could not be read, in one line; else empty.
        chords: as the data set states them; None: it states none, so whoever wants some must hear them.
        group: of near-duplicates, which stand on one side together.
    """

    id: str
    side: Side
    score: Score | None
    error: str = ""
    chords: tuple[ChordEvent, ...] | None = None
    group: str = ""


def entries(source: str) -> tuple[int, Iterator[Entry]]:
    """Pieces of a corpus (by name), of a data set that `cadenza prepare` made, or of a folder of music.

    Files of a folder are taken in order of their paths and parsed by all cores; the order of entries does not depend on
    that.

    Returns:
        How many there are, and the pieces one after the other.

    Raises:
        InputFileError: none of these, or a folder without music.
        FileFormatError: the data set is damaged, or its preparation was broken off.
        TokenError: its tokens are those of another vocabulary.
    """
    if source in corpora.names():
        corpus = corpora.get(source)
        names = list(corpus.ids())
        return len(names), _parsed(partial(_read_piece, source), names, [corpus.group(name) for name in names])
    folder = Path(source or "(empty)")  # an empty name does not mean the current folder
    if not os.path.isdir(folder):
        raise InputFileError(f"{source!r} is neither a corpus ({', '.join(corpora.names())}) nor a folder")
    if _is_prepared(folder):
        card = _card(folder)
        paths = {side: _shards(folder, card, side) for side in shards.SIDES}
        return card["summary"]["pieces"], _decoded(card, paths)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in READABLE)
    if not files:
        raise InputFileError(f"{folder} holds no file that can be read ({', '.join(READABLE)})")
    # Files that differ in their suffix alone are one piece in two formats: they stay on one side.
    groups = [file.removesuffix(Path(file).suffix) for file in files]
    return len(files), _parsed(partial(_read_file, folder), files, groups)


def tokenizer_of(source: str) -> Tokenizer:
    """The tokenizer of a data set that `cadenza prepare` made; the usual one for a corpus or a folder of music.

    Raises:
        FileFormatError: the data set is damaged, or its preparation was broken off.
        TokenError: its tokens are those of another vocabulary.
    """
    folder = Path(source or "(empty)")
    if source in corpora.names() or not _is_prepared(folder):
        return Tokenizer()
    return Tokenizer.of(_card(folder)["tokenizer"])


def _is_prepared(folder: Path) -> bool:
    return os.path.isfile(folder / CARD) or os.path.isdir(folder / UNFINISHED)


def tensors(folder: str | Path, side: Side, tokenizer: Tokenizer | None = None) -> Any:
    """The pieces of a prepared data set as a `tf.data.Dataset` of token ids, int32 (n,), in the order of its shards.

    Ids go from Arrow's memory to TensorFlow's as whole blocks: no Python object is made for a piece or an id. Shuffle,
    cut and batch it as any other.

    Args:
        folder: a data set that `cadenza prepare` made.
        side: "train", "valid" or "test".
        tokenizer: whose ids the data set must hold; the usual one when not given.

    Raises:
        FileFormatError: no data set, or a damaged one: a shard is missing, or of another data set.
        RequestError: no such side.
        TokenError: its tokens are another tokenizer's.
    """
    import tensorflow as tf

    if side not in shards.SIDES:
        raise RequestError(f"side {side!r}: choose one of {', '.join(shards.SIDES)}")

    card = _card(Path(folder))
    if unlike := Tokenizer.of(card["tokenizer"]).unlike(tokenizer or Tokenizer()):
        raise TokenError(f"{folder} holds other tokens than are asked for ({unlike}): prepare it again")
    paths = _shards(Path(folder), card, side)  # looked at here: TensorFlow would wrap what is raised later

    def blocks() -> Iterator[shards.Block]:
        return map(shards.tokens_of, shards.blocks(paths, ["tokens"]))

    def pieces(values: Any, offsets: Any) -> Any:
        bounds = tf.data.Dataset.from_tensor_slices((offsets[:-1], offsets[1:]))
        return bounds.map(lambda start, end: values[start:end])

    ids = tf.TensorSpec((None,), tf.int32)
    return tf.data.Dataset.from_generator(blocks, output_signature=(ids, ids)).flat_map(pieces)


def _card(folder: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if not isinstance(card["summary"]["pieces"], int) or not all(isinstance(name, str) for name in card["shards"]):
            raise TypeError(card)
        if card["chords"] not in get_args(Chords):
            raise ValueError(card["chords"])
        tokenizer, fingerprint = Tokenizer.of(card["tokenizer"]), card["fingerprint"]
    except FileNotFoundError:
        if (folder / UNFINISHED).is_dir():
            raise FileFormatError(f"{folder} was not finished: run the same `cadenza prepare` again") from None
        raise FileFormatError(f"{folder} is no data set: `cadenza prepare` makes one") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise FileFormatError(f"{folder / CARD} is damaged: prepare the data set again") from None
    if tokenizer.fingerprint != fingerprint:
        raise TokenError(f"{folder} holds tokens of another vocabulary than this version of Cadenza: prepare it again")
    return card


def _shards(folder: Path, card: dict[str, Any], side: Side) -> list[Path]:
    """The shards of one side, which can be opened and hold what the card says."""
    paths = [folder / name for name in card["shards"] if name.startswith(f"{side}-")]
    for path in paths:
        meta = shards.meta_of(path)
        if any(meta.get(word) != card[word] for word in ("fingerprint", "tokenizer", "chords")):
            raise FileFormatError(f"{path} is a shard of another data set than {CARD} says: prepare the data set again")
    return paths


def _decoded(card: dict[str, Any], paths: dict[Side, list[Path]]) -> Iterator[Entry]:
    tokenizer = Tokenizer.of(card["tokenizer"])
    for side in paths:
        for table in shards.blocks(paths[side], ["id", "group", "tokens"]):
            values, offsets = shards.tokens_of(table)
            names = zip(table.column("id").to_pylist(), table.column("group").to_pylist(), strict=True)
            for row, (id_, group) in enumerate(names):
                score = tokenizer.decode(values[offsets[row] : offsets[row + 1]])
                stated = score.chords if card["chords"] == "heard" else score.chords or None
                yield Entry(id_, side, score, chords=stated, group=group)


def _parsed(reader: Callable[[str], Score | str], names: list[str], groups: list[str]) -> Iterator[Entry]:
    with closing(mapped(reader, names)) as results:
        for name, group, result in zip(names, groups, results, strict=True):
            answer = f"{name} {result.reason}" if isinstance(result, Failure) else result
            score, error = (None, answer) if isinstance(answer, str) else (answer, "")
            yield Entry(name, split_of(group), score, error, group=group)


def _read_piece(corpus: str, name: str) -> Score | str:
    return _guarded(name, lambda: corpora.read(corpus, name))


def _read_file(folder: Path, name: str) -> Score | str:
    return _guarded(name, lambda: read_with_report(folder / name)[0])


def _guarded(name: str, reader: Callable[[], Score]) -> Score | str:
    try:
        return reader()
    except CadenzaError as error:
        return str(error)
    except Exception as error:  # one file, whatever is wrong with it, never ends the run
        return " ".join(f"{name} met an unexpected error: {type(error).__name__}: {error}".split())[:300]


__all__ = ["Entry", "entries", "tensors", "tokenizer_of"]
