"""Small pieces, all of them different, and files of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import data
from theory.event import KeyEvent
from theory.key import Key
from theory.score import Score, Track

QUARTER = 480


def tune(seed: int, notes: int = 60, program: int = 0) -> Score:
    """A melody over a bass, at random in C major."""
    dice = np.random.default_rng(seed)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
    lengths = dice.choice([1, 1, 2, 2, 4, 3], notes) * (QUARTER // 2)
    onsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    top = Track(onsets, lengths, 60 + scale[dice.integers(0, 10, notes)], np.full(notes, 80), program=program)
    beats = np.arange(0, int(lengths.sum()), 2 * QUARTER)
    low = Track(beats, np.full(len(beats), 2 * QUARTER), 36 + scale[dice.integers(0, 7, len(beats))],
                np.full(len(beats), 70), program=32)  # fmt: skip
    return Score((top, low), keys=(KeyEvent(0, Key.parse("C")),), title=f"Tune {seed}")


ABC = """X:1
T:First
M:4/4
L:1/8
K:G
GABc d2e2|d2B2 G4|ABcd e2f2|g8|
X:2
T:Second
M:6/8
L:1/8
K:D
dfa afd|ege e2d|faf def|d6|
"""

KERN = "**kern\n*M4/4\n=1\n4c\n4d\n4e\n4f\n=2\n2g\n4e\n4c\n=3\n4d\n4B\n4G\n4c\n==\n*-\n"


def fill(folder: Path, pieces: int) -> None:
    """A folder of every format, with damage."""
    for number in range(pieces):
        path = folder / f"set {number % 3}" / f"{number:03}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        data.write(tune(number), path)
    data.write(tune(1000), folder / "set 0" / "score.musicxml")
    (folder / "book.abc").write_text(ABC)
    (folder / "song.krn").write_text(KERN)
    (folder / "empty.mid").write_bytes(b"")
    (folder / "damaged.mid").write_bytes(b"MThd, they say")
    (folder / "notes.txt").write_text("no music")
