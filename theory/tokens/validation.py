"""Whether ids spell a score, checked on columns: what decoding needs, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import TokenError
from theory.event import MAX_TEMPO, MIN_TEMPO
from theory.score import IntArray
from theory.tokens.columns import Columns
from theory.tokens.grammar import FOLLOWERS
from theory.tokens.settings import Settings
from theory.tokens.vocabulary import END, EXPRESSIVE, LOW_STEPS, START, Kind

_KINDS = len(Kind)
_CANNOT_FOLLOW = np.ones((_KINDS, _KINDS), dtype=np.bool_)
for _kind, _followers in FOLLOWERS.items():
    _CANNOT_FOLLOW[_kind, list(_followers)] = False

_VALUES_WANTED = {Kind.CONTROL: 2, Kind.BEND: 2, Kind.PRESSURE: 1}
_WANTED = np.zeros(_KINDS, dtype=np.int64)
_WANTED[list(_VALUES_WANTED)] = list(_VALUES_WANTED.values())
_BODY_ONLY = (*_VALUES_WANTED, Kind.VELOCITY, Kind.PITCH, Kind.DRUM)
_HEADER_ONLY = (Kind.DRUMS, Kind.PROGRAM)
# Comparing an array with a member of an enumeration takes several times as long as with a plain number.
_BAR, _NUMERATOR, _DRUM, _DRUMS = Kind.BAR.value, Kind.NUMERATOR.value, Kind.DRUM.value, Kind.DRUMS.value


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
    tokens = ids.astype(np.int64)
    if tokens.view(np.uint64).max() >= size:  # below 0 is far above there
        outside = np.flatnonzero((ids < 0) | (ids >= size))
        raise TokenError(f"token {outside[0]}: id {ids[outside[0]]} is not in the vocabulary of {size}")
    kind = EXPRESSIVE.kinds.take(tokens)
    pairs = kind[:-1] * np.uint16(_KINDS) + kind[1:]
    if (wrong := _CANNOT_FOLLOW.take(pairs)).any():
        _refuse(tokens, np.arange(1, len(tokens)), wrong, "cannot follow {before}")
    columns = Columns.of(tokens, kind)
    _check_header(columns)
    _check_controls(columns)
    _check_values(columns)
    _check_bars(columns)
    _check_tracks(columns, 0 if settings.microtiming else 1)
    return columns


def _refuse(ids: IntArray, at: IntArray, wrong: NDArray[np.bool_], why: str) -> None:
    """Refuse the first of some tokens that is wrong."""
    if wrong.any():
        index = int(at[wrong.argmax()])
        before = EXPRESSIVE.name(int(ids[index - 1]))
        raise TokenError(f"token {index}: {EXPRESSIVE.name(int(ids[index]))} {why.format(before=before)}")


def _check_header(columns: Columns) -> None:
    ids, kind, bars, places = columns.ids, columns.kind, columns.bars, columns.places
    body = int(bars[0]) if len(bars) else len(ids) - 1
    first = np.array(sorted(int(places[kind][0]) for kind in _BODY_ONLY if places.count(kind)), dtype=np.int64)
    _refuse(ids, first, first < body, "stands before the first bar")
    for header_only in _HEADER_ONLY:
        if places.count(header_only) and places[header_only][-1] >= body:
            at = places[header_only]
            _refuse(ids, at, at >= body, "stands after the first bar")
    declared = columns.declared
    _refuse(ids, declared, columns.value(declared) != np.arange(len(declared)), "declares a track out of turn")
    first = bars[:1]
    _refuse(ids, first, kind.take(first + 1) != _NUMERATOR, "starts the piece without a meter")


def _check_controls(columns: Columns) -> None:
    """Controls have exactly their number of values."""
    ids, places = columns.ids, columns.places
    if not (places.count(Kind.VALUE) or any(places.count(kind) for kind in _VALUES_WANTED)):
        return
    heads = np.sort(np.concatenate([places[kind] for kind in _VALUES_WANTED]))
    values = places[Kind.VALUE].searchsorted(np.concatenate([heads, [len(ids)]]))
    # Values stand only after controls or other values, so those before the next control are all its own.
    wrong = values[1:] - values[:-1] != _WANTED.take(columns.kind.take(heads))
    _refuse(ids, heads, wrong, "has not as many values as it needs")


def _check_values(columns: Columns) -> None:
    """Meters and tempos exist; numbers are written in falling powers."""
    ids, places = columns.ids, columns.places
    meters = places[Kind.DENOMINATOR]
    odd = (columns.value(meters - 1) * LOW_STEPS) % (1 << columns.value(meters)) != 0
    _refuse(ids, meters, odd, "makes a bar that is finer than the grid, after {before}")
    tempos = places[Kind.TEMPO_LOW]
    bpm = columns.value(tempos - 1) + columns.value(tempos)
    _refuse(ids, tempos, (bpm < MIN_TEMPO) | (bpm > MAX_TEMPO), "makes a tempo outside 4 to 1000, after {before}")
    for high in (Kind.POSITION_HIGH, Kind.DURATION_HIGH):
        powers = places[high]
        if len(powers) < 2:
            continue
        value = columns.value(powers)
        doubled = (powers[1:] - powers[:-1] == 1) & (value[1:] >= value[:-1])
        _refuse(ids, powers[1:], doubled, "must be a smaller power than {before}")


def _check_bars(columns: Columns) -> None:
    """Positions rise inside a bar and stay in it; a cut bar says where, and a meter follows."""
    ids, kind, at, position, bar = columns.ids, columns.kind, columns.positions, columns.position, columns.bar_of
    if not len(at):
        return
    meters = columns.places[Kind.DENOMINATOR]
    lengths = (columns.value(meters - 1) * LOW_STEPS) >> columns.value(meters)
    in_force = meters.searchsorted(columns.bars + 2, side="right") - 1  # of each bar
    _refuse(ids, at, position >= lengths.take(in_force).take(bar), "lies outside its bar")
    back = (bar[1:] == bar[:-1]) & (position[1:] <= position[:-1])
    _refuse(ids, at[1:], back, "does not come later than the position before it")
    cut = (kind.take(at + 1) == _BAR).nonzero()[0]
    if len(cut):
        after, told = at.take(cut), position.take(cut)
        no_meter = kind.take(np.minimum(after + 2, len(ids) - 1)) != _NUMERATOR
        _refuse(ids, after, (told == 0) | no_meter, "cuts its bar short without a meter to follow")


def _check_tracks(columns: Columns, least: int) -> None:
    """Tracks rise inside a position, pitches inside a track by `least`; drums stand in drum tracks."""
    ids, entries, notes, places = columns.ids, columns.entries, columns.notes, columns.places
    if not len(entries):
        return
    track, pitch = columns.value(entries), columns.value(notes)
    _refuse(ids, entries, track >= len(columns.declared), "was never declared")
    moment, entry = columns.position_of, columns.entry_of
    back = (moment[1:] == moment[:-1]) & (track[1:] <= track[:-1])
    _refuse(ids, entries[1:], back, "must be a later track than the one before it at this position")
    low = (entry[1:] == entry[:-1]) & (pitch[1:] < pitch[:-1] + least)
    _refuse(ids, notes[1:], low, "is not above the note before it")
    if places.count(Kind.DRUM) or places.count(Kind.DRUMS):
        is_drum = columns.kind.take(places[Kind.PROGRAM] - 1) == _DRUMS
        wrong = is_drum.take(track).take(entry) != (columns.kind.take(notes) == _DRUM)
        _refuse(ids, notes, wrong, "stands in a track of the other sort (drums or not)")
