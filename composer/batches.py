"""Pieces to batches of token sequences: in other keys, tempos and bars, with and without their chords, padded.

A pure function of seed and epoch. A piece states its chords in half of the epochs, so that the model learns both to
write to given chords and to write freely.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import keyview
from composer.style import Style
from data.dataset import Entry
from theory.analysis import chord_events
from theory.event import ChordEvent, MeterEvent
from theory.meter import Meter
from theory.score import Score
from theory.tokens import VOCABULARY, Kind, Tokenizer
from theory.tokens.features import COLUMNS, PITCHES, features
from theory.transform import resample, transpose

PAD_TO = 128  # lengths are padded to multiples, so that few shapes are compiled
_TEMPOS = (50, 140)
_WITH_CHORDS = 0.5  # of the epochs
_REBARRED = 0.2  # of the epochs, where a piece can be written in another meter


class Sequence(NamedTuple):
    """One training sequence: n tokens to read, n to predict.

    Attributes:
        tokens, targets: int32 (n,), ids as the network sees them (`composer.keyview`).
        plan: int32 (n, columns); heard: uint8 (n, 128).
        scored: bool (n,), whether the target counts (what a request gives is not the model's to guess).
        notes: how many notes it has.
    """

    tokens: NDArray[np.int32]
    targets: NDArray[np.int32]
    plan: NDArray[np.int32]
    heard: NDArray[np.uint8]
    scored: NDArray[np.bool_]
    notes: int


class Batch(NamedTuple):
    """Padded sequences: inputs as the decoder takes them, targets, weights (0 where padded or not scored).

    Attributes:
        inputs: tokens int32 (batch, time), plan int32 (batch, time, columns), heard float32 (batch, time, 128).
        targets: int32 (batch, time).
        weights: float32 (batch, time).
        notes: notes in the batch.
    """

    inputs: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]
    targets: NDArray[np.int32]
    weights: NDArray[np.float32]
    notes: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece in its forms.

    Attributes:
        id: of the data set's entry.
        score: without chords.
        chords: what an analysis hears in it.
        shifts: by how many semitones it can be moved so that its parts can still sing it.
    """

    id: str
    score: Score
    chords: tuple[ChordEvent, ...]
    shifts: tuple[int, ...]


def prepare(entries: Iterable[Entry], style: Style) -> list[Piece]:
    """Pieces of the style's ensemble, sorted by id; others are left out."""
    pieces = []
    for entry in sorted(entries, key=lambda entry: entry.id):
        if entry.score is None or not entry.score.notes or not style.writes_for(entry.score):
            continue
        score = style.undress(entry.score)
        shifts = tuple(shift for shift in range(-5, 7) if style.fits(score.tracks, shift))
        if shifts:
            pieces.append(Piece(entry.id, score, chord_events(score), shifts))
    return pieces


@lru_cache(maxsize=2_000)  # of the forms in which pieces come, up to about a gigabyte
def _sequence(piece: Piece, shift: int = 0, *, chords: bool = False, rebarred: bool = False) -> Sequence:
    score = piece.score.replace(chords=piece.chords if chords else ())
    return sequence(transpose((_rebarred(score) or score) if rebarred else score, shift))


def _rebarred(score: Score) -> Score | None:
    """The same music in half as long bars (2/4 for 4/4), or at half its values (6/8 for two bars of 3/4).

    None for a piece in another meter, or in several.
    """
    upbeat, body = (score.meters[:1], score.meters[1:]) if score.pickup else ((), score.meters)
    written = [str(event.meter) for event in body]
    if written == ["4/4"]:
        return score.replace(meters=(*upbeat, MeterEvent(body[0].tick, Meter(2, 4))))
    if written != ["3/4"]:
        return None
    halved = score.replace(
        ticks_per_quarter=2 * score.ticks_per_quarter,
        meters=(
            *(MeterEvent(0, Meter(event.meter.numerator, 2 * event.meter.denominator)) for event in upbeat),
            MeterEvent(body[0].tick, Meter(6, 8)),
        ),
    )
    return resample(halved, score.ticks_per_quarter)


def sequence(score: Score) -> Sequence:
    """A score as a training sequence. What a request states (header, key, meter, tempo) is read but not scored."""
    ids = Tokenizer().encode(score)
    plan, heard = features(ids)
    kinds = VOCABULARY.kinds[ids]
    prompt = int(np.flatnonzero(kinds == Kind.TEMPO_LOW)[0])
    signature = keyview.first_signature(score)
    seen = keyview.token_map(signature)[ids].astype(np.int32)
    return Sequence(
        tokens=seen[:-1],
        targets=seen[1:],
        plan=keyview.plan_seen(plan, signature)[:-1],
        heard=keyview.heard_seen(heard, signature)[:-1],
        scored=np.arange(1, len(ids)) > prompt,
        notes=int(np.isin(kinds, (Kind.PITCH, Kind.DRUM)).sum()),
    )


def epoch(pieces: list[Piece], batch_size: int, window: int, seed: int, number: int) -> list[Batch]:
    """One epoch: every piece once, in a random form, in batches of similar length, shuffled."""
    rng = np.random.default_rng([seed, number])
    windows: list[Sequence] = []
    for piece in pieces:
        form = _sequence(
            piece,
            int(rng.choice(piece.shifts)),
            chords=bool(rng.random() < _WITH_CHORDS),
            rebarred=bool(rng.random() < _REBARRED),
        )
        chosen = _at_tempo(form, int(rng.integers(*_TEMPOS)))
        windows += _windows(chosen, window, first=int(rng.integers(window // 2, window + 1)))
    batches = _batched(windows, batch_size)
    return [batches[index] for index in rng.permutation(len(batches))]


def evaluation(pieces: list[Piece], batch_size: int) -> Iterator[Batch]:
    """All pieces, whole and in their own key, each once without and once with its chords."""
    return iter(_batched([_sequence(piece, chords=told) for piece in pieces for told in (False, True)], batch_size))


def _at_tempo(sequence: Sequence, bpm: int) -> Sequence:
    """Say another tempo in the prompt."""
    high = int(np.flatnonzero(VOCABULARY.kinds[sequence.tokens] == Kind.TEMPO_HIGH)[0])
    tokens, targets = sequence.tokens.copy(), sequence.targets.copy()
    said = [VOCABULARY.id(Kind.TEMPO_HIGH, bpm // 16 * 16), VOCABULARY.id(Kind.TEMPO_LOW, bpm % 16)]
    tokens[high : high + 2] = targets[high - 1 : high + 1] = said
    return sequence._replace(tokens=tokens, targets=targets)


def _batched(sequences: list[Sequence], batch_size: int) -> list[Batch]:
    by_length = sorted(sequences, key=lambda piece: len(piece.tokens))
    return [_padded(by_length[start : start + batch_size]) for start in range(0, len(by_length), batch_size)]


def _windows(sequence: Sequence, size: int, first: int) -> Iterator[Sequence]:
    """Cut a sequence: one window of `first` tokens, then windows of `size`."""
    for start in [0, *range(first, len(sequence.tokens), size)]:
        end = first if start == 0 else start + size
        cut: dict[str, Any] = {name: getattr(sequence, name)[start:end] for name in Sequence._fields if name != "notes"}
        yield Sequence(**cut, notes=sequence.notes if start == 0 else 0)


def _padded(sequences: list[Sequence]) -> Batch:
    time = -(-max(len(piece.tokens) for piece in sequences) // PAD_TO) * PAD_TO
    rows = len(sequences)
    tokens, targets = np.zeros((rows, time), np.int32), np.zeros((rows, time), np.int32)
    plan, heard = np.zeros((rows, time, len(COLUMNS)), np.int32), np.zeros((rows, time, PITCHES), np.float32)
    weights = np.zeros((rows, time), np.float32)
    for row, piece in enumerate(sequences):
        n = len(piece.tokens)
        tokens[row, :n], targets[row, :n], plan[row, :n] = piece.tokens, piece.targets, piece.plan
        heard[row, :n], weights[row, :n] = piece.heard, piece.scored
    return Batch((tokens, plan, heard), targets, weights, sum(piece.notes for piece in sequences))


__all__ = ["Batch", "Piece", "Sequence", "epoch", "evaluation", "prepare", "sequence"]
