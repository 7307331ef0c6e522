"""Pieces to batches of token sequences: in other keys, tempos and bars, with and without their chords, padded.

A pure function of seed and epoch: in every epoch `data.augment` draws another form of each piece. A piece states its
chords in half of the epochs, so that the model learns both to write to given chords and to write freely.

What stays in memory is ids, of the pieces and of an epoch's forms. What a network reads beside them (32 times as much)
is made batch by batch, with a bounded cache.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import keyview
from composer.style import Style
from data.augment import Augmentation, augment
from data.dataset import Entry
from theory.analysis import chord_events
from theory.errors import TrainingError
from theory.event import ChordEvent
from theory.score import Score
from theory.tokens import EXPRESSIVE, Kind, Tokenizer
from theory.tokens.features import COLUMNS, PITCHES, features
from theory.tokens.vocabulary import STEPS_PER_QUARTER, TICKS_PER_STEP

PAD_TO = 64  # lengths are padded to multiples, so that few shapes are compiled; windows have such lengths
AUGMENTATION = Augmentation(chords=0.5, rebar=0.2, tempos=(50, 139))
_CACHED = 4_000_000  # tokens of sequences that are kept for the next window, 42 bytes each

Ids = NDArray[np.int32]


class Sequence(NamedTuple):
    """One training sequence: n tokens to read, n to predict.

    Attributes:
        tokens, targets: int32 (n,), ids as the network sees them (`composer.keyview`).
        moments: uint8 (n, columns), the plan.
        packed: uint8 (n, 16), the bits of `heard`.
        scored: bool (n,), whether the target counts (what a request gives is not the model's to guess).
        notes: how many notes it has.
    """

    tokens: Ids
    targets: Ids
    moments: NDArray[np.uint8]
    packed: NDArray[np.uint8]
    scored: NDArray[np.bool_]
    notes: int

    @property
    def plan(self) -> NDArray[np.int32]:
        """The plan of each moment: int32 (n, columns)."""
        return self.moments.astype(np.int32)

    @property
    def heard(self) -> NDArray[np.uint8]:
        """1 where a pitch sounds: uint8 (n, 128)."""
        return np.unpackbits(self.packed, axis=1)


_COLUMNS = Sequence._fields[:-1]


class Batch(NamedTuple):
    """Padded sequences: inputs as the decoder takes them, targets, weights (0 where padded or not scored).

    Attributes:
        inputs: tokens int32 (batch, time), plan int32 (batch, time, columns), heard float32 (batch, time, 128), and
            whatever else the network reads.
        targets: int32 (batch, time).
        weights: float32 (batch, time).
        notes: notes in the batch.
    """

    inputs: tuple[NDArray[Any], ...]
    targets: Ids
    weights: NDArray[np.float32]
    notes: int


@dataclass(frozen=True, eq=False, slots=True)
class Piece:
    """A piece to learn from.

    Attributes:
        id: of the data set's entry.
        ids: int32 (n,), the piece with its chords.
        end: tick (480 a quarter) at which it ends; ids say the bar only, and in shorter bars it may be an earlier one.
        shifts: by how many semitones it can be moved so that its parts can still sing it.
        tokenizer: of the data set; models read what it has `learnt`.
    """

    id: str
    ids: Ids
    end: int
    shifts: tuple[int, ...]
    tokenizer: Tokenizer

    @property
    def whole(self) -> Score:
        """The piece with its chords."""
        plain = self.tokenizer.learnt.decode(self.ids)
        return plain.replace(end=max(self.end, *(track.end for track in plain.tracks)))

    @property
    def score(self) -> Score:
        """The piece without chords."""
        return self.whole.replace(chords=())

    @property
    def chords(self) -> tuple[ChordEvent, ...]:
        """Its chords: those that the data set states, or else those that an analysis hears."""
        return self.whole.chords

    def encode(self, score: Score) -> Ids:
        """Ids of one of its forms."""
        return self.tokenizer.learnt.encode(score)


def fingerprint(*sides: Iterable[Piece]) -> str:
    """Of the pieces of both sides: what a run that goes on must have again."""
    digest = hashlib.sha256()
    for side in sides:
        for piece in side:
            digest.update(f"{piece.id} {piece.end} {piece.shifts}".encode() + piece.ids.tobytes())
        digest.update(b"/")
    return digest.hexdigest()


def check_sides(train: list[Piece], valid: list[Piece], style: Style) -> None:
    """See that there are pieces of both sides.

    Raises:
        TrainingError: one has none.
    """
    if not train or not valid:
        parts = ", ".join(part.name.lower() for part in style.parts)
        raise TrainingError(
            f"{len(train)} pieces to train on, {len(valid)} to validate: both are needed, written for {parts} as style "
            f"{style.name} is; choose the style of the pieces (--style), or add some: one in ten goes to each of valid "
            "and test"
        )


def prepare(entries: Iterable[Entry], style: Style, tokenizer: Tokenizer | None = None) -> list[Piece]:
    """Pieces of the style's ensemble, sorted by id; others are left out.

    Args:
        entries: read one after the other; none is kept.
        style: of the model.
        tokenizer: of the data set (`data.dataset.tokenizer_of`); the usual one when not given.
    """
    found = (piece_of(entry, style, tokenizer or Tokenizer()) for entry in entries)
    return sorted((piece for piece in found if piece is not None), key=lambda piece: piece.id)


def piece_of(entry: Entry, style: Style, tokenizer: Tokenizer) -> Piece | None:
    """The piece of an entry, None where the style has other parts."""
    if entry.score is None or not entry.score.notes or not style.writes_for(entry.score):
        return None
    score = style.undress(entry.score, dynamics=tokenizer.expressive)
    shifts = tuple(shift for shift in range(-5, 7) if style.fits(score.tracks, shift))
    if not shifts:
        return None
    chords = chord_events(score) if entry.chords is None else entry.chords
    ids = tokenizer.learnt.encode(score.replace(chords=chords))
    end = round(score.end * STEPS_PER_QUARTER / score.ticks_per_quarter) * TICKS_PER_STEP
    return Piece(entry.id, ids, end, shifts, tokenizer)


def sequence(score: Score, tokenizer: Tokenizer | None = None) -> Sequence:
    """A score as a training sequence. What a request states (header, key, meter, tempo) is read but not scored."""
    tokenizer = tokenizer or Tokenizer()
    return sequence_of(tokenizer.encode(score), tokenizer)


def sequence_of(ids: Ids, tokenizer: Tokenizer) -> Sequence:
    """Ids as a training sequence."""
    return _sequence(ids, tokenizer.vocabulary.size)


def _sequence(ids: Ids, vocabulary: int) -> Sequence:
    plan, heard = features(ids)
    kinds = EXPRESSIVE.kinds[ids]
    prompt = int(np.flatnonzero(kinds == Kind.TEMPO_LOW)[0])
    signature = _signature(kinds[: prompt + 1], ids)
    seen = keyview.token_map(signature, vocabulary)[ids].astype(np.int32)
    return Sequence(
        tokens=seen[:-1],
        targets=seen[1:],
        moments=keyview.plan_seen(plan, signature)[:-1].astype(np.uint8),
        packed=np.packbits(keyview.heard_seen(heard, signature)[:-1], axis=1),
        scored=np.arange(1, len(ids)) > prompt,
        notes=int(np.isin(kinds, (Kind.PITCH, Kind.DRUM)).sum()),
    )


def _signature(prompt: NDArray[np.uint8], ids: Ids) -> int:
    """Signature of the key that is stated before the first tempo; 0 where none is."""
    said = np.flatnonzero(prompt == Kind.SIGNATURE)
    return int(EXPRESSIVE.values[ids[said[0]]]) if len(said) else 0


class _Window(NamedTuple):
    """Part of a form: `form` counts forms, `start` and `end` tokens."""

    form: int
    start: int
    end: int


class Batches:
    """Batches that are made when they are asked for, in order; they can be gone through again.

    Args:
        forms: ids of the forms.
        batches: of parts of these forms.
        vocabulary: number of tokens.
    """

    def __init__(self, forms: list[Ids], batches: list[list[_Window]], vocabulary: int) -> None:
        self._forms, self._batches, self._vocabulary = forms, batches, vocabulary
        self._known: OrderedDict[int, Sequence] = OrderedDict()
        self._tokens = 0

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        for windows in self._batches:
            yield padded([self._part(window) for window in windows])

    def _part(self, window: _Window) -> Sequence:
        whole = self._whole(window.form)
        cut: dict[str, Any] = {name: getattr(whole, name)[window.start : window.end] for name in _COLUMNS}
        return Sequence(**cut, notes=0 if window.start else whole.notes)

    def _whole(self, form: int) -> Sequence:
        found = self._known.pop(form, None)
        if found is None:
            found = _sequence(self._forms[form], self._vocabulary)
            self._tokens += len(found.tokens)
        self._known[form] = found
        while self._tokens > _CACHED and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._tokens -= len(oldest.tokens)
        return found


def epoch(pieces: list[Piece], batch_size: int, window: int, seed: int, number: int) -> Batches:
    """One epoch: every piece once, in a random form, in batches of similar length, shuffled."""
    rng = np.random.default_rng([seed, number])
    forms: list[Ids] = []
    windows: list[_Window] = []
    for index, piece in enumerate(pieces):
        forms.append(piece.encode(augment(piece.whole, AUGMENTATION, rng, piece.shifts)))
        windows += _windows(index, len(forms[-1]) - 1, window, first=_first(window, rng))
    batches = _batched(windows, batch_size)
    shuffled = [batches[index] for index in rng.permutation(len(batches))]
    return Batches(forms, shuffled, pieces[0].tokenizer.vocabulary.size if pieces else 0)


def evaluation(pieces: list[Piece], batch_size: int) -> Batches:
    """All pieces, whole and in their own key, each once without and once with its chords."""
    forms = [ids for piece in pieces for ids in (piece.encode(piece.score), piece.ids)]
    windows = [_Window(index, 0, len(ids) - 1) for index, ids in enumerate(forms)]
    return Batches(forms, _batched(windows, batch_size), pieces[0].tokenizer.vocabulary.size if pieces else 0)


def _first(window: int, rng: np.random.Generator) -> int:
    """Length of a piece's first window: from half a window to a whole one, without padding where that can be."""
    unit = PAD_TO if window >= PAD_TO else 1
    return unit * int(rng.integers(max(1, window // 2 // unit), window // unit + 1))


def _windows(form: int, length: int, size: int, first: int) -> Iterator[_Window]:
    """Cut a sequence: one window of `first` tokens, then windows of `size`."""
    for start in [0, *range(first, length, size)]:
        yield _Window(form, start, min(first if start == 0 else start + size, length))


def _batched(windows: list[_Window], batch_size: int) -> list[list[_Window]]:
    by_length = sorted(windows, key=lambda window: window.end - window.start)
    return [by_length[start : start + batch_size] for start in range(0, len(by_length), batch_size)]


def padded(sequences: Iterable[Sequence]) -> Batch:
    """A batch of sequences."""
    sequences = list(sequences)
    time = -(-max(len(piece.tokens) for piece in sequences) // PAD_TO) * PAD_TO
    rows = len(sequences)
    tokens, targets = np.zeros((rows, time), np.int32), np.zeros((rows, time), np.int32)
    plan, heard = np.zeros((rows, time, len(COLUMNS)), np.int32), np.zeros((rows, time, PITCHES), np.float32)
    weights = np.zeros((rows, time), np.float32)
    for row, piece in enumerate(sequences):
        n = len(piece.tokens)
        tokens[row, :n], targets[row, :n], plan[row, :n] = piece.tokens, piece.targets, piece.moments
        heard[row, :n], weights[row, :n] = piece.heard, piece.scored
    return Batch((tokens, plan, heard), targets, weights, sum(piece.notes for piece in sequences))


__all__ = [
    "AUGMENTATION", "Batch", "Batches", "Piece", "Sequence", "epoch", "evaluation", "padded", "piece_of", "prepare",
    "sequence", "sequence_of",
]  # fmt: skip
