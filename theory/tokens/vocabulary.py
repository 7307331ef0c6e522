"""The one vocabulary of every model that ships: what each token id means.

Atomic tokens only, in blocks of one kind. Numbers that have no bound (positions in a bar, durations) are written
with as many tokens as they need: "high" tokens, powers of two of a whole note in falling order, then one "low"
token below a whole note; almost always the low token alone.

APPEND-ONLY: a token keeps its id for ever. A new kind, or new values of an old one, go into a new block at the end of
`BLOCKS`. What only expressive performances need (`EXPRESSION`) follows after these in a vocabulary of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.key import MODES
from theory.pitch import name_of
from theory.score import TICKS_PER_QUARTER

STEPS_PER_QUARTER = 24  # 32nd notes (3 steps) and triplets of 8ths (8) and 16ths (4) are all on the grid
LOW_STEPS = 4 * STEPS_PER_QUARTER  # a low token counts the steps inside a whole note
LOWEST_FIFTHS, HIGHEST_FIFTHS = -15, 19  # Fbb to B##
VELOCITY_STEP = 4
TICKS_PER_STEP = TICKS_PER_QUARTER // STEPS_PER_QUARTER
MODE_NAMES = tuple(MODES)

# The closed tables of theory.chord as they stood when the vocabulary began; later members get a block of their own.
CHORD_QUALITIES: tuple[str, ...] = (
    "maj", "min", "dim", "aug", "sus2", "sus4", "5", "6", "m6", "7", "maj7", "m7", "mmaj7", "m7b5", "dim7", "7sus4",
    "maj7sus4", "7sus2", "maj7sus2",
)  # fmt: skip
CHORD_DEGREES: tuple[str, ...] = ("b5", "#5", "b9", "9", "#9", "11", "#11", "b13", "13", "no3", "no5")


class Kind(IntEnum):
    """What a token is about. The numbers are internal; only ids are for ever."""

    PAD = 0
    START = 1
    END = 2
    BAR = 3
    NUMERATOR = 4
    DENOMINATOR = 5
    SIGNATURE = 6
    MODE = 7
    TEMPO_HIGH = 8
    TEMPO_LOW = 9
    TRACK = 10
    DRUMS = 11
    PROGRAM = 12
    POSITION_HIGH = 13
    POSITION_LOW = 14
    DURATION_HIGH = 15
    DURATION_LOW = 16
    VELOCITY = 17
    PITCH = 18
    DRUM = 19
    NO_CHORD = 20
    CHORD_ROOT = 21
    CHORD_QUALITY = 22
    CHORD_DEGREE = 23
    CHORD_BASS = 24
    FERMATA = 25
    CONTROL = 26
    BEND = 27
    PRESSURE = 28
    VALUE = 29
    VELOCITY_OFFSET = 30
    ONSET_OFFSET = 31
    END_OFFSET = 32


CHORD_KINDS = (Kind.NO_CHORD, Kind.CHORD_ROOT, Kind.CHORD_QUALITY, Kind.CHORD_DEGREE, Kind.CHORD_BASS)


@dataclass(frozen=True, slots=True)
class Block:
    """A run of ids of one kind; the token `start + i` has the value `first + i * step`."""

    kind: Kind
    size: int
    first: int = 0
    step: int = 1


BLOCKS: tuple[Block, ...] = (
    Block(Kind.PAD, 1),
    Block(Kind.START, 1),
    Block(Kind.END, 1),
    Block(Kind.BAR, 1),
    Block(Kind.NUMERATOR, 64, first=1),
    Block(Kind.DENOMINATOR, 7),  # exponents of two
    Block(Kind.SIGNATURE, 15, first=-7),  # sharps, or flats below zero
    Block(Kind.MODE, 7),  # order of theory.key.MODES
    Block(Kind.TEMPO_HIGH, 64, step=16),  # quarters a minute: high + low
    Block(Kind.TEMPO_LOW, 16),
    Block(Kind.TRACK, 128),
    Block(Kind.DRUMS, 1),
    Block(Kind.PROGRAM, 128),
    Block(Kind.POSITION_HIGH, 7),  # exponents of two, in whole notes
    Block(Kind.POSITION_LOW, LOW_STEPS),
    Block(Kind.DURATION_HIGH, 21),
    Block(Kind.DURATION_LOW, LOW_STEPS, first=1),
    Block(Kind.VELOCITY, 33),  # multiples of VELOCITY_STEP, the outermost clipped to 1 and 127
    Block(Kind.PITCH, 128),
    Block(Kind.DRUM, 128),
    Block(Kind.FERMATA, 1),
    Block(Kind.CONTROL, 1),  # then VALUE number, VALUE value
    Block(Kind.BEND, 1),  # then VALUE high 7 bits, VALUE low 7 bits
    Block(Kind.PRESSURE, 1),  # then VALUE
    Block(Kind.VALUE, 128),
    Block(Kind.NO_CHORD, 1),
    Block(Kind.CHORD_ROOT, HIGHEST_FIFTHS - LOWEST_FIFTHS + 1, first=LOWEST_FIFTHS),
    Block(Kind.CHORD_QUALITY, len(CHORD_QUALITIES)),
    Block(Kind.CHORD_DEGREE, len(CHORD_DEGREES)),
    Block(Kind.CHORD_BASS, HIGHEST_FIFTHS - LOWEST_FIFTHS + 1, first=LOWEST_FIFTHS),
)
# How far a note is from what the tokens before say, where it is: in velocity, and in ticks at 480 a quarter. The end of
# a note shorter than a step may lie more than a step before the grid's.
EXPRESSION: tuple[Block, ...] = (
    Block(Kind.VELOCITY_OFFSET, VELOCITY_STEP, first=-(VELOCITY_STEP // 2)),
    Block(Kind.ONSET_OFFSET, TICKS_PER_STEP, first=-(TICKS_PER_STEP // 2)),
    Block(Kind.END_OFFSET, 2 * TICKS_PER_STEP - 1, first=1 - TICKS_PER_STEP - TICKS_PER_STEP // 2),
)


class Vocabulary:
    """Lookup tables over `BLOCKS`.

    Attributes:
        size: number of tokens.
        kinds: uint8 (size,), the `Kind` of each id.
        values: int32 (size,), the value of each id.
    """

    def __init__(self, blocks: tuple[Block, ...] = BLOCKS) -> None:
        starts = np.cumsum([0, *(block.size for block in blocks)])
        self.size = int(starts[-1])
        self.kinds: NDArray[np.uint8] = np.repeat([block.kind for block in blocks], np.diff(starts)).astype(np.uint8)
        runs = [block.first + block.step * np.arange(block.size) for block in blocks]
        self.values: NDArray[np.int32] = np.concatenate(runs).astype(np.int32)
        self._blocks = {block.kind: (int(start), block) for start, block in zip(starts, blocks, strict=False)}
        for column in (self.kinds, self.values):
            column.setflags(write=False)

    def __len__(self) -> int:
        return self.size

    def has(self, kind: Kind) -> bool:
        """Whether any token is of a kind."""
        return kind in self._blocks

    def span(self, kind: Kind) -> slice:
        """Ids of a kind, as a slice."""
        start, block = self._blocks[kind]
        return slice(start, start + block.size)

    def id(self, kind: Kind, value: int = 0) -> int:
        """Id of one token.

        Raises:
            KeyError: the kind has no such value.
        """
        start, block = self._blocks[kind]
        index, rest = divmod(value - block.first, block.step)
        if rest or not 0 <= index < block.size:
            raise KeyError(f"{kind.name} has no value {value}")
        return start + index

    def ids(self, kind: Kind, values: NDArray[np.integer]) -> NDArray[np.int64]:
        """Ids of many tokens of one kind, unchecked; same shape as `values`."""
        start, block = self._blocks[kind]
        result: NDArray[np.int64] = start + (np.asarray(values, dtype=np.int64) - block.first) // block.step
        return result

    def name(self, token: int) -> str:
        """A token for human eyes: "PITCH 60", "BAR"."""
        kind, value = Kind(self.kinds[token]), int(self.values[token])
        if kind in (Kind.CHORD_ROOT, Kind.CHORD_BASS):
            return f"{kind.name} {name_of(value)}"
        tables = {Kind.CHORD_QUALITY: CHORD_QUALITIES, Kind.CHORD_DEGREE: CHORD_DEGREES, Kind.MODE: MODE_NAMES}
        if kind in tables:
            return f"{kind.name} {tables[kind][value]}"
        return kind.name if self._blocks[kind][1].size == 1 else f"{kind.name} {value}"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of every token's meaning: equal where ids mean the same."""
        lines = [f"steps per quarter {STEPS_PER_QUARTER}", *(self.name(token) for token in range(self.size))]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


VOCABULARY = Vocabulary()
EXPRESSIVE = Vocabulary((*BLOCKS, *EXPRESSION))
PAD, START, END, BAR = (VOCABULARY.id(kind) for kind in (Kind.PAD, Kind.START, Kind.END, Kind.BAR))
