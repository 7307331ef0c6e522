"""Requests that can be kept, because a piece that keeps them is written first; nothing of Cadenza is imported.

A writer that knows neither masks nor model draws a piece of four parts: rhythms from note values or from a pattern of
the bar, any pitches that suit the chords, cadences, scale and voice leading which it has chosen to keep. What the piece
keeps is then read off it (ranges, leaps, notes a bar, onsets, durations, polyphony, locked parts, voice leading, the
ending) and asked for. `benchmarks.constraint_checker` has to agree that the piece keeps it all.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.constraint_checker import TOP, allowed_in_scale, check, loose_tones
from benchmarks.constraint_requests import (
    PARTS,
    RANGES,
    VALUE_SETS,
    VALUES,
    Drawn,
    ask_chords,
    ask_scale,
    beat_text,
    cadences,
    fitting,
    pairs,
    pitch_text,
    plain,
    put_cadences,
    write_tune,
)
from benchmarks.constraint_wish import BEATS, MINOR_THIRD, SIGNATURES, STRONG, Lock, Sung, Wish, cadence_chords
from benchmarks.hearing import Heard, Note

BARS = (2, 12)
_SATB = ((62, 79), (57, 72), (50, 67), (40, 60))  # where four parts have room beside each other
_BASS = 3
_ORDER = (3, 0, 1, 2)  # in which parts are written
_TRIES = 40


class _NoWayError(Exception):
    """No pitch is left for a note that must be sung."""


class _Plan(NamedTuple):
    """What a piece is written to keep beside its wish.

    Attributes:
        closes: chords of cadences and of the ending, which all parts sing and hold.
        tops: pitch classes that the soprano may sing where a close begins.
        own: pitch classes where nothing else is asked.
        spaces: lowest and highest pitch of each part.
        leaps: most semitones from note to note.
        most: parts at once.
        strict: how many rules of voice leading: 0, 1 (no parallels), 2 (four-part).
    """

    closes: tuple[Sung, ...]
    tops: dict[Fraction, frozenset[int]]
    own: frozenset[int]
    spaces: tuple[tuple[int, int], ...]
    leaps: tuple[int, ...]
    most: int
    strict: int


Parts = list[list[Note]]


def draw(rng: Random, meters: tuple[str, ...], folder: Path) -> Drawn:
    """A request with two kinds of constraints or more that a piece is known to keep.

    Args:
        rng: where chance comes from.
        meters: those that the style writes.
        folder: where files with notes to lock are written.
    """
    while True:
        drawn = plain(rng, meters, BARS)
        _choose_frame(rng, drawn, folder)
        plan = _plan(rng, drawn.wish)
        parts = _write(rng, drawn.wish, plan)
        if parts is not None and _read_off(rng, drawn, parts, plan, folder) >= 2:
            return drawn


def _choose_frame(rng: Random, drawn: Drawn, folder: Path) -> None:
    """What is decided before the notes: chords, cadences, a scale."""
    wish = drawn.wish
    if rng.random() < 0.4:
        ask_chords(rng, drawn, folder)
    if rng.random() < 0.4:
        if wish.harmonies:
            possible = [(bar, kind) for bar in range(2, wish.bars + 1) for kind in fitting(wish, bar)]
            if possible:
                put_cadences(drawn, [rng.choice(possible)])
        else:
            cadences(rng, drawn)
            kept: list[tuple[int, str]] = []
            for bar, kind in wish.cadences:
                before = [chord.stop for other in kept for chord in cadence_chords(wish, *other)]
                if max(before, default=Fraction(0)) <= cadence_chords(wish, bar, kind)[0].start:
                    kept.append((bar, kind))
            put_cadences(drawn, kept)
    if rng.random() < 0.3:
        ask_scale(rng, drawn, folder)


def _plan(rng: Random, wish: Wish) -> _Plan:
    strict = rng.choice((0, 0, 1, 2))
    closes = [chord for bar, kind in wish.cadences for chord in cadence_chords(wish, bar, kind)]
    arrivals = ((kind, cadence_chords(wish, bar, kind)[-1]) for bar, kind in wish.cadences)
    tops = {chord.start: frozenset(chord.classes[TOP[kind]]) for kind, chord in arrivals if kind in TOP}
    own = wish.key_scale if rng.random() < 0.7 else frozenset(range(12))
    if not wish.harmonies and not any(bar == wish.bars for bar, _ in wish.cadences) and rng.random() < 0.3:
        third = 3 if wish.mode in MINOR_THIRD else 4
        tones = tuple((wish.tonic + note) % 12 for note in (0, third, 7))
        end = wish.bars * wish.bar
        last = end - wish.bar + STRONG[wish.meter][-1]
        if all(chord.stop <= last for chord in closes):
            closes.append(Sung(last, end, tones, tones[1]))
    spaces = []
    for (low, high), (least, most) in zip(_SATB, RANGES, strict=True):
        if strict < 2 and rng.random() < 0.6:
            low = rng.randint(least, most - 12)
            high = rng.randint(low + 12, most)
        spaces.append((low, high))
    leaps = tuple(rng.choice((4, 5, 7, 7, 9, 12, 24)) for _ in PARTS)
    most = rng.choice((1, 2, 2, 3, 3)) if not closes and rng.random() < 0.25 else 4
    return _Plan(tuple(sorted(closes)), tops, own, tuple(spaces), leaps, most, strict)


def _write(rng: Random, wish: Wish, plan: _Plan) -> Parts | None:
    """The notes of all parts, or nothing where they could not be found."""
    for _ in range(_TRIES):
        parts: Parts = [[] for _ in PARTS]
        try:
            for part in _ORDER:
                for start, stop in _rhythm(rng, part, wish, plan):
                    _sing(rng, parts, part, start, stop, wish, plan)
        except _NoWayError:
            continue
        return parts
    return None


# Rhythm


def _rhythm(rng: Random, part: int, wish: Wish, plan: _Plan) -> list[tuple[Fraction, Fraction]]:
    """When the notes of a part begin and end; a close is one note."""
    fixed = {chord.start: chord.stop for chord in plan.closes}
    changes = [chord.start for chord in wish.harmonies]
    heeds = part == _BASS or plan.strict == 2 or rng.random() < 0.8
    cuts = sorted({*fixed, wish.bars * wish.bar, *(changes if heeds else ())})
    lengths = _pattern(rng, wish) if rng.random() < 0.3 else _free(rng, wish)
    silence = rng.choice((0, 0, 0.05, 0.15, 0.4))
    found, time = [], Fraction(0)
    while time < wish.bars * wish.bar:
        cut = next(cut for cut in cuts if cut > time)
        stop = fixed.get(time) or min(lengths(time, cut), cut)
        required = time in fixed or (part == _BASS and time in changes)
        if required or rng.random() >= silence:
            found.append((time, stop))
        time = stop
    return found


_Lengths = Callable[[Fraction, Fraction], Fraction]


def _free(rng: Random, wish: Wish) -> _Lengths:
    """Ends of notes by note values; most do not go beyond a bar line."""
    values = [VALUES[name] for name in rng.choice(VALUE_SETS).split()]

    def stop(time: Fraction, cut: Fraction) -> Fraction:
        line = (time // wish.bar + 1) * wish.bar
        room = min(line, cut) - time if rng.random() < 0.85 else cut - time
        fit = [value for value in values if value <= room]
        return time + (rng.choice(fit) if fit else room)

    return stop


def _pattern(rng: Random, wish: Wish) -> _Lengths:
    """Ends of notes where the next one begins in a pattern that is the same in each bar."""
    step = BEATS[wish.meter] / rng.choice((1, 1, 2))
    places = [place * step for place in range(1, int(wish.bar / step))]
    chosen = sorted(rng.sample(places, rng.randint(0, min(4, len(places)))))

    def stop(time: Fraction, cut: Fraction) -> Fraction:
        bar, place = divmod(time, wish.bar)
        return bar * wish.bar + next((later for later in chosen if later > place), wish.bar)

    return stop


# Pitch


def _sing(rng: Random, parts: Parts, part: int, start: Fraction, stop: Fraction, wish: Wish, plan: _Plan) -> None:
    """Add a note with a pitch that suits; leave it out where none does and it need not be sung."""
    required = any(chord.start == start for chord in plan.closes)
    required |= part == _BASS and any(chord.start == start for chord in wish.harmonies)
    around = [[note for note in notes if note.start < stop and note.end > start] for notes in parts]
    pitches = _pitches(parts, part, start, stop, wish, plan, around)
    if not _has_room(around, start, plan.most):
        pitches = []
    if pitches:
        last = parts[part][-1].pitch if parts[part] else sum(plan.spaces[part]) // 2
        near = sorted(pitches, key=lambda pitch: (abs(pitch - last), pitch))
        parts[part].append(Note(start, stop, near[min(int(rng.expovariate(0.5)), len(near) - 1)]))
    elif required:
        raise _NoWayError


def _pitches(
    parts: Parts, part: int, start: Fraction, stop: Fraction, wish: Wish, plan: _Plan, around: Parts
) -> list[int]:
    """Pitches that keep to what is asked and planned."""
    low, high = plan.spaces[part]
    classes = _classes(part, start, stop, wish, plan, around)
    found = [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]
    if parts[part]:
        last = parts[part][-1]
        found = [pitch for pitch in found if abs(pitch - last.pitch) <= plan.leaps[part]]
        if plan.strict and last.end == start:
            found = [pitch for pitch in found if not _is_parallel(parts, part, start, last.pitch, pitch)]
    if plan.strict == 2:
        found = [pitch for pitch in found if _fits_between(around, part, pitch)]
    return found


def _classes(part: int, start: Fraction, stop: Fraction, wish: Wish, plan: _Plan, around: Parts) -> set[int]:
    """Pitch classes that chords, cadences and scale leave a note."""
    closes = [chord for chord in plan.closes if chord.start < stop and chord.stop > start]
    classes = {*range(12)} if closes or wish.harmonies or wish.scale is not None else {*plan.own}
    for close in closes:
        classes &= {close.classes[0]} if part == _BASS else set(close.classes)
    if part == 0:
        classes &= plan.tops.get(start, classes)
    if wish.scale is not None:
        classes &= allowed_in_scale(wish, start)
    classes &= _under_chords(part, start, stop, wish)
    if part == _ORDER[-1]:
        for time, third in _thirds(wish, plan, start, stop):
            if all(note.pitch % 12 != third for notes in around for note in notes if note.start <= time < note.end):
                classes &= {third}
    return classes


def _under_chords(part: int, start: Fraction, stop: Fraction, wish: Wish) -> set[int]:
    """Pitch classes that suit the given chords while a note lasts."""
    classes = {*range(12)}
    strong = [bar * wish.bar + beat for bar in range(wish.bars) for beat in STRONG[wish.meter]]
    for chord, end in wish.spans:
        if not chord.classes or chord.start >= stop or end <= start:
            continue
        tones = {*chord.classes, chord.bass}
        if chord.start <= start:
            classes &= loose_tones(wish, chord)
        if wish.between == "chord" or any(max(start, chord.start) <= time < min(stop, end) for time in strong):
            classes &= tones
        if start <= chord.start:
            classes &= {chord.bass} if part == _BASS else tones
    return classes


def _thirds(wish: Wish, plan: _Plan, start: Fraction, stop: Fraction) -> list[tuple[Fraction, int]]:
    """Where thirds are needed while a note lasts, and which."""
    needed = [(chord.start, chord.third) for chord in plan.closes]
    if plan.strict == 2:
        needed += [(chord.start, chord.third) for chord in wish.harmonies if chord.third is not None]
    return [(time, third) for time, third in needed if start <= time < stop]


def _has_room(around: Parts, start: Fraction, most: int) -> bool:
    """Whether one more part may sound all the while."""
    times = {start, *(note.start for notes in around for note in notes if note.start > start)}
    return all(sum(any(n.start <= time < n.end for n in notes) for notes in around) < most for time in times)


def _is_parallel(parts: Parts, part: int, time: Fraction, before: int, now: int) -> bool:
    """Whether a part that goes to a pitch keeps a fifth or octave with another that goes on at the same time."""
    for other, notes in enumerate(parts):
        moves = [(a.pitch, b.pitch) for a, b in pairwise(notes) if b.start == time == a.end] if other != part else []
        for was, goes in moves:
            gap = abs(was - before) % 12
            if was != goes and before != now and gap in (0, 7) and abs(goes - now) % 12 == gap:
                return True
    return False


def _fits_between(around: Parts, part: int, pitch: int) -> bool:
    """Whether a pitch crosses no other part, and is within an octave of upper neighbours."""
    for other, notes in enumerate(around):
        for note in notes if other != part else ():
            gap = note.pitch - pitch if other < part else pitch - note.pitch
            if gap < 0 or (abs(other - part) == 1 and max(other, part) < _BASS and gap > 12):
                return False
    return True


# What is asked


def _read_off(rng: Random, drawn: Drawn, parts: Parts, plan: _Plan, folder: Path) -> int:
    """Ask for some of what a piece keeps, beside its chords, cadences and scale; for how many kinds of constraints."""
    kinds = sum(bool(asked) for asked in (drawn.wish.harmonies, drawn.wish.cadences, drawn.wish.scale is not None))
    readers = list(_READERS)
    rng.shuffle(readers)
    for read in readers[: rng.randint(2, 6)]:
        kinds += read(rng, drawn, parts, folder)
    heard = _heard(parts, drawn.wish)
    drawn.wish.no_parallels, drawn.wish.four_part = plan.strict > 0, plan.strict > 1
    if plan.strict and not any(_broken(heard, drawn.wish, "parallels", "crossing and spacing", "thirds")):
        drawn.arguments["rules"] = ("no-parallels", "four-part")[plan.strict - 1]
        kinds += 1
    else:
        drawn.wish.no_parallels = drawn.wish.four_part = False
    drawn.wish.ends = rng.random() < 0.7
    if drawn.wish.ends and not any(_broken(heard, drawn.wish, "final tonic")):
        drawn.arguments["ending"] = "tonic"
        kinds += 1
    else:
        drawn.wish.ends = False
    faults = _broken(heard, drawn.wish)
    if faults:
        raise AssertionError(f"the written piece breaks what was read off it: {faults[0]} {drawn.arguments}")
    return kinds


def _broken(heard: Heard, wish: Wish, *kinds: str) -> list[str]:
    """What a piece breaks of some kinds of constraints (none: of all)."""
    found = check(heard, wish)
    return [f"{kind}: {fault}" for kind in kinds or found for fault in found.get(kind, ())]


def _heard(parts: Parts, wish: Wish) -> Heard:
    keys, quarters = frozenset(SIGNATURES[wish.signature][:1]), wish.bars * wish.bar
    return Heard(frozenset({wish.meter}), keys, quarters, tuple(map(tuple, parts)))


def _some(rng: Random, parts: Parts) -> list[int]:
    """Some parts that sing."""
    sung = [part for part, notes in enumerate(parts) if notes]
    return sorted(rng.sample(sung, rng.randint(1, len(sung)))) if sung else []


def _ranges(rng: Random, drawn: Drawn, parts: Parts, folder: Path) -> int:
    texts = {}
    for part in _some(rng, parts):
        pitches = [note.pitch for note in parts[part]]
        low, high = min(pitches) - rng.randint(0, 3), max(pitches) + rng.randint(0, 3)
        drawn.wish.ranges[part], texts[part] = (low, high), f"{pitch_text(low)}:{pitch_text(high)}"
    drawn.arguments["ranges"] = pairs(texts)
    return bool(texts)


def _leaps(rng: Random, drawn: Drawn, parts: Parts, folder: Path) -> int:
    largest = {
        part: max((abs(b.pitch - a.pitch) for a, b in pairwise(parts[part])), default=0) for part in _some(rng, parts)
    }
    drawn.wish.leaps = {part: size + rng.choice((0, 0, 1, 2)) for part, size in largest.items()}
    drawn.arguments["leaps"] = pairs({part: str(size) for part, size in drawn.wish.leaps.items()})
    return bool(largest)


def _density(rng: Random, drawn: Drawn, parts: Parts, folder: Path) -> int:
    wish = drawn.wish
    for part in _some(rng, parts):
        counts = [sum(note.start // wish.bar == bar for note in parts[part]) for bar in range(wish.bars)]
        wish.density[part] = max(0, min(counts) - rng.choice((0, 0, 1))), max(counts) + rng.choice((0, 0, 1, 2))
    drawn.arguments["density"] = pairs({part: f"{least}:{most}" for part, (least, most) in wish.density.items()})
    return bool(wish.density)


def _onsets(rng: Random, drawn: Drawn, parts: Parts, folder: Path) -> int:
    """Places in the bar, of parts that have the same in every bar."""
    wish, texts = drawn.wish, {}
    for part in _some(rng, parts):
        bars = [
            {note.start % wish.bar for note in parts[part] if note.start // wish.bar == b} for b in range(wish.bars)
        ]
        if bars[0] and all(bar == bars[0] for bar in bars):
            wish.onsets[part] = tuple(sorted(bars[0]))
            texts[part] = " ".join(beat_text(place / BEATS[wish.meter] + 1) for place in wish.onsets[part])
    if texts:
        drawn.arguments["onsets"] = pairs(texts)
    return bool(texts)


def _durations(rng: Random, drawn: Drawn, parts: Parts, folder: Path) -> int:
    """Note values, of parts whose notes all have names."""
    names = {length: name for name, length in VALUES.items()}
    wish, texts = drawn.wish, {}
    for part in _some(rng, parts):
        lengths = {note.end - note.start for note in parts[part]} | {VALUES["4"]}
        if lengths <= names.keys():
            wish.durations[part] = tuple(sorted(lengths))
            texts[part] = " ".join(names[length] for length in wish.durations[part])
    if texts:
        drawn.arguments["durations"] = pairs(texts)
    return bool(texts)


def _polyphony(rng: Random, drawn: Drawn, parts: Parts, folder: Path) -> int:
    times = {note.start for notes in parts for note in notes}
    counts = [sum(any(n.start <= time < n.end for n in notes) for notes in parts) for time in times]
    drawn.wish.polyphony = drawn.arguments["polyphony"] = max(counts, default=1)
    return drawn.wish.polyphony < len(PARTS)


def _locks(rng: Random, drawn: Drawn, parts: Parts, folder: Path) -> int:
    """One or two parts, whole or some of their bars."""
    wish, texts = drawn.wish, []
    for part in _some(rng, parts)[: rng.choice((1, 1, 2))]:
        tune = parts[part]
        bars = int(-(-tune[-1].end // wish.bar))
        first = rng.randint(1, bars) if rng.random() < 0.5 else 1
        last = rng.randint(first, bars) if rng.random() < 0.5 else bars
        start, stop = (first - 1) * wish.bar, last * wish.bar
        if any(note.start < line < note.end for note in tune for line in (start, stop)):
            first, last, start, stop = 1, bars, Fraction(0), bars * wish.bar
        path = folder / f"{PARTS[part]}.mid"
        write_tune(tune, bars * wish.bar, wish.meter, path)
        wish.locks.append(Lock(part, start, stop, tuple(note for note in tune if start <= note.start < stop)))
        texts.append(f"{PARTS[part]}={path}" if (first, last) == (1, bars) else f"{PARTS[part]}:{first}-{last}={path}")
    drawn.arguments["locks"] = tuple(texts)
    return bool(texts)


_Reader = Callable[[Random, Drawn, Parts, Path], int]
_READERS: tuple[_Reader, ...] = (_ranges, _leaps, _density, _onsets, _durations, _polyphony, _locks)
