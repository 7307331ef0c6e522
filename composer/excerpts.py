"""Excerpts of whole bars as batches, for models with a latent: a piece of 32 bars gives one of 16, or eight of 2, ...

A pure function of seed and epoch, as `composer.batches`; the excerpts of a batch have equally many bars. Training
begins with short ones: many quick steps, in which the encoder learns to speak of a bar and the decoder to listen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import batches
from composer.bar_notes import SIZES, BarNotes, bar_notes, forms_of, places_of
from composer.batches import Batch, Piece
from data.augment import Augmentation, augment
from theory.errors import TrainingError
from theory.score import Score
from theory.tokens import EXPRESSIVE, Kind, Tokenizer
from theory.tokens.features import COLUMNS
from theory.transform import excerpt

LENGTHS = (2, 4, 8, 16)  # bars
_ROWS = {2: 96, 4: 64, 8: 32, 16: 20}  # excerpts in a batch, by their bars, for a batch size of 32
_NOTES_A_BATCH = 4096  # likewise, at most
# Pitches are seen as in C whatever the key, so that other keys would teach nothing but registers.
AUGMENTATION = Augmentation(keys=False, chords=0.2, rebar=0.1, tempos=(50, 139))
_SHORT_FIRST = ((0.25, 4), (0.4, 8))  # up to which point 0 to 1 of the run excerpts have how many bars at most
_WITH_UPBEAT = 0.3  # share of the excerpts from the first bar on that take the upbeat along
_POSITION = list(COLUMNS).index("position")
_NOTES = 8  # places for a bar's notes are multiples, so that few shapes are compiled
_MOST_NOTES = 1024  # in an excerpt


class Example(NamedTuple):
    """One excerpt.

    Attributes:
        sequence: its tokens and what the decoder reads beside them.
        place: where each of these tokens was read (`composer.bar_notes.place_of`), int32 (n,).
        notes: what the encoder reads.
        form: what the prior reads, int32 (bars, columns of `composer.bar_notes.FORM`).
    """

    sequence: batches.Sequence
    place: NDArray[np.int32]
    notes: BarNotes
    form: NDArray[np.int32]


def example(score: Score, tokenizer: Tokenizer) -> Example:
    """A score, whole, as an example.

    Args:
        score: on the tokens' grid.
        tokenizer: that models read by (`Settings.learnt`).
    """
    ids = tokenizer.encode(score)
    bar = np.maximum(np.cumsum(EXPRESSIVE.kinds[ids] == Kind.BAR) - 1, 0)[:-1]
    sequence = batches.sequence_of(ids, tokenizer)
    place = places_of(bar, sequence.moments[:, _POSITION].astype(np.int32) - 1)
    return Example(sequence, place, bar_notes(score), forms_of(score))


class _Cut(NamedTuple):
    """Bars of a score from the first up to, not including, the last."""

    score: Score
    first: int
    last: int


class Excerpts:
    """Batches that are made when they are asked for; they can be gone through again.

    Args:
        groups: of (score, first bar, bar after the last), of equally many bars each.
        tokenizer: as `example`.
    """

    def __init__(self, groups: Sequence[Sequence[_Cut]], tokenizer: Tokenizer) -> None:
        self._groups, self._tokenizer = groups, tokenizer

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Batch]:
        for group in self._groups:
            yield padded([example(excerpt(*cut), self._tokenizer) for cut in group])

    def scores(self) -> Iterator[Score]:
        """The excerpts themselves, one after the other."""
        return (excerpt(*cut) for group in self._groups for cut in group)


def epoch(
    pieces: Sequence[Piece], lengths: Sequence[int], batch_size: int, seed: int, number: int, at: float
) -> Excerpts:
    """Excerpts of one length, drawn anew, of every piece that is long enough for any; in batches, shuffled.

    Args:
        pieces: to learn from.
        lengths: bars of excerpts.
        batch_size: excerpts of 8 bars in a batch; there are more of shorter ones.
        seed: of what is drawn.
        number: of the epoch.
        at: point 0 to 1 of the run.

    Raises:
        TrainingError: no piece is long enough.
    """
    rng = np.random.default_rng([seed, number])
    most = next((bars for until, bars in _SHORT_FIRST if at < until), max(lengths))
    known = [bars for bars in sorted(lengths) if bars <= max(most, min(lengths))]
    groups: dict[int, list[tuple[int, _Cut]]] = {}
    for piece in pieces:
        score = augment(piece.whole, AUGMENTATION, rng, (0,))
        fitting = [bars for bars in known if bars <= score.bars - score.pickup]
        if fitting:
            for cut in _cuts(score, int(rng.choice(fitting)), max(lengths), rng):
                groups.setdefault(cut.last - cut.first, []).append((_notes(*cut) + int(rng.integers(8)), cut))
    if not groups:
        raise TrainingError(f"no piece to train on has notes in {min(lengths)} whole bars: choose shorter excerpts")
    ready = []
    for bars in sorted(groups):
        of_one_size = [cut for _, cut in sorted(groups[bars], key=lambda row: row[0])]
        ready += _batched(of_one_size, batch_size)
    tokenizer = pieces[0].tokenizer.learnt
    return Excerpts([ready[index] for index in rng.permutation(len(ready))], tokenizer)


def evaluation(pieces: Sequence[Piece], bars: int, batch_size: int) -> Excerpts:
    """The first so many whole bars of every piece that has them, without chords.

    Raises:
        TrainingError: none has.
    """
    cuts = [_Cut(score, int(score.pickup), score.pickup + bars) for score in (piece.score for piece in pieces)]
    cuts = sorted((cut for cut in cuts if _fits(*cut)), key=lambda cut: _notes(*cut))
    if not cuts:
        raise TrainingError(f"no piece to validate on has {bars} whole bars: choose shorter excerpts")
    return Excerpts(_batched(cuts, 4 * batch_size), pieces[0].tokenizer.learnt)


def whole_bars(scores: Iterable[Score], bars: int) -> Iterator[Score]:
    """The first so many whole bars of every piece that has them."""
    for score in scores:
        if _fits(score, int(score.pickup), score.pickup + bars):
            yield excerpt(score, int(score.pickup), score.pickup + bars)


def _batched(cuts: Sequence[_Cut], batch_size: int) -> list[Sequence[_Cut]]:
    """Excerpts of one length, in order of their notes, in batches of about as many notes."""
    bars = cuts[0].last - cuts[0].first
    most = max(1, _ROWS[max((known for known in _ROWS if known <= bars), default=min(_ROWS))] * batch_size // 32)
    found, start = [], 0
    while start < len(cuts):
        rows = min(most, len(cuts) - start)
        while rows > 1 and rows * _notes(*cuts[start + rows - 1]) > _NOTES_A_BATCH * batch_size // 32:
            rows -= 1
        found.append(cuts[start : start + rows])
        start += rows
    return found


def _cuts(score: Score, bars: int, most: int, rng: np.random.Generator) -> Iterator[_Cut]:
    """As many excerpts as hold the bars of one of the longest."""
    room = score.bars - score.pickup - bars
    for _ in range(max(1, min(most, score.bars) // bars)):
        start = int(rng.integers(room + 1))
        upbeat = score.pickup and start == 0 and rng.random() < _WITH_UPBEAT
        cut = _Cut(score, 0 if upbeat else start + score.pickup, start + score.pickup + bars)
        if _fits(*cut):
            yield cut


def _fits(score: Score, first: int, last: int) -> bool:
    """Whether there are such bars, notes in them, and not too many."""
    return last <= score.bars and 0 < _notes(score, first, last) <= _MOST_NOTES


def _notes(score: Score, first: int, last: int) -> int:
    lines = score.bar_lines()
    start, end = (lines[bar] for bar in (first, min(last, len(lines) - 1)))
    return sum(int(((track.onset >= start) & (track.onset < end)).sum()) for track in score.tracks)


def padded(examples: Sequence[Example]) -> Batch:
    """A batch of examples of equally many bars.

    Returns:
        Inputs: those of the decoder, then place int32 (batch, time), form int32 (batch, bars, columns), notes int32
        (batch, bars, n, columns), counts int32 (batch, bars).
    """
    batch = batches.padded([each.sequence for each in examples])
    rows, time, bars = *batch.targets.shape, len(examples[0].notes.counts)
    most = -(-max(each.notes.rows.shape[1] for each in examples) // _NOTES) * _NOTES
    place = np.zeros((rows, time), np.int32)
    notes = np.zeros((rows, bars, most, len(SIZES)), np.int32)
    counts = np.array([each.notes.counts for each in examples], np.int32)
    for row, each in enumerate(examples):
        place[row, : len(each.place)] = each.place
        notes[row, :, : each.notes.rows.shape[1]] = each.notes.rows
    form = np.array([each.form for each in examples], np.int32)
    return batch._replace(inputs=(*batch.inputs, place, form, notes, counts))


__all__ = ["LENGTHS", "Example", "Excerpts", "epoch", "evaluation", "example", "padded", "whole_bars"]
