"""From columns to written music: which voice, which note values, which ties and tuplets.

Nothing here knows a file format. Times are exact fractions of a quarter from the start of the piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from statistics import median
from typing import NamedTuple

from theory.meter import Meter
from theory.rhythm import NoteValue, note_value, split_duration
from theory.score import Score, Track

MAX_VOICES = 4  # on a staff: what notation programs take
_EXACT_PARTS = (16, 12, 10, 14)  # of a quarter: 64ths, triplets down to 32nds, quintuplets, septuplets
_COARSE_PARTS = (4, 3)  # for playing that lies on none of these
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
    for start, end in zip(lines, lines[1:], strict=False):
        meter = [meter for at, meter in changes if at <= start][-1]
        result.append(Bar(start, end, meter))
    if score.pickup and len(result) > 1:
        full = result[1].meter
        result[0] = replace(result[0], meter=full, offset=full.bar_quarters - result[0].end)
    return result


# Times


def quantized(times: Iterable[Fraction]) -> dict[Fraction, Fraction]:
    """Times -> times that note values can say.

    Quarter by quarter, times that already lie on 64ths or on one tuplet's grid stay; else all of the quarter move to
    the nearest 16ths, or to triplets where these fit clearly better.
    """
    moved: dict[Fraction, Fraction] = {}
    for quarter, group in groupby(sorted(set(times)), key=lambda time: time // 1):
        inside = list(group)
        parts = next((n for n in _EXACT_PARTS if all((n * time).denominator == 1 for time in inside)), None)
        parts = parts or _nearest_parts([time - quarter for time in inside])
        moved |= {time: Fraction(round(time * parts), parts) for time in inside}
    return moved


def _nearest_parts(times: Sequence[Fraction]) -> int:
    straight, triplet = (sum(abs(time - Fraction(round(time * n), n)) for time in times) for n in _COARSE_PARTS)
    if 3 * triplet < 2 * straight:
        return 3
    crowded = any(0 < after - before < Fraction(3, 16) for before, after in zip(times, times[1:], strict=False))
    return 8 if crowded else 4


def sounds(rows: Iterable[tuple[Fraction, Fraction, Tone]]) -> list[Sound]:
    """Chords from (onset, end, tone) rows: what starts and ends together, in order, high chords first."""
    chords: dict[tuple[Fraction, Fraction], list[Tone]] = {}
    rows = list(rows)
    moved = quantized(time for onset, end, _ in rows for time in (onset, end))
    for onset, end, tone in rows:
        start, stop = moved[onset], moved[end]
        stop = stop if stop > start else start + _SMALLEST
        chords.setdefault((start, stop), []).append(tone)
    made = [Sound(*span, tuple(sorted(set(tones)))) for span, tones in chords.items()]
    return sorted(made, key=lambda sound: (sound.onset, -sound.tones[-1].pitch, sound.end))


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
    """The voices of a track: its own column's, each dealt again where it overlaps itself; without one, dealt as needed."""
    rows: dict[int, list[tuple[Fraction, Fraction, Tone]]] = {}
    for note, spelling in zip(track, spelled, strict=True):
        row = (Fraction(note.onset, resolution), Fraction(note.end, resolution), Tone(note.pitch, int(spelling)))
        rows.setdefault(note.voice or 0, []).append(row)
    return [voice for _, own in sorted(rows.items()) for voice in voices(sounds(own))]


def is_wide(track: Track) -> bool:
    """Whether a keyboard track needs two staves: a good part of it above and below middle C's neighbourhood."""
    if not len(track):
        return False
    return bool((track.pitch < 55).mean() > 0.1 and (track.pitch > 64).mean() > 0.1)


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
    for sound in voice:
        if sound.end <= bar.start or sound.onset >= bar.end:
            continue
        start, end = max(sound.onset, bar.start), min(sound.end, bar.end)
        pieces += _rests(at, start, bar)
        pieces += _tied(sound, start, end, bar)
        at = end
    if not pieces and not is_first:
        return []
    if not pieces:
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

