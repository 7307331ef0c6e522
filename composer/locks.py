"""Notes that parts keep: tunes from files, what a new piece takes over from them, and the rules that hold them.

Bars are counted as musicians count them: a tune's upbeat is its bar 0, and its bar 1 is the piece's bar 1. A new piece
takes over the upbeat of a tune that it keeps whole, and meter, key and length where the request states none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from composer.request import MAX_BARS
from composer.style import Style
from composer.words import about, is_number, part_of, quoted
from theory.analysis import estimate_key
from theory.constraint import Constraint, Frame, Locked
from theory.constraint.parts import frame_of, on_grid
from theory.errors import RequestError
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import SHIPPED, Settings, Tokenizer
from theory.tokens.vocabulary import STEPS_PER_QUARTER

_Note = tuple[int, int, int]
_SEVERAL = re.compile(r",\s*\w+(:[\d-]*)?=")  # a second lock behind a comma
_AUDIBLE = 0.5  # milliseconds


class Tune(NamedTuple):
    """A lock as it was asked for, with the notes of its file.

    Attributes:
        text: as typed.
        part: index of the part that keeps it.
        bars: the first and the last that are named, as musicians count; None: all.
        notes: (start, end, pitch) in grid steps of the file, in order.
        frame: bars of the file.
        key: of the file's first key signature, or that is heard where it has none.
        moved: milliseconds by which the grid moves a note of the track, at most.
    """

    text: str
    part: int
    bars: tuple[int, int] | None
    notes: tuple[_Note, ...]
    frame: Frame
    key: Key
    moved: float

    @property
    def numbers(self) -> tuple[int, int]:
        """The file's first and last bar, as musicians count."""
        return 1 - self.frame.pickup, self.frame.bars - self.frame.pickup

    @property
    def last_bar(self) -> int:
        """The last bar that is kept of an endless piece, as musicians count."""
        return self.bars[1] if self.bars else self.numbers[1]


def file_of(text: str) -> Path | None:
    """The file that a lock names."""
    file = text.partition("=")[2]
    return Path(file) if file and "\0" not in file else None


def read_tunes(texts: Sequence[str], style: Style, settings: Settings = SHIPPED) -> tuple[Tune, ...]:
    """Read locks, as in "soprano=tune.mid" or "soprano:1-4=tune.mid", with their files.

    Args:
        texts: as they were typed.
        style: of the model.
        settings: of its tokens; they say on which grid tunes are kept.

    Raises:
        RequestError: no lock, or a file in which no track is the part's.
        UnknownNameError: no such part.
        InputFileError, FileFormatError: see `data.read`.
    """
    tokenizer = Tokenizer(resolution=settings.resolution)
    return tuple(_read(text, style, tokenizer) for text in dict.fromkeys(texts))


def _read(text: str, style: Style, tokenizer: Tokenizer) -> Tune:
    where, _, _ = text.partition("=")
    name, colon, bars = where.partition(":")
    file = file_of(text)
    if file is None:
        raise RequestError(
            f"lock {quoted(text)}: write a part and a file, as in soprano=tune.mid or soprano:1-4=tune.mid"
        )
    if _SEVERAL.search(str(file)) and not os.path.exists(file):
        raise RequestError(f"lock {quoted(text)}: there is no file {str(file)!r}; for several locks give --lock again")
    part = part_of(name, style)
    named = _bars(bars, text) if colon else None
    import data

    given = data.read(file)
    score = tokenizer.quantize(given)
    frame = frame_of(score, Key(0))
    track = _track_of(given, style, part, text)
    columns = on_grid(score.tracks[track], score)
    notes = [(int(start), int(end), int(pitch)) for start, end, pitch in zip(*columns, strict=True)]
    key = given.keys[0].key if given.keys else estimate_key(score)
    moved = tokenizer.changes(given.replace(tracks=(given.tracks[track],))).farthest
    return Tune(text, part, named, _held(notes, frame, given), frame, key, moved)


def _bars(bars: str, text: str) -> tuple[int, int]:
    first, dash, last = bars.partition("-")
    last = last if dash else first
    if not is_number(first) or not is_number(last) or int(first) > int(last):
        raise RequestError(f"lock {quoted(text)}: write bars as in soprano:1-4=tune.mid")
    return int(first), int(last)


def _track_of(score: Score, style: Style, part: int, text: str) -> int:
    """The track of a file that a part takes: the one of its name, the only one, or the one in its place."""
    tracks = [index for index, track in enumerate(score.tracks) if not track.is_drum and len(track)]
    named = [index for index in tracks if score.tracks[index].name.lower() == style.parts[part].name.lower()]
    if named or len(tracks) == 1:
        return (named or tracks)[0]
    if len(tracks) == len(style.parts):
        return tracks[part]
    name = style.parts[part].name
    raise RequestError(f"lock {quoted(text)}: the file has {len(tracks)} tracks with notes, none called {name}")


def _held(notes: list[_Note], frame: Frame, given: Score) -> tuple[_Note, ...]:
    """The notes; where the last bar is written without the beats that the upbeat took, its last note fills it."""
    end = given.end * STEPS_PER_QUARTER // given.ticks_per_quarter
    left = frame.steps - end
    if frame.pickup and left == frame.lines[1] and notes[-1][1] == end:
        start, _, pitch = notes[-1]
        return (*notes[:-1], (start, frame.steps, pitch))
    return tuple(notes)


def upbeat_of(tunes: Sequence[Tune]) -> Meter | None:
    """The upbeat that a new piece takes over, as the meter of its bar.

    Raises:
        RequestError: two tunes have upbeats of different length.
    """
    whole = [tune for tune in tunes if tune.frame.pickup and (tune.bars is None or tune.bars[0] == 0)]
    for one, other in pairwise(whole):
        if one.frame.lines[1] != other.frame.lines[1]:
            raise RequestError(
                f"locks {quoted(one.text)} and {quoted(other.text)}: their upbeats differ; name bars to leave one out, "
                "as in soprano:1-8=tune.mid"
            )
    return whole[0].frame.meters[0] if whole else None


def meter_of(tunes: Sequence[Tune]) -> Meter | None:
    """The meter of the first bar that is kept, an upbeat apart."""
    if not tunes:
        return None
    tune = tunes[0]
    first = max(tune.bars[0], 1) if tune.bars else 1
    return tune.frame.meters[min(tune.frame.bar_index(first), tune.frame.bars - 1)]


def key_of(tunes: Sequence[Tune], style: Style) -> Key | None:
    """The key of the first tune; major or minor for a mode that the style does not write."""
    if not tunes:
        return None
    key = tunes[0].key
    mode = key.mode if key.mode in style.modes else "minor" if key.is_minor else "major"
    return Key(key.tonic, mode) if mode in style.modes else None


def bars_of(tunes: Sequence[Tune]) -> int | None:
    """How many bars a new piece has to keep all that it can of its tunes, upbeats apart."""
    last = max((tune.last_bar for tune in tunes), default=0)
    return min(last, MAX_BARS) if last > 0 else None


def notices_of(tunes: Sequence[Tune]) -> tuple[str, ...]:
    """Lines for the user about tunes whose notes the grid moves."""
    moved = (tune for tune in tunes if tune.moved > _AUDIBLE)
    return tuple(f"lock {tune.text}: notes move to the grid by at most {ceil(tune.moved)} ms" for tune in moved)


def locked(tunes: Sequence[Tune], style: Style, frame: Frame) -> list[Locked]:
    """The rules that hold tunes in a piece.

    Raises:
        RequestError: bars that the file or the piece has not, or that are not of one length; notes on top of each
            other; two locks that want different notes of one part.
    """
    rules = [_locked(tune, style, frame) for tune in tunes]
    for (one, tune), (other, second) in combinations(zip(rules, tunes, strict=True), 2):
        first, last = max(one.first, other.first), min(one.last, other.last)
        if one.part == other.part and first < last and _inside(one, first, last) != _inside(other, first, last):
            bar = int(np.searchsorted(frame.lines, first, side="right")) - frame.pickup
            raise RequestError(
                f"locks {quoted(tune.text)} and {quoted(second.text)}: from bar {bar} on they want different notes of "
                f"the {one.name.lower()}; name other bars for one of them"
            )
    return rules


def without_locked(score: Score, rules: Iterable[Constraint]) -> Score:
    """A score without the notes that rules lock, which nobody composed."""
    spans = [(rule.part, rule.first, rule.last) for rule in rules if isinstance(rule, Locked)]
    if not spans:
        return score
    step = score.ticks_per_quarter / STEPS_PER_QUARTER
    tracks = list(score.tracks)
    for part, first, last in spans:
        track = tracks[part]
        new = (track.onset < (first - 0.5) * step) | (track.onset >= (last - 0.5) * step)  # microtiming strays so far
        tracks[part] = Track(track.onset[new], track.duration[new], track.pitch[new], track.velocity[new])
    return score.replace(tracks=tuple(tracks))


def _inside(rule: Locked, first: int, last: int) -> list[_Note]:
    return [note for note in rule.notes if note[0] < last and note[1] > first]


def _locked(tune: Tune, style: Style, frame: Frame) -> Locked:
    with about("lock", tune.text):
        first, last = _span(tune, frame)
        shift = frame.lines[frame.bar_index(first)] - tune.frame.lines[tune.frame.bar_index(first)]
        start, stop = frame.lines[frame.bar_index(first)], frame.lines[frame.bar_index(last) + 1]
        notes = [(begin + shift, end + shift, pitch) for begin, end, pitch in tune.notes]
        inside = tuple((begin, min(end, stop), pitch) for begin, end, pitch in notes if start <= begin < stop)
        for before, after in pairwise(inside):
            if after[0] < before[1]:
                bar = int(np.searchsorted(frame.lines, after[0], side="right")) - frame.pickup
                raise RequestError(
                    f"two notes at a time in bar {bar} of the file (or faster than 32nds): give one part alone"
                )
    return Locked(tune.part, inside, start, stop, style.parts[tune.part].name)


def _span(tune: Tune, frame: Frame) -> tuple[int, int]:
    """The first and the last bar that are kept, as musicians count."""
    lowest, highest = frame.first_bar + 1 - frame.pickup, frame.bars - frame.pickup
    begins, ends = tune.numbers
    if tune.bars is None:
        first, last = max(lowest, begins), min(highest, ends)
        if first > last:
            raise RequestError(f"its last bar is {ends}, those to be written are {lowest} to {highest}")
    else:
        first, last = tune.bars
        named = f"bars {first}-{last}" if first < last else f"bar {first}"
        if first < lowest or last > highest:
            raise RequestError(f"{named}: not among those to be written, {lowest} to {highest}")
        if first < begins or last > ends:
            raise RequestError(f"{named}: the file has bars {begins} to {ends}")
    for number in range(first, last + 1):
        ours, its = frame.bar_index(number), tune.frame.bar_index(number)
        if frame.lines[ours + 1] - frame.lines[ours] != tune.frame.lines[its + 1] - tune.frame.lines[its]:
            raise RequestError(
                f"bar {number} is one of {tune.frame.meters[its]} there, of {frame.meters[ours]} in the piece: "
                + ("give the tune's --meter, or none" if not frame.first_bar else "name bars that agree")
            )
    return first, last


__all__ = [
    "Tune", "bars_of", "file_of", "key_of", "locked", "meter_of", "notices_of", "read_tunes", "upbeat_of",
    "without_locked",
]  # fmt: skip
