"""What models are held against: the held-out side of a data set, cut to excerpts, and a request for one like each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np

from composer import batches, checkpoint
from composer.evaluation.kneser_ney import KneserNey, sequence_of
from composer.originality import Index, index_of, load, save
from composer.piece import version_of
from composer.request import Request
from composer.style import Style
from data import READABLE, corpora
from data.dataset import Entry, entries
from data.ingest.preparation import CARD
from data.split import Side, split_of
from theory.analysis import estimate_key
from theory.errors import CadenzaError, RequestError
from theory.score import Score
from theory.tokens import Tokenizer
from theory.transform import excerpt

Progress = Callable[[int, int], None]
_FORMAT = 1
_LENGTHS = (16, 12, 8, 4, 2)  # bars, the first that so many of the pieces have
_ENOUGH = 0.75
_FEWEST = 16  # real pieces: of halves that are smaller, resamples say nothing


class Split(NamedTuple):
    """A side of a data set.

    Attributes:
        source: as `data.dataset.entries` takes it.
        side: "test", or "valid" to choose settings on.
    """

    source: str
    side: Side

    def __str__(self) -> str:
        return f"{self.source}:{self.side}"

    @classmethod
    def parse(cls, text: str) -> Split:
        """Read "folk:test", or "folk", which means the test side.

        Raises:
            RequestError: the training side, which tells nothing, or no side at all.
        """
        source, colon, last = text.rpartition(":")
        side: Side | None = next((side for side in get_args(Side) if side == last), None)
        if not colon or side is None:
            if source and last.isidentifier() and not os.path.exists(text):
                raise RequestError(f"{text}: {last} is no side; write {source}:test or {source}:valid")
            return cls(text, "test")
        if side == "train":
            raise RequestError(f"{text}: models learnt from the training side; choose {source}:test or {source}:valid")
        return cls(source, side)


class Excerpt(NamedTuple):
    """Some bars of a held-out piece.

    Attributes:
        id: of the piece.
        score: as models know music.
        request: fields of `composer.request.Request` for a piece like it: key, meter, tempo, bars.
    """

    id: str
    score: Score
    request: dict[str, Any]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The real music of a run.

    Attributes:
        split: where it is from.
        bars: of each excerpt.
        excerpts: in order of their ids.
        pieces: of the style on that side, short ones included.
        ngrams: file of the n-grams of the training side.
        learnt: index of the training side.
    """

    split: Split
    bars: int
    excerpts: tuple[Excerpt, ...]
    pieces: int
    ngrams: Path
    learnt: Index


def held_out(
    split: Split,
    style: Style,
    bars: int | None,
    keep: Path,
    progress: Progress | None = None,
    tokenizer: Tokenizer | None = None,
) -> HeldOut:
    """Read a data set, or what was kept of it: its held-out pieces as excerpts, its training pieces counted.

    Args:
        split: data set and side.
        style: whose parts the pieces have.
        bars: of an excerpt, the first whole ones of a piece; None: 16, or fewer where many pieces are shorter.
        keep: folder in which what was read is kept.
        progress: called with (pieces read, pieces in all).
        tokenizer: on whose grid music is, and whose ids are counted; the usual one when not given.

    Raises:
        CadenzaError: as `data.dataset.entries`.
        RequestError: the side has too few pieces that the style could write.
    """
    tokenizer = tokenizer or Tokenizer()
    folder = keep / f"data-{_stamp(split.source, style, tokenizer)}"
    pieces = _read(folder, split, style, tokenizer, progress)
    chosen = bars or _length(pieces)
    excerpts = tuple(found for id_, score in pieces if (found := _excerpt(id_, score, style, chosen)))
    if len(excerpts) < _FEWEST:
        lengths = f"{len(excerpts)} of {len(pieces)} have {chosen} bars in one meter and mode that the style writes"
        remedy = "choose fewer --bars, or another side" if len(pieces) >= _FEWEST else "choose another data set or side"
        raise RequestError(
            f"{split}: {lengths if pieces else f'holds no piece for {style.name}'}; {_FEWEST} are needed: {remedy}"
        )
    return HeldOut(split, chosen, excerpts, len(pieces), folder / _NGRAMS, load(folder / _LEARNT))


_NGRAMS, _LEARNT = "n-grams.safetensors", "training-side.safetensors"
_HELD_OUT: tuple[Side, ...] = ("valid", "test")  # the last is written last


def _read(
    folder: Path, split: Split, style: Style, tokenizer: Tokenizer, progress: Progress | None
) -> list[tuple[str, Score]]:
    """Ids and scores of the held-out pieces; what else a run needs is written into the folder."""
    if not (folder / f"{_HELD_OUT[-1]}.safetensors").is_file():
        _count(folder, split.source, style, tokenizer, progress)
    arrays, meta = checkpoint.load(folder / f"{split.side}.safetensors")
    ids = np.split(arrays["ids"], arrays["ends"][:-1]) if meta["pieces"] else []
    return [(name, tokenizer.learnt.decode(one)) for name, one in zip(meta["pieces"], ids, strict=True)]


def _count(folder: Path, source: str, style: Style, tokenizer: Tokenizer, progress: Progress | None) -> None:
    total, stream = entries(source)
    pieces: dict[Side, list[batches.Piece]] = {side: [] for side in get_args(Side)}
    lines: list[tuple[str, Score]] = []
    for number, entry in enumerate(stream, 1):
        if progress:
            progress(number, total)
        if entry.score is not None and entry.side == "train":
            lines.append((entry.id, entry.score))
        piece = _piece(entry, style, tokenizer)
        if piece:
            pieces[entry.side].append(piece)
    if not pieces["train"]:
        raise RequestError(f"{source}: there is no piece for {style.name} on its training side")
    sequences = [sequence_of(piece.score, tokenizer) for piece in pieces["train"]]
    KneserNey.of(sequences, tokenizer.learnt.vocabulary.size).save(folder / _NGRAMS)
    save(index_of(lines), folder / _LEARNT)
    for side in _HELD_OUT:
        held = sorted(pieces[side], key=lambda piece: piece.id)
        arrays = {
            "ids": np.concatenate([np.empty(0, np.int32), *(piece.ids for piece in held)]),
            "ends": np.cumsum([len(piece.ids) for piece in held], dtype=np.int64),
        }
        checkpoint.save(folder / f"{side}.safetensors", arrays, {"pieces": [piece.id for piece in held]})


def _piece(entry: Entry, style: Style, tokenizer: Tokenizer) -> batches.Piece | None:
    """The piece of an entry, without chords: nobody has to hear them."""
    if entry.score is None or not style.writes_for(entry.score) or not entry.score.notes:
        return None
    score = entry.score if entry.score.keys else style.undress(entry.score, estimate_key(entry.score))
    return batches.piece_of(entry._replace(score=score, chords=()), style, tokenizer)


def _length(pieces: Iterable[tuple[str, Score]]) -> int:
    bars = [score.bars - score.pickup for _, score in pieces]
    return next((n for n in _LENGTHS if sum(each >= n for each in bars) >= _ENOUGH * len(bars)), _LENGTHS[-1])


def _excerpt(id_: str, score: Score, style: Style, bars: int) -> Excerpt | None:
    """The first whole bars of a piece, None where there are too few or the style would not write them."""
    first = int(score.pickup)
    if score.bars - first < bars:
        return None
    cut = excerpt(score, first, first + bars)
    if len(cut.meters) != 1 or not cut.notes:
        return None
    request = {
        "key": str(cut.keys[0].key),
        "meter": str(cut.meters[0].meter),
        "tempo": round(cut.tempos[0].bpm),
        "bars": bars,
    }
    try:
        Request.of(request).form(style)
    except CadenzaError:  # a meter or mode that it does not write, a tempo that no request may state
        return None
    return Excerpt(id_, style.dress(cut), request)


def _stamp(source: str, style: Style, tokenizer: Tokenizer) -> str:
    """A name for what a data set holds, and for how it is read."""
    versions = version_of("cadenza"), version_of("music21")
    said = (_FORMAT, versions, style.to_dict(), tokenizer.fingerprint, sorted(_files(source)))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _files(source: str) -> list[tuple[str, ...]]:
    """The files of a data set: names, sizes, times; of a corpus that comes along also on which side its pieces are."""
    if source in corpora.names():
        corpus = corpora.get(source)
        paths, home = corpus.files(), None
        sides = [(id_, split_of(corpus.group(id_))) for id_ in corpus.ids()]
    elif os.path.isfile(Path(source) / CARD):
        paths, home, sides = (Path(source) / CARD,), Path(source), []
    else:
        home, sides = Path(source or "(empty)"), []
        paths = tuple(path for path in home.rglob("*") if path.suffix.lower() in READABLE)
    facts = [(path.relative_to(home) if home else Path(path.name), path.stat()) for path in paths]
    times = [(name.as_posix(), str(stat.st_size), str(stat.st_mtime_ns if home else 0)) for name, stat in facts]
    return [*sides, *times]


__all__ = ["Excerpt", "HeldOut", "Split", "held_out"]
