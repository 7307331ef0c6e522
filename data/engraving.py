"""From columns to written music: which voice, which note values, which ties and tuplets.

Nothing here knows a file format. Times are exact fractions of a quarter from the start of the piece.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise
from statistics import median
from typing import NamedTuple

import numpy as np

from theory.meter import Meter
from theory.rhythm import NoteValue, note_value, split_duration
from theory.score import Score, Track

MAX_VOICES = 4  # on a staff: what notation programs take
_GRIDS = (8, 6, 16, 12, 5, 7, 10, 14, 24)  # parts of a quarter that note values can say, the plainest first
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
class Bar:
    """One measure; `meter` is the one it is written in, `offset` how far into a full bar it starts (a pickup)."""

    start: Fraction
    end: Fraction
    meter: Meter
    offset: Fraction = Fraction()


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


def bars(score: Score) -> list[Bar]:
    """The measures of a score, at least one. A pickup is written in the meter that follows it."""
    resolution = score.ticks_per_quarter
    lines = [Fraction(int(tick), resolution) for tick in score.bar_lines()]
    if len(lines) == 1:
        lines.append(lines[0] + score.meters[0].meter.bar_quarters)
    changes = [(Fraction(event.tick, resolution), event.meter) for event in score.meters]
    result = []
    for start, end in pairwise(lines):
        meter = [meter for at, meter in changes if at <= start][-1]
        result.append(Bar(start, end, meter))
    if score.pickup and len(result) > 1:
        full = result[1].meter
        result[0] = replace(result[0], meter=full, offset=full.bar_quarters - result[0].end)
        if (
            result[-1].end - Fraction(score.end, resolution) == result[0].end
        ):  # what the pickup took, the last bar lacks
            result[-1] = replace(result[-1], end=Fraction(score.end, resolution))
    return result


# Times


def quantized(onsets: Iterable[Fraction]) -> dict[int, int]:
    """Grid of each quarter in which notes start: quarter -> into how many equal parts it divides.

    The first of 32nds, triplet 16ths, 64ths, triplet 32nds, quintuplets, septuplets and mixtures that holds all of a
    quarter's onsets. Where a good part of all onsets lies on neither of the first two, it was played by hand: its quarters divide
    into 16ths, 32nds where it is crowded, or triplets where these fit much better.
    """
    ordered = sorted(set(onsets))
    is_played = sum(_lies_on(_GRIDS[:2], [onset]) is None for onset in ordered) > len(ordered) // 5
    grids = {}
    for quarter, group in groupby(ordered, key=lambda onset: onset // 1):
        inside = list(group)
        exact = None if is_played else _lies_on(_GRIDS, inside)
        grids[int(quarter)] = exact or _nearest_grid([onset - quarter for onset in inside])
    return grids


def _lies_on(grids: Sequence[int], times: Sequence[Fraction]) -> int | None:
    return next((parts for parts in grids if all((parts * time).denominator == 1 for time in times)), None)


def _nearest_grid(times: Sequence[Fraction]) -> int:
    straight, triplet = (sum(abs(time - Fraction(round(time * n), n)) for time in times) for n in (4, 3))
    if len(times) > 1 and 3 * triplet < straight:
        return 3
    crowded = any(0 < after - before < Fraction(3, 16) for before, after in pairwise(times))
    return 8 if crowded else 4


def sounds(rows: Iterable[tuple[Fraction, Fraction, Tone]]) -> list[Sound]:
    """Chords from (onset, end, tone) rows: what starts and ends together, in order, high chords first.

    Onsets move to the grid of their quarter (`quantized`), most often by nothing. Ends keep their place if note values
    can say it; else they too move, and where a note ends a little before or after the next begins, it lasts until then.
    """
    rows = list(rows)
    grids = quantized(onset for onset, _, _ in rows)
    onsets = {onset: _moved(onset, grids) for onset, _, _ in rows}
    starts = sorted(set(onsets.values()))
    chords: dict[tuple[Fraction, Fraction], list[Tone]] = {}
    for onset, end, tone in rows:
        start = onsets[onset]
        stop = end
        if start != onset or _lies_on(_beside(grids.get(int(end // 1))), [end]) is None:
            stop = _moved(end, grids)
            following = bisect_left(starts, max(stop - _A_LITTLE, start + _SMALLEST))
            stop = starts[following] if following < len(starts) and starts[following] <= stop + _A_LITTLE else stop
        chords.setdefault((start, stop if stop > start else start + _SMALLEST), []).append(tone)
    made = [Sound(start, stop, tuple(sorted(set(tones)))) for (start, stop), tones in chords.items()]
    return sorted(made, key=lambda sound: (sound.onset, -sound.tones[-1].pitch, sound.end))


def _beside(grid: int | None) -> Sequence[int]:
    """Grids on which notes may end in a quarter where they start on this one: fives and sevens do not mix."""
    if grid is None:
        return _GRIDS
    if grid % 5 == 0 or grid % 7 == 0:
        return (grid,)
    return [other for other in _GRIDS if other % 5 and other % 7]


def _moved(time: Fraction, grids: dict[int, int]) -> Fraction:
    parts = grids.get(int(time // 1), 4)
    return Fraction(round(time * parts), parts)


def struck(rows: Iterable[tuple[Fraction, Fraction, Tone]]) -> list[Sound]:
    """Drum strokes as one voice: each lasts until the next or the next quarter, however long the file holds it."""
    strokes: dict[Fraction, set[Tone]] = {}
    for sound in sounds(rows):
        strokes.setdefault(sound.onset, set()).update(sound.tones)
    onsets = sorted(strokes)
    ends = [
        min(after, Fraction(onset // 1 + 1)) for onset, after in zip(onsets, [*onsets[1:], onsets[-1] + 1], strict=True)
    ]
    return [Sound(onset, end, tuple(sorted(strokes[onset]))) for onset, end in zip(onsets, ends, strict=True)]


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


def written_voices(track: Track, spelled: Sequence[int], resolution: int) -> list[list[Sound]]:
    """The voices of a track: its own column's, each dealt again where it overlaps itself; without one, as needed."""
    rows: dict[int, list[tuple[Fraction, Fraction, Tone]]] = {}
    for note, spelling in zip(track, spelled, strict=True):
        row = (Fraction(note.onset, resolution), Fraction(note.end, resolution), Tone(note.pitch, int(spelling)))
        rows.setdefault(note.voice or 0, []).append(row)
    if track.is_drum:
        return [struck(row for own in rows.values() for row in own)] if rows else []
    return [voice for _, own in sorted(rows.items()) for voice in voices(sounds(own))]


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
    result = []
    for side in (True, False):
        chosen = [index for index, is_upper in enumerate(upper) if is_upper == side]
        notes = Track.from_notes([track[index] for index in chosen])
        result.append((notes, [spelled[index] for index in chosen]))
    return result


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
    if not pieces and bar.end - bar.start == bar.meter.bar_quarters:
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
    return [Written(onset, quarters, note_value(quarters)) for onset, quarters in _lengths(start, end, bar)]


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
