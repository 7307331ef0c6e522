"""Whether ids spell a score, checked on columns: what decoding needs, and no more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.errors import TokenError
from theory.event import MAX_TEMPO, MIN_TEMPO
from theory.tokens.grammar import FOLLOWERS
from theory.tokens.vocabulary import END, LOW_STEPS, START, VOCABULARY, Kind

_PAIRS = np.zeros((len(Kind), len(Kind)), dtype=bool)
for _kind, _followers in FOLLOWERS.items():
    _PAIRS[_kind, list(_followers)] = True

_BODY_ONLY = [Kind.CONTROL, Kind.BEND, Kind.PRESSURE, Kind.VELOCITY, Kind.PITCH, Kind.DRUM]
_HEADER_ONLY = [Kind.DRUMS, Kind.PROGRAM]


def validate(ids: NDArray[np.integer]) -> None:
    """Check that ids decode.

    Args:
        ids: integers (n,).

    Raises:
        TokenError: names the first token that cannot stand where it does.
    """
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or len(ids) < 2 or ids[0] != START or ids[-1] != END:
        raise TokenError("token ids must be one row of integers that begins with START and ends with END")
    outside = np.flatnonzero((ids < 0) | (ids >= VOCABULARY.size))
    if len(outside):
        raise TokenError(f"token {outside[0]}: id {ids[outside[0]]} is not in the vocabulary of {VOCABULARY.size}")
    kind, value = VOCABULARY.kinds[ids], VOCABULARY.values[ids].astype(np.int64)
    _refuse(ids, 1 + np.flatnonzero(~_PAIRS[kind[:-1], kind[1:]]), "cannot follow {before}")
    _check_header(ids, kind, value)
    _check_values(ids, kind, value)
    _check_bars(ids, kind, value)
    _check_tracks(ids, kind, value)


def _refuse(ids: NDArray[np.integer], at: NDArray[np.int64], why: str) -> None:
    if len(at):
        index = int(at[0])
        before = VOCABULARY.name(int(ids[index - 1]))
        raise TokenError(f"token {index}: {VOCABULARY.name(int(ids[index]))} {why.format(before=before)}")


def _check_header(ids: NDArray[np.integer], kind: NDArray[np.uint8], value: NDArray[np.int64]) -> None:
    bars = np.flatnonzero(kind == Kind.BAR)
    body = int(bars[0]) if len(bars) else len(ids) - 1
    in_body = np.arange(len(ids)) >= body
    _refuse(ids, np.flatnonzero(~in_body & np.isin(kind, _BODY_ONLY)), "stands before the first bar")
    _refuse(ids, np.flatnonzero(in_body & np.isin(kind, _HEADER_ONLY)), "stands after the first bar")
    declared = np.flatnonzero(~in_body & (kind == Kind.TRACK))
    _refuse(ids, declared[value[declared] != np.arange(len(declared))], "declares a track out of turn")
    unknown = in_body & (kind == Kind.TRACK) & (value >= len(declared))
    _refuse(ids, np.flatnonzero(unknown), "was never declared")
    if len(bars):
        _refuse(ids, bars[:1][kind[bars[:1] + 1] != Kind.NUMERATOR], "starts the piece without a meter")


def _check_values(ids: NDArray[np.integer], kind: NDArray[np.uint8], value: NDArray[np.int64]) -> None:
    """Controls have exactly their number of values; meters and tempos exist."""
    is_value = kind == Kind.VALUE
    heads = np.flatnonzero(~is_value)
    run = np.diff(np.append(heads, len(ids))) - 1
    head_kind = kind[heads]
    wanted = np.select([np.isin(head_kind, (Kind.CONTROL, Kind.BEND)), head_kind == Kind.PRESSURE], [2, 1], 0)
    _refuse(ids, heads[run != wanted], "has not as many values as it needs")
    meters = np.flatnonzero(kind == Kind.DENOMINATOR)
    odd = (value[meters - 1] * LOW_STEPS) % (1 << value[meters]) != 0
    _refuse(ids, meters[odd], "makes a bar that is finer than the grid, after {before}")
    tempos = np.flatnonzero(kind == Kind.TEMPO_LOW)
    bpm = value[tempos - 1] + value[tempos]
    _refuse(ids, tempos[(bpm < MIN_TEMPO) | (bpm > MAX_TEMPO)], "makes a tempo outside 4 to 1000, after {before}")


def _check_bars(ids: NDArray[np.integer], kind: NDArray[np.uint8], value: NDArray[np.int64]) -> None:
    """Positions rise inside a bar and stay in it; numbers are written in falling powers."""
    for high in (Kind.POSITION_HIGH, Kind.DURATION_HIGH):
        doubled = (kind[:-1] == high) & (kind[1:] == high) & (value[1:] >= value[:-1])
        _refuse(ids, 1 + np.flatnonzero(doubled), "must be a smaller power than {before}")
    bar_of = np.cumsum(kind == Kind.BAR)
    low = np.flatnonzero(kind == Kind.POSITION_LOW)
    highs = np.cumsum(np.where(kind == Kind.POSITION_HIGH, LOW_STEPS << value, 0))[low]
    position = value[low] + np.diff(highs, prepend=0)
    meters = np.flatnonzero(kind == Kind.DENOMINATOR)
    lengths = (value[meters - 1] * LOW_STEPS) >> value[meters]
    in_force = np.searchsorted(meters, low) - 1
    if len(low):
        _refuse(ids, low[position >= lengths[in_force]], "lies outside its bar")
    same_bar = bar_of[low[1:]] == bar_of[low[:-1]]
    _refuse(ids, low[1:][same_bar & (position[1:] <= position[:-1])], "does not come later than the position before it")
    cuts = low[kind[low + 1] == Kind.BAR]
    bare = np.isin(cuts, low[position == 0]) | (kind[np.minimum(cuts + 2, len(ids) - 1)] != Kind.NUMERATOR)
    _refuse(ids, cuts[bare], "cuts its bar short without a meter to follow")


def _check_tracks(ids: NDArray[np.integer], kind: NDArray[np.uint8], value: NDArray[np.int64]) -> None:
    """Tracks rise inside a position, pitches inside a track; drums stand in drum tracks."""
    tracks = np.flatnonzero(kind == Kind.TRACK)
    if not len(tracks):
        return
    moment = np.cumsum((kind == Kind.POSITION_LOW) | (kind == Kind.BAR))
    same_moment = (moment[tracks[1:]] == moment[tracks[:-1]]) & (moment[tracks[1:]] > 0)
    back = same_moment & (value[tracks[1:]] <= value[tracks[:-1]])
    _refuse(ids, tracks[1:][back], "must be a later track than the one before it at this position")
    notes = np.flatnonzero((kind == Kind.PITCH) | (kind == Kind.DRUM))
    entry = np.searchsorted(tracks, notes) - 1
    same_entry = entry[1:] == entry[:-1]
    _refuse(ids, notes[1:][same_entry & (value[notes[1:]] <= value[notes[:-1]])], "is not above the note before it")
    declared = np.flatnonzero(kind == Kind.PROGRAM)
    is_drum = kind[declared - 1] == Kind.DRUMS
    wrong = is_drum[value[tracks[entry]]] != (kind[notes] == Kind.DRUM)
    _refuse(ids, notes[wrong], "stands in a track of the other sort (drums or not)")
