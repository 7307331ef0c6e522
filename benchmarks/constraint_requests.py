"""Random requests with constraints, each with what a checker has to find in the piece.

Request and expectation are drawn together from the tables here; nothing of Cadenza is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import mido

from benchmarks.constraint_chords import name_near, name_of, progression
from benchmarks.constraint_wish import BEATS, CADENCES, Harmony, Lock, Wish, cadence_chords
from benchmarks.hearing import Note

PARTS = ("soprano", "alto", "tenor", "bass")
RANGES = ((57, 81), (52, 76), (46, 70), (35, 64))  # of the chorale style
# Fifths from the tonic of the major key with the same signature, and semitones of the scale.
_MODES = {
    "major": (0, (0, 2, 4, 5, 7, 9, 11)), "minor": (3, (0, 2, 3, 5, 7, 8, 10)), "dorian": (2, (0, 2, 3, 5, 7, 9, 10)),
    "phrygian": (4, (0, 1, 3, 5, 7, 8, 10)), "mixolydian": (1, (0, 2, 4, 5, 7, 9, 10)),
}  # fmt: skip
_SCALES = {
    **{mode: scale for mode, (_, scale) in _MODES.items()}, "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "major pentatonic": (0, 2, 4, 7, 9), "blues": (0, 3, 5, 6, 7, 10), "whole tone": (0, 2, 4, 6, 8, 10),
}  # fmt: skip
VALUES = {
    "1": Fraction(4), "2": Fraction(2), "4": Fraction(1), "8": Fraction(1, 2), "16": Fraction(1, 4),
    "2.": Fraction(3), "4.": Fraction(3, 2), "8.": Fraction(3, 4), "8t": Fraction(1, 3),
}  # fmt: skip
VALUE_SETS = ("4 2", "8 4 2", "8 4", "4. 8 4 2", "8 4 4. 2 2. 1", "8t 4 2", "16 8 8. 4", "4", "8", "2. 4. 4 8")
_OFTEN = {"perfect": 3}  # how often a kind of cadence is asked for; others once
_TICKS = 480
_ODD = 0.12  # how often a musician asks for what hardly goes together


class Drawn(NamedTuple):
    """A request and what its piece has to keep."""

    arguments: dict[str, Any]
    wish: Wish


def draw(rng: Random, meters: tuple[str, ...], folder: Path) -> Drawn:
    """A request with two to six kinds of constraints.

    Args:
        rng: where chance comes from.
        meters: those that the style writes.
        folder: where files with notes to lock are written.
    """
    drawn = plain(rng, meters)
    chosen = set[str]()
    while len(chosen) < 2 or (len(chosen) < 6 and rng.random() < 0.6):
        chosen.add(rng.choices(tuple(_KINDS), [weight for weight, _ in _KINDS.values()])[0])
    for kind, (_, ask) in _KINDS.items():
        if kind in chosen:
            ask(rng, drawn, folder)
    return drawn


def plain(rng: Random, meters: tuple[str, ...], bars: tuple[int, int] = (4, 12)) -> Drawn:
    """A request for a key, a meter, a number of bars and a seed."""
    mode = rng.choices(tuple(_MODES), (5, 5, 1, 1, 1))[0]
    shift, scale = _MODES[mode]
    signature = rng.choices(range(-6, 7), (1, 1, 2, 3, 3, 4, 4, 4, 3, 3, 2, 1, 1))[0]
    meter, length = rng.choice(meters), rng.randint(*bars)
    arguments = {
        "key": f"{name_of(signature + shift)} {mode}", "meter": meter, "bars": length, "seed": rng.randrange(10**6),
    }  # fmt: skip
    if rng.random() < 0.1:
        arguments["temperature"] = rng.choice((0.5, 0.8, 1.2, 1.5))
    tonic = (signature + shift) * 7 % 12
    classes = frozenset((tonic + note) % 12 for note in scale)
    return Drawn(arguments, Wish(meter, length, tonic, mode, signature, classes, dict(enumerate(RANGES))))


def _choose_parts(rng: Random, drawn: Drawn) -> list[int]:
    """Some parts, most often such as sing no locked tune."""
    locked = {lock.part for lock in drawn.wish.locks} if rng.random() > _ODD else set()
    free = [part for part in range(4) if part not in locked]
    return sorted(rng.sample(free, min(rng.choice((1, 1, 2, 3)), len(free))))


def pairs(values: dict[int, str]) -> str:
    return ",".join(f"{PARTS[part]}={value}" for part, value in values.items())


def _for_parts(rng: Random, drawn: Drawn, value: Callable[[], str]) -> dict[int | None, str]:
    """A value for all parts (None), or one for each of some."""
    if rng.random() < (_ODD if drawn.wish.locks else 0.4):
        return {None: value()}
    return {part: value() for part in _choose_parts(rng, drawn)}


def _put(drawn: Drawn, option: str, values: dict[int | None, str]) -> dict[int, str]:
    """Write a value for parts into the request; the values part by part."""
    if None in values:
        drawn.arguments[option] = values[None]
        return dict.fromkeys(range(4), values[None])
    by_part = {part: value for part, value in values.items() if part is not None}
    drawn.arguments[option] = pairs(by_part)
    return by_part


def ask_chords(rng: Random, drawn: Drawn, folder: Path) -> None:
    """Chords for some of the bars, which go on until the piece is full."""
    wish = drawn.wish
    length = rng.choice([length for length in (1, 2, 3, 4, 4, 4, 8, wish.bars) if length <= wish.bars])
    drawn.arguments["chords"], placed = progression(rng, wish, length)
    if length == wish.bars and rng.random() < 0.3:
        del drawn.arguments["bars"]
    starts = (again * wish.bar for again in range(0, wish.bars, length))
    chords = (chord._replace(start=chord.start + start) for start in starts for chord in placed)
    wish.harmonies = tuple(chord for chord in chords if chord.start < wish.bars * wish.bar)
    if rng.random() < 0.5:
        wish.between = drawn.arguments["between"] = rng.choice(("chord", "scale", "any"))


def _range(rng: Random, drawn: Drawn, folder: Path) -> None:
    """Ranges inside the style's, and now and then one that is narrow or leaves them."""
    chosen: dict[int, str] = {}
    for part in _choose_parts(rng, drawn):
        lowest, highest = RANGES[part]
        is_odd = rng.random() < 0.15
        width = rng.choice((3, 4, 5, 7, 24)) if is_odd else rng.choice((9, 11, 12, 12, 12, 14, 16, 19))
        spare = highest - lowest - width
        bottom = lowest + (rng.randint(-4, max(spare, 0) + 4) if is_odd else round(rng.triangular(0, spare)))
        drawn.wish.ranges[part] = bottom, bottom + width
        chosen[part] = f"{pitch_text(bottom)}:{pitch_text(bottom + width)}"
    drawn.arguments["ranges"] = pairs(chosen)


def pitch_text(midi: int) -> str:
    name = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")[midi % 12]
    return f"{name}{midi // 12 - 1}"


def _leap(rng: Random, drawn: Drawn, folder: Path) -> None:
    values = _put(drawn, "leaps", _for_parts(rng, drawn, lambda: str(rng.choice((2, 4, 5, 7, 7, 7, 9, 12, 12)))))
    drawn.wish.leaps = {part: int(value) for part, value in values.items()}


def _density(rng: Random, drawn: Drawn, folder: Path) -> None:
    def value() -> str:
        least = rng.choice((0, 1, 1, 2, 2, 3, 4))
        return f"{least}:{max(least + rng.choice((0, 1, 2, 2, 3, 4, 6)), 1)}"  # no piece may be all silence

    values = _put(drawn, "density", _for_parts(rng, drawn, value))
    for part, text in values.items():
        least, most = map(int, text.split(":"))
        drawn.wish.density[part] = least, most


def _onsets(rng: Random, drawn: Drawn, folder: Path) -> None:
    beat = BEATS[drawn.wish.meter]
    beats = int(drawn.wish.bar / beat)
    parts = 3 if beat == Fraction(3, 2) else rng.choice((1, 2, 2))
    places = [Fraction(place, parts) + 1 for place in range(beats * parts)]

    def value() -> str:
        chosen = sorted(rng.sample(places[1:], rng.randint(0, min(3, len(places) - 1))))
        first = [places[0]] if rng.random() < 0.9 or not chosen else []
        return " ".join(beat_text(place) for place in [*first, *chosen])

    values = _put(drawn, "onsets", _for_parts(rng, drawn, value))
    drawn.wish.onsets = {
        part: tuple((Fraction(place) - 1) * beat for place in text.split()) for part, text in values.items()
    }


def beat_text(place: Fraction) -> str:
    return str(float(place)) if place.denominator == 2 else str(place)


def _durations(rng: Random, drawn: Drawn, folder: Path) -> None:
    values = _put(drawn, "durations", _for_parts(rng, drawn, lambda: rng.choice(VALUE_SETS)))
    drawn.wish.durations = {part: tuple(VALUES[name] for name in text.split()) for part, text in values.items()}


def _polyphony(rng: Random, drawn: Drawn, folder: Path) -> None:
    drawn.wish.polyphony = drawn.arguments["polyphony"] = rng.choice((1, 2, 3, 3, 3, 4))


def ask_scale(rng: Random, drawn: Drawn, folder: Path) -> None:
    wish = drawn.wish
    if rng.random() < 0.6:
        drawn.arguments["scale"], wish.scale, wish.is_key_scale = "key", wish.key_scale, True
        return
    tonic = wish.tonic if rng.random() < 0.8 else rng.randrange(12)
    name = wish.mode if rng.random() < 0.3 else rng.choice(tuple(_SCALES))
    drawn.arguments["scale"] = f"{name_near(tonic, wish.signature)} {name}"
    wish.scale = frozenset((tonic + note) % 12 for note in _SCALES[name])


def _cadence(rng: Random, drawn: Drawn, folder: Path) -> None:
    wish = drawn.wish
    if not wish.harmonies or rng.random() < _ODD:
        cadences(rng, drawn)
        return
    possible = [(bar, kind) for bar in range(2, wish.bars + 1) for kind in fitting(wish, bar)]
    chosen = dict(rng.sample(possible, min(len(possible), rng.choice((1, 1, 2)))))
    if chosen:
        put_cadences(drawn, sorted(chosen.items()))


def fitting(wish: Wish, bar: int) -> tuple[str, ...]:
    """The cadences that the given chords make on the first beat of a bar."""
    return tuple(kind for kind in CADENCES[wish.mode] if _makes(wish, bar, kind))


def _makes(wish: Wish, bar: int, kind: str) -> bool:
    """Whether the given chords are those of a cadence; its dominant may have a seventh."""
    *_, arrival = chords = cadence_chords(wish, bar, kind)
    for chord in chords:
        given = _given(wish, chord.start)
        seventh = {(given.root + 10) % 12} if chord is not arrival and CADENCES[wish.mode][kind][0] == "V" else set()
        if given.bass != chord.classes[0] or not set(chord.classes) <= given.classes <= {*chord.classes} | seventh:
            return False
    return _given(wish, arrival.stop - Fraction(1, 24)) == _given(wish, arrival.start)


def _given(wish: Wish, time: Fraction) -> Harmony:
    return next(chord for chord in reversed(wish.harmonies) if chord.start <= time)


def cadences(rng: Random, drawn: Drawn) -> None:
    """One to three cadences, most often one in the last bar."""
    wish = drawn.wish
    bars = {wish.bars} if rng.random() < 0.7 else set()
    if wish.bars >= 4 and rng.random() < 0.5:
        bars.add(wish.bars // 2)
    if not bars or rng.random() < 0.15:
        bars.add(rng.randint(2, wish.bars))
    kinds = [kind for kind in CADENCES[wish.mode] for _ in range(_OFTEN.get(kind, 1))]
    put_cadences(drawn, [(bar, rng.choice(kinds)) for bar in sorted(bars)])


def put_cadences(drawn: Drawn, chosen: list[tuple[int, str]]) -> None:
    drawn.wish.cadences = chosen
    drawn.arguments["cadences"] = tuple(f"{bar}={kind}" for bar, kind in chosen)


def _rules(rng: Random, drawn: Drawn, folder: Path) -> None:
    drawn.arguments["rules"] = rng.choice(("four-part", "four-part", "no-parallels"))
    drawn.wish.no_parallels = True
    drawn.wish.four_part = drawn.arguments["rules"] == "four-part"


def _ending(rng: Random, drawn: Drawn, folder: Path) -> None:
    drawn.arguments["ending"] = rng.choice(("tonic", "open"))
    drawn.wish.ends = drawn.arguments["ending"] == "tonic"


def _locks(rng: Random, drawn: Drawn, folder: Path) -> None:
    """Tunes for one or two parts: whole ones, shorter than the piece, or some bars of them."""
    texts = []
    for part in sorted(rng.sample(range(4), rng.choice((1, 1, 1, 2)))):
        wish = drawn.wish
        length = rng.choice((wish.bars, wish.bars, rng.randint(1, wish.bars)))
        tune = _tune(rng, part, length, wish)
        path = folder / f"{PARTS[part]}.mid"
        write_tune(tune, length * wish.bar, wish.meter, path)
        written = -int(-max((note.end for note in tune), default=Fraction(0)) // wish.bar)  # up to its last note
        first, last, bars = 1, written or length, ""
        if rng.random() < 0.4 and written:
            length = written
            first = rng.randint(1, length)
            last = rng.randint(first, length)
            bars = f":{first}-{last}" if last > first or rng.random() < 0.5 else f":{first}"
        start, stop = (first - 1) * wish.bar, last * wish.bar
        kept = tuple(_cut(note, stop) for note in tune if start <= note.start < stop)
        wish.locks.append(Lock(part, start, stop, kept))
        texts.append(f"{PARTS[part]}{bars}={path}")
    drawn.arguments["locks"] = tuple(texts)


def _cut(note: Note, stop: Fraction) -> Note:
    """The note, cut where a lock ends."""
    return note._replace(end=min(note.end, stop))


def _tune(rng: Random, part: int, bars: int, wish: Wish) -> list[Note]:
    """A walk through the scale, with rests, and now and then a note held over a bar line.

    Under given chords it most often keeps to their tones, the lowest part to their basses.
    """
    lowest, highest = RANGES[part]
    notes, time, end, pitch = list[Note](), Fraction(0), bars * wish.bar, rng.randint(lowest + 4, highest - 4)
    heeds = bool(wish.harmonies) and rng.random() > _ODD
    changes = [chord.start for chord in wish.harmonies if heeds]
    while time < end:
        length = VALUES[rng.choice(("2", "4", "4", "4", "8", "8", "4.", "16"))]
        if (time + length) // wish.bar != time // wish.bar and rng.random() < 0.8:
            length = (time // wish.bar + 1) * wish.bar - time
        stop = min(time + length, end, *(change for change in changes if change > time))
        chord = [chord for chord in wish.harmonies if heeds and chord.start <= time][-1:]
        classes = wish.key_scale
        if chord and chord[0].classes:
            classes = frozenset({chord[0].bass}) if part == len(RANGES) - 1 else chord[0].classes
        pitch += rng.choice((-3, -2, -2, -1, 0, 1, 2, 2, 3))
        pitch = min((p for p in range(lowest, highest + 1) if p % 12 in classes), key=lambda p: abs(p - pitch))
        if rng.random() > 0.08 or chord:
            notes.append(Note(time, stop, pitch))
        time = stop
    return notes


def write_tune(notes: list[Note], end: Fraction, meter: str, path: Path) -> None:
    """Write a tune as a type-0 MIDI file that ends at a bar line."""
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS)
    upper, lower = map(int, meter.split("/"))
    events = [(0, 1, mido.MetaMessage("time_signature", numerator=upper, denominator=lower))]
    for note in notes:
        events.append((int(note.start * _TICKS), 2, mido.Message("note_on", note=note.pitch, velocity=80)))
        events.append((int(note.end * _TICKS), 0, mido.Message("note_off", note=note.pitch)))
    events.append((int(end * _TICKS), 3, mido.MetaMessage("end_of_track")))
    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    file.tracks.append(track)
    file.save(path)


_KINDS: dict[str, tuple[float, Callable[[Random, Drawn, Path], None]]] = {
    "chords": (5, ask_chords), "locks": (1.5, _locks), "cadences": (3, _cadence), "range": (3, _range),
    "density": (3, _density), "leap": (2, _leap), "durations": (1.5, _durations), "onsets": (1, _onsets),
    "polyphony": (1, _polyphony), "scale": (2, ask_scale), "rules": (3, _rules), "ending": (1, _ending),
}  # fmt: skip
