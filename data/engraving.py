"""From columns to written music: which voice, which note values, which ties and tuplets.

Nothing here knows a file format. Times are exact fractions of a quarter from the start of the piece.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median
from typing import NamedTuple

import numpy as np

from data.written_time import Bar, WrittenTime
from theory.rhythm import NoteValue, note_value, split_duration
from theory.score import Track

MAX_VOICES = 4  # on a staff: what notation programs take
_A_LITTLE = Fraction(1, 4)  # by which a note played by hand may miss the next
_SMALLEST = Fraction(1, 8)


class Tone(NamedTuple):
    """One sounding note of a chord."""

    pitch: int
    spelling: int


@dataclass(frozen=True, slots=True)
class Sound:
    """Notes that start and end together."""

    onset: Fraction
    end: Fraction
    tones: tuple[Tone, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """One written note, chord or (without tones) rest.

    Attributes:
        onset: quarters from the start of the bar.
        quarters: length.
        value: as one note; None where no note value says it.
        tones: of the chord, none for a rest.
        tied_from, tied_to: whether a tie comes in, and goes out.
        bracket: "start", "stop" or "startStop" at the ends of a tuplet.
        starts_at: quarters from the start of the piece at which the sound itself began.
    """

    onset: Fraction
    quarters: Fraction
    value: NoteValue | None
    tones: tuple[Tone, ...] = ()
    tied_from: bool = False
    tied_to: bool = False
    bracket: str = ""
    starts_at: Fraction = Fraction(-1)


def sounds(track: Track, spelled: Sequence[int], time: WrittenTime) -> list[Sound]:
    """Chords of a track: what starts and ends together, in order, high chords first.

    Onsets move to the grid of their quarter, most often by nothing. Ends keep their place if note values can say it;
    else they too move, and where a note ends a little before or after the next begins, it lasts until then.
    """
    rows = [(time.at(note.onset), time.end(note.end)) for note in track]
    grids = time.grids(onset for onset, _ in rows)
    onsets = {onset: time.on_grid(onset, grids) for onset, _ in rows}
    starts = sorted(set(onsets.values()))
    chords: dict[tuple[Fraction, Fraction], set[Tone]] = {}
    for note, spelling, (onset, stop) in zip(track, spelled, rows, strict=True):
        start = onsets[onset]
        if start != onset or not time.can_end(stop, grids):
            stop = time.on_grid(stop, grids)
            following = bisect_left(starts, max(stop - _A_LITTLE, start + _SMALLEST))
            stop = starts[following] if following < len(starts) and starts[following] <= stop + _A_LITTLE else stop
        stop = stop if stop > start else start + _SMALLEST
        chords.setdefault((start, stop), set()).add(Tone(note.pitch, int(spelling)))
    made = [Sound(start, stop, tuple(sorted(tones))) for (start, stop), tones in chords.items()]
    return sorted(made, key=lambda sound: (sound.onset, -sound.tones[-1].pitch, sound.end))


def struck(track: Track, spelled: Sequence[int], time: WrittenTime) -> list[Sound]:
    """Drum strokes as one voice: each lasts until the next or the next quarter, however long the file holds it."""
    strokes: dict[Fraction, set[Tone]] = {}
    for sound in sounds(track, spelled, time):
        strokes.setdefault(sound.onset, set()).update(sound.tones)
    onsets = sorted(strokes)
    result = []
    for onset, following in zip(onsets, [*onsets[1:], None], strict=True):
        end = onset + 1 - (onset - time.bars[time.index(onset)].start) % 1
        result.append(Sound(onset, end if following is None else min(end, following), tuple(sorted(strokes[onset]))))
    return result


# Voices and staves


def voices(chords: Iterable[Sound]) -> list[list[Sound]]:
    """Chords dealt to as few voices as do not overlap, at most `MAX_VOICES`, the highest first.

    Where more sound at once, the voice whose chord ends first gives up the rest of it.
    """
    dealt: list[list[Sound]] = []
    for sound in chords:
        free = next((voice for voice in dealt if voice[-1].end <= sound.onset), None)
        if free is None and len(dealt) < MAX_VOICES:
            dealt.append([sound])
        elif free is not None:
            free.append(sound)
        else:
            _squeeze(min(dealt, key=lambda voice: voice[-1].end), sound)
    return dealt


def _squeeze(voice: list[Sound], sound: Sound) -> None:
    last = voice[-1]
    if last.onset == sound.onset:
        voice[-1] = replace(last, tones=tuple(sorted({*last.tones, *sound.tones})))
    else:
        voice[-1] = replace(last, end=sound.onset)
        voice.append(sound)


def written_voices(track: Track, spelled: Sequence[int], time: WrittenTime) -> list[list[Sound]]:
    """The voices of a track: its own column's, each dealt again where it overlaps itself; without one, as needed."""
    if track.is_drum or not len(track):
        return [struck(track, spelled, time)] if len(track) else []
    numbers = sorted({note.voice or 0 for note in track})
    parts = [_chosen(track, spelled, [(note.voice or 0) == number for note in track]) for number in numbers]
    return [voice for part in parts for voice in voices(sounds(*part, time))]


def _chosen(track: Track, spelled: Sequence[int], wanted: Sequence[bool]) -> tuple[Track, list[int]]:
    """The notes that are wanted, and their spelling."""
    kept = [index for index, is_wanted in enumerate(wanted) if is_wanted]
    return Track.from_notes([track[index] for index in kept]), [spelled[index] for index in kept]


def is_wide(track: Track) -> bool:
    """Whether a keyboard track needs two staves: chords, and a good part above and below middle C's neighbourhood."""
    if not len(track):
        return False
    ends = np.maximum.accumulate(track.onset + track.duration)
    sounds_together = (track.onset[1:] < ends[:-1]).mean() > 0.1 if len(track) > 1 else False
    return bool(sounds_together and (track.pitch < 55).mean() > 0.1 and (track.pitch > 64).mean() > 0.1)


def hands(track: Track, spelled: Sequence[int]) -> list[tuple[Track, list[int]]]:
    """The upper and the lower staff of a keyboard track, with the spelling of their notes.

    A track's own voices stay whole, on the staff they mostly lie on; other notes are parted at middle C.
    """
    middles: dict[int, float] = {}
    if track.voice is not None:
        for number in sorted(set(track.voice.tolist())):
            middles[number] = median(track.pitch[track.voice == number].tolist())
    upper = [(note.pitch if note.voice is None else middles[note.voice]) >= 60 for note in track]
    return [_chosen(track, spelled, [is_upper == side for is_upper in upper]) for side in (True, False)]


# Note values


def written_bar(voice: Sequence[Sound], bar: Bar, *, is_first: bool) -> list[Written]:
    """What a voice writes in a bar: notes split and tied as a musician would, and the rests between them.

    Nothing where a second voice is silent all bar.
    """
    pieces: list[Written] = []
    at = bar.start
    first = bisect_right(voice, bar.start, key=lambda sound: sound.end)
    last = bisect_left(voice, bar.end, key=lambda sound: sound.onset)
    for sound in voice[first:last]:
        start, end = max(sound.onset, bar.start), min(sound.end, bar.end)
        pieces += _rests(at, start, bar)
        pieces += _tied(sound, start, end, bar)
        at = end
    if not pieces and not is_first:
        return []
    if not pieces and bar.is_full:
        return [Written(Fraction(), bar.end - bar.start, None)]
    return _tuplets(pieces + _rests(at, bar.end, bar))


def _lengths(start: Fraction, end: Fraction, bar: Bar) -> list[tuple[Fraction, Fraction]]:
    """(onset in the bar, quarters) of each piece of a span."""
    onset = start - bar.start
    result = []
    for quarters in split_duration(onset + bar.offset, end - start, bar.meter) if end > start else ():
        result.append((onset, quarters))
        onset += quarters
    return result


def _rests(start: Fraction, end: Fraction, bar: Bar) -> list[Written]:
    """Rests that keep the beats visible: inside a beat, or for as many whole beats as group from there on."""
    beat, beats = bar.meter.beat_quarters, bar.meter.beats
    result = []
    while start < end:
        at = start - bar.start + bar.offset
        count = 1
        if at % beat == 0:
            runs = (n for n in (4, 2) if beats % n == 0 and at // beat % n == 0 and start + n * beat <= end)
            count = next(runs, 1)
        stop = min(end, start + (at // beat + count) * beat - at)
        result += [Written(onset, quarters, note_value(quarters)) for onset, quarters in _lengths(start, stop, bar)]
        start = stop
    return result


def _tied(sound: Sound, start: Fraction, end: Fraction, bar: Bar) -> list[Written]:
    pieces = []
    for onset, quarters in _lengths(start, end, bar):
        from_start = bar.start + onset
        pieces.append(
            Written(
                onset,
                quarters,
                note_value(quarters),
                sound.tones,
                tied_from=from_start > sound.onset,
                tied_to=from_start + quarters < sound.end,
                starts_at=sound.onset,
            )
        )
    return pieces


def _tuplets(pieces: list[Written]) -> list[Written]:
    """Pieces with brackets around each tuplet: as many as together last a plain length.

    Inside a tuplet a plain length is written in the tuplet's values too (an eighth of it is a dotted triplet eighth).
    """
    result: list[Written] = []
    inside: list[Written] = []
    for piece in pieces:
        value = piece.value
        if inside and inside[0].value is not None and value is not None and value.tuplet == (1, 1):
            value = _in_tuplet(piece.quarters, inside[0].value.tuplet) or value
        if value is None or value.tuplet == (1, 1):
            result += _bracketed(inside)
            inside = []
            result.append(piece)
            continue
        inside.append(replace(piece, value=value))
        if _is_plain(sum((held.quarters for held in inside), Fraction())):
            result += _bracketed(inside)
            inside = []
    return result + _bracketed(inside)


def _is_plain(quarters: Fraction) -> bool:
    return quarters.denominator & (quarters.denominator - 1) == 0


def _in_tuplet(quarters: Fraction, tuplet: tuple[int, int]) -> NoteValue | None:
    value = note_value(quarters * tuplet[0] / tuplet[1])
    return replace(value, tuplet=tuplet) if value is not None and value.tuplet == (1, 1) else None


def _bracketed(inside: list[Written]) -> list[Written]:
    if len(inside) < 2:
        return [replace(piece, bracket="startStop") for piece in inside]
    return [replace(inside[0], bracket="start"), *inside[1:-1], replace(inside[-1], bracket="stop")]
