"""Whether ids spell a score, checked on columns: what decoding needs, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import TokenError
from theory.event import MAX_TEMPO, MIN_TEMPO
from theory.tokens.columns import Columns, where
from theory.tokens.grammar import FOLLOWERS
from theory.tokens.settings import Settings
from theory.tokens.vocabulary import END, EXPRESSIVE, LOW_STEPS, START, Kind

_PAIRS = np.zeros((len(Kind), len(Kind)), dtype=np.bool_)
for _kind, _followers in FOLLOWERS.items():
    _PAIRS[_kind, list(_followers)] = True

_CONTROL_KINDS = (Kind.CONTROL, Kind.BEND, Kind.PRESSURE)
_BODY_ONLY = np.isin(np.arange(len(Kind)), (*_CONTROL_KINDS, Kind.VELOCITY, Kind.PITCH, Kind.DRUM))
_VALUES_WANTED = np.zeros(len(Kind), dtype=np.int64)
_VALUES_WANTED[list(_CONTROL_KINDS)] = 2, 2, 1


def checked(ids: NDArray[Any], settings: Settings) -> Columns:
    """The columns of ids that decode.

    Args:
        ids: integers (n,).
        settings: of their tokenizer.

    Raises:
        TokenError: names the first token that cannot stand where it does.
    """
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or len(ids) < 2 or ids[0] != START or ids[-1] != END:
        raise TokenError("token ids must be one row of integers that begins with START and ends with END")
    size = settings.vocabulary.size
    if ids.min() < 0 or ids.max() >= size:
        outside = np.flatnonzero((ids < 0) | (ids >= size))
        raise TokenError(f"token {outside[0]}: id {ids[outside[0]]} is not in the vocabulary of {size}")
    tokens = ids.astype(np.int64)
    kind = EXPRESSIVE.kinds[tokens]
    known = _PAIRS.ravel()[kind[:-1].astype(np.uint16) * np.uint16(len(Kind)) + kind[1:]]
    _refuse(tokens, 1 + np.flatnonzero(~known), "cannot follow {before}")
    columns = Columns.of(tokens, kind)
    _check_header(columns)
    _check_controls(columns)
    _check_values(columns)
    _check_bars(columns)
    _check_tracks(columns, 0 if settings.microtiming else 1)
    return columns


def _refuse(ids: NDArray[np.int64], at: NDArray[np.int64], why: str) -> None:
    if len(at):
        index = int(at[0])
        before = EXPRESSIVE.name(int(ids[index - 1]))
        raise TokenError(f"token {index}: {EXPRESSIVE.name(int(ids[index]))} {why.format(before=before)}")


def _check_header(columns: Columns) -> None:
    ids, kind, bars = columns.ids, columns.kind, columns.bars
    body = int(bars[0]) if len(bars) else len(ids) - 1
    _refuse(ids, np.flatnonzero(_BODY_ONLY[kind[:body]]), "stands before the first bar")
    for header_only in (Kind.DRUMS, Kind.PROGRAM):
        at = columns.where(header_only)
        _refuse(ids, at[at >= body], "stands after the first bar")
    declared = columns.declared
    _refuse(ids, declared[columns.value(declared) != np.arange(len(declared))], "declares a track out of turn")
    _refuse(ids, columns.entries[columns.value(columns.entries) >= len(declared)], "was never declared")
    _refuse(ids, bars[:1][kind[bars[:1] + 1] != Kind.NUMERATOR], "starts the piece without a meter")


def _check_controls(columns: Columns) -> None:
    """Controls have exactly their number of values."""
    ids, kind = columns.ids, columns.kind
    if not (_VALUES_WANTED[kind].any() or (kind == Kind.VALUE.value).any()):
        return
    heads = np.flatnonzero(kind != Kind.VALUE.value)
    run = np.diff(np.append(heads, len(ids))) - 1
    _refuse(ids, heads[run != _VALUES_WANTED[kind[heads]]], "has not as many values as it needs")


def _check_values(columns: Columns) -> None:
    """Meters and tempos exist; numbers are written in falling powers."""
    ids = columns.ids
    meters = columns.where(Kind.DENOMINATOR)
    odd = (columns.value(meters - 1) * LOW_STEPS) % (1 << columns.value(meters)) != 0
    _refuse(ids, meters[odd], "makes a bar that is finer than the grid, after {before}")
    tempos = columns.where(Kind.TEMPO_LOW)
    bpm = columns.value(tempos - 1) + columns.value(tempos)
    _refuse(ids, tempos[(bpm < MIN_TEMPO) | (bpm > MAX_TEMPO)], "makes a tempo outside 4 to 1000, after {before}")
    for high in (Kind.POSITION_HIGH, Kind.DURATION_HIGH):
        powers = columns.where(high)
        doubled = (np.diff(powers) == 1) & (columns.value(powers[1:]) >= columns.value(powers[:-1]))
        _refuse(ids, powers[1:][doubled], "must be a smaller power than {before}")


def _check_bars(columns: Columns) -> None:
    """Positions rise inside a bar and stay in it; a cut bar says where, and a meter follows."""
    ids, kind, at, position = columns.ids, columns.kind, columns.positions, columns.position
    if not len(at):
        return
    meters = columns.where(Kind.DENOMINATOR)
    lengths = (columns.value(meters - 1) * LOW_STEPS) >> columns.value(meters)
    in_force = np.searchsorted(meters, columns.bars + 2, side="right") - 1  # of each bar
    _refuse(ids, at[position >= lengths[in_force][columns.bar_of]], "lies outside its bar")
    same_bar = columns.bar_of[1:] == columns.bar_of[:-1]
    _refuse(ids, at[1:][same_bar & (position[1:] <= position[:-1])], "does not come later than the position before it")
    cut = kind[at + 1] == Kind.BAR.value
    no_meter = kind[np.minimum(at + 2, len(ids) - 1)] != Kind.NUMERATOR.value
    _refuse(ids, at[cut & ((position == 0) | no_meter)], "cuts its bar short without a meter to follow")


def _check_tracks(columns: Columns, least: int) -> None:
    """Tracks rise inside a position, pitches inside a track by `least`; drums stand in drum tracks."""
    ids, entries, notes = columns.ids, columns.entries, columns.notes
    if not len(entries):
        return
    track, pitch = columns.value(entries), columns.value(notes)
    same_moment = columns.position_of[1:] == columns.position_of[:-1]
    back = same_moment & (track[1:] <= track[:-1])
    _refuse(ids, entries[1:][back], "must be a later track than the one before it at this position")
    same_entry = columns.entry_of[1:] == columns.entry_of[:-1]
    _refuse(ids, notes[1:][same_entry & (np.diff(pitch) < least)], "is not above the note before it")
    is_drum = columns.kind[where(columns.kind, Kind.PROGRAM) - 1] == Kind.DRUMS.value
    wrong = is_drum[track][columns.entry_of] != (columns.kind[notes] == Kind.DRUM.value)
    _refuse(ids, notes[wrong], "stands in a track of the other sort (drums or not)")
