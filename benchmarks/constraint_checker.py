"""What a written MIDI file keeps of what was asked for, judged by mido, `benchmarks.hearing` and this file.

Nothing of Cadenza is imported here: keys, strong beats and cadences have tables of their own
(`benchmarks.constraint_wish`), times are fractions of a quarter. So this shares no code, and no mistake, with the masks
that the pieces were written under. What it demands is what the README promises of each option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

from benchmarks.constraint_wish import MINOR_THIRD, SIGNATURES, STRONG, Harmony, Sung, Wish, cadence_chords
from benchmarks.hearing import Heard, Note

# Which notes of a cadence's arrival the soprano may sing, where it is not free.
TOP = {"perfect": slice(0, 1), "imperfect": slice(1, 3)}
_FIFTH, _OCTAVE = 7, 0
_WIDEST = 12


def check(heard: Heard, wish: Wish) -> dict[str, list[str]]:
    """What is broken, by kind of constraint; kinds that nobody asked for are left out."""
    found = {name: judge(heard, wish) for name, judge in _JUDGES.items()}
    return {name: list(faults) for name, faults in found.items() if faults is not None}


Faults = Iterable[str] | None


def _form(heard: Heard, wish: Wish) -> Iterator[str]:
    if heard.meters != {wish.meter}:
        yield f"meters {sorted(heard.meters)}"
    if not heard.keys or not heard.keys <= set(SIGNATURES[wish.signature]):
        yield f"key signatures {sorted(heard.keys)}"
    if heard.quarters != wish.bars * wish.bar:
        yield f"{heard.quarters} quarters long"
    if len(heard.parts) != len(wish.ranges):
        yield f"{len(heard.parts)} parts"
    for part, notes in enumerate(heard.parts):
        for first, second in pairwise(notes):
            if first.end > second.start:
                yield f"part {part}: two notes at once at {_place(second.start, wish)}"


def _place(time: Fraction, wish: Wish) -> str:
    bar, rest = divmod(time, wish.bar)
    return f"bar {bar + 1} quarter {rest}"


def _range(heard: Heard, wish: Wish) -> Iterator[str]:
    for part, (lowest, highest) in wish.ranges.items():
        for note in heard.parts[part]:
            if not lowest <= note.pitch <= highest:
                yield f"part {part}: {note.pitch} at {_place(note.start, wish)}"


def _leap(heard: Heard, wish: Wish) -> Iterator[str]:
    for part, most in wish.leaps.items():
        for first, second in pairwise(heard.parts[part]):
            if abs(second.pitch - first.pitch) > most:
                yield f"part {part}: {first.pitch} to {second.pitch} at {_place(second.start, wish)}"


def _density(heard: Heard, wish: Wish) -> Iterator[str]:
    for part, (least, most) in wish.density.items():
        for bar in range(wish.bars):
            count = sum(note.start // wish.bar == bar for note in heard.parts[part])
            if not least <= count <= most:
                yield f"part {part}: {count} notes in bar {bar + 1}"


def _onsets(heard: Heard, wish: Wish) -> Iterator[str]:
    for part, places in wish.onsets.items():
        for bar in range(wish.bars):
            found = {note.start % wish.bar for note in heard.parts[part] if note.start // wish.bar == bar}
            if found != set(places):
                yield f"part {part}: bar {bar + 1} begins notes at {sorted(map(str, found))}"


def _durations(heard: Heard, wish: Wish) -> Iterator[str]:
    for part, lengths in wish.durations.items():
        for note in heard.parts[part]:
            if note.end - note.start not in lengths:
                yield f"part {part}: {note.end - note.start} quarters at {_place(note.start, wish)}"


def _polyphony(heard: Heard, wish: Wish) -> Iterator[str]:
    for time in _all_onsets(heard):
        count = sum(pitch is not None for pitch in _sonority(heard, time))
        if wish.polyphony is not None and count > wish.polyphony:
            yield f"{count} parts at {_place(time, wish)}"


def _all_onsets(heard: Heard) -> list[Fraction]:
    return sorted({note.start for notes in heard.parts for note in notes})


def _sounding(notes: tuple[Note, ...], time: Fraction) -> int | None:
    """The pitch that a part sounds just after a time."""
    return next((note.pitch for note in notes if note.start <= time < note.end), None)


def _sonority(heard: Heard, time: Fraction) -> list[int | None]:
    return [_sounding(notes, time) for notes in heard.parts]


def _scale(heard: Heard, wish: Wish) -> Iterator[str]:
    for part, note in _notes(heard):
        if note.pitch % 12 not in allowed_in_scale(wish, note.start):
            yield f"part {part}: {note.pitch} at {_place(note.start, wish)}"


def allowed_in_scale(wish: Wish, time: Fraction) -> set[int]:
    """Pitch classes of the notes that may begin at a time where notes keep to a scale."""
    chord = _chord_at(wish, time)
    allowed = set(wish.scale or ()) | chord.classes | ({chord.bass} if chord.classes else set())
    if not wish.harmonies:
        allowed |= _cadence_tones(wish, time)
    if wish.is_key_scale and (not chord.classes or _is_dominant(chord, wish)):
        allowed |= _raised(wish)
    return allowed


def _cadence_tones(wish: Wish, time: Fraction) -> set[int]:
    """The tones of a cadence's chord that is sung at a time: its chords count as given."""
    sung = [chord for bar, kind in wish.cadences for chord in cadence_chords(wish, bar, kind)]
    return {tone for chord in sung if chord.start <= time < chord.stop for tone in chord.classes}


def _notes(heard: Heard) -> Iterator[tuple[int, Note]]:
    return ((part, note) for part, notes in enumerate(heard.parts) for note in notes)


def _chord_at(wish: Wish, time: Fraction) -> Harmony:
    return next((chord for chord in reversed(wish.harmonies) if chord.start <= time), Harmony(Fraction(0)))


def _raised(wish: Wish) -> set[int]:
    return {(wish.tonic + 9) % 12, (wish.tonic + 11) % 12} if wish.mode == "minor" else set()


def _is_dominant(chord: Harmony, wish: Wish) -> bool:
    return (wish.tonic + 11) % 12 in chord.classes and chord.root != wish.tonic


def _chords(heard: Heard, wish: Wish) -> Iterator[str]:
    for chord, end in wish.spans:
        if chord.classes:
            yield from _chord(heard, wish, chord, end)


def _chord(heard: Heard, wish: Wish, chord: Harmony, end: Fraction) -> Iterator[str]:
    tones = chord.classes | {chord.bass}
    strong = (bar * wish.bar + beat for bar in range(wish.bars) for beat in STRONG[wish.meter])
    for time in sorted({chord.start, *(time for time in strong if chord.start <= time < end)}):
        foreign = [pitch for pitch in _sonority(heard, time) if pitch is not None and pitch % 12 not in tones]
        if foreign:
            yield f"{foreign} at {_place(time, wish)}"
    lowest = _sounding(heard.parts[-1], chord.start)
    if lowest is None or lowest % 12 != chord.bass:
        yield f"bass {lowest} at {_place(chord.start, wish)}"
    loose = loose_tones(wish, chord)
    for part, note in _notes(heard):
        begins = chord.start <= note.start < end
        sounds = wish.between == "chord" and note.start < end and note.end > chord.start
        if (begins or sounds) and note.pitch % 12 not in loose:
            yield f"part {part}: {note.pitch} at {_place(note.start, wish)}"


def loose_tones(wish: Wish, chord: Harmony) -> set[int]:
    """Pitch classes of the notes that may begin off the strong beats of a chord."""
    tones = {*chord.classes, chord.bass}
    raised = _raised(wish) if _is_dominant(chord, wish) else set()
    return {"chord": tones, "scale": tones | wish.key_scale | raised, "any": {*range(12)}}[wish.between]


def _cadence(heard: Heard, wish: Wish) -> Iterator[str]:
    for bar, kind in wish.cadences:
        *approach, arrival = cadence_chords(wish, bar, kind)
        faults = [fault for chord in (*approach, arrival) for fault in _sung(heard, wish, chord)]
        faults += _held(heard, wish, arrival)
        soprano = _sounding(heard.parts[0], arrival.start)
        if soprano is not None and soprano % 12 not in arrival.classes[TOP.get(kind, slice(0, 3))]:
            faults.append(f"soprano {soprano} at {_place(arrival.start, wish)}")
        for part in (0, -1):
            if all(note.start != arrival.start for note in heard.parts[part]):
                faults.append(f"part {part % 4} begins no note at {_place(arrival.start, wish)}")
        for chord in approach:
            basses = [note for note in heard.parts[-1] if note.start < chord.stop and note.end > chord.start]
            if _silence(basses, chord) or any(note.pitch % 12 != chord.classes[0] for note in basses):
                faults.append(f"bass before {_place(chord.stop, wish)}")
        yield from (f"{kind}: {fault}" for fault in faults)


def _sung(heard: Heard, wish: Wish, chord: Sung) -> Iterator[str]:
    """Whether all parts sing the chord's tones (and the seventh that a given chord has), the third too, over its bass.

    So a dominant has its leading tone.
    """
    given = _chord_at(wish, chord.start)
    tones = {*chord.classes, *({(given.root + 10) % 12} & given.classes)}
    pitches = _sonority(heard, chord.start)
    if any(pitch is None or pitch % 12 not in tones for pitch in pitches):
        yield f"{pitches} at {_place(chord.start, wish)}"
    if chord.third not in {pitch % 12 for pitch in pitches if pitch is not None}:
        yield f"no third in {pitches} at {_place(chord.start, wish)}"
    if pitches[-1] is not None and pitches[-1] % 12 != chord.classes[0]:
        yield f"bass {pitches[-1]} at {_place(chord.start, wish)}"


def _held(heard: Heard, wish: Wish, chord: Sung) -> Iterator[str]:
    """Whether nothing but a chord sounds, in all parts, from its place to where it ends, and its bass there."""
    for part, notes in enumerate(heard.parts):
        inside = [note for note in notes if note.start < chord.stop and note.end > chord.start]
        if _silence(inside, chord):
            yield f"part {part} is silent while the arrival is held"
        for note in inside:
            if note.pitch % 12 not in chord.classes:
                yield f"part {part}: {note.pitch} while the arrival is held"
    last = [note for note in heard.parts[-1] if note.start < chord.stop <= note.end]
    if not last or last[0].pitch % 12 != chord.classes[0]:
        yield f"the arrival's bass is not there until {_place(chord.stop, wish)}"


def _silence(notes: list[Note], chord: Sung) -> Fraction:
    """For how long a part with these notes is silent while a chord lasts."""
    sung = sum((min(note.end, chord.stop) - max(note.start, chord.start) for note in notes), Fraction(0))
    return chord.stop - chord.start - sung


def _last(heard: Heard, wish: Wish) -> list[int | None]:
    """The pitches that sound to the end of the piece."""
    end = wish.bars * wish.bar
    return [next((note.pitch for note in notes if note.end == end), None) for notes in heard.parts]


def _locks(heard: Heard, wish: Wish) -> Iterator[str]:
    for lock in wish.locks:
        found = [note for note in heard.parts[lock.part] if lock.start <= note.start < lock.stop]
        if found != list(lock.notes):
            wrong = next(iter(sorted(set(found) ^ set(lock.notes))))
            yield f"part {lock.part}: {wrong.pitch} at {_place(wrong.start, wish)}"
        for note in heard.parts[lock.part]:
            if note.start < lock.start < note.end:
                yield f"part {lock.part}: held into the lock at {_place(lock.start, wish)}"


def _parallels(heard: Heard, wish: Wish) -> Iterator[str]:
    moves = [_moves(notes) for notes in heard.parts]
    for upper, lower in combinations(range(len(moves)), 2):
        for time in sorted(moves[upper].keys() & moves[lower].keys()):
            before, after = (abs(a - b) % 12 for a, b in zip(moves[upper][time], moves[lower][time], strict=True))
            if before == after and before in (_FIFTH, _OCTAVE):
                yield f"parts {upper} and {lower} at {_place(time, wish)}"


def _moves(notes: tuple[Note, ...]) -> dict[Fraction, tuple[int, int]]:
    """Where a part goes to another pitch without a rest of a quarter or more, from and to which."""
    return {b.start: (a.pitch, b.pitch) for a, b in pairwise(notes) if b.start - a.end < 1 and a.pitch != b.pitch}


def _crossing(heard: Heard, wish: Wish) -> Iterator[str]:
    for time in _all_onsets(heard):
        pitches = _sonority(heard, time)
        sung = [pitch for pitch in pitches if pitch is not None]
        if sung != sorted(sung, reverse=True):
            yield f"{pitches} at {_place(time, wish)}"
        for upper, lower in pairwise(pitches[:-1]):
            if upper is not None and lower is not None and upper - lower > _WIDEST:
                yield f"{pitches} gape at {_place(time, wish)}"


def _thirds(heard: Heard, wish: Wish) -> Iterator[str]:
    for chord in wish.harmonies:
        sung = [pitch % 12 for pitch in _sonority(heard, chord.start) if pitch is not None]
        if chord.third is not None and chord.third not in sung:
            yield f"no {chord.third} at {_place(chord.start, wish)}"


def _ending(heard: Heard, wish: Wish) -> Iterator[str]:
    thirds = {3, 4} if wish.mode in MINOR_THIRD else {4}
    tones = {(wish.tonic + note) % 12 for note in {0, 7} | thirds}
    yield from _closes(heard, wish, tones, wish.tonic, Fraction(0))
    if {(wish.tonic + 3) % 12, (wish.tonic + 4) % 12} <= {
        pitch % 12 for pitch in _last(heard, wish) if pitch is not None
    }:
        yield f"ends on both thirds: {_last(heard, wish)}"


def _final_chord(heard: Heard, wish: Wish) -> Iterator[str]:
    chord = wish.harmonies[-1]
    yield from _closes(heard, wish, {*chord.classes, chord.bass}, chord.bass, chord.start)


def _closes(heard: Heard, wish: Wish, tones: set[int], bass: int, begins: Fraction) -> Iterator[str]:
    """Whether some tones alone sound from the last strong beat on (or from where the last chord begins) to the end.

    The lowest part sings their bass all the while; so long all parts sing, unless fewer may sound at once or one is to
    sing nothing in the whole piece.
    """
    end = wish.bars * wish.bar
    start = max(end - wish.bar + STRONG[wish.meter][-1], begins)
    chord = Sung(start, end, (bass, *tones), -1)
    full = wish.polyphony is None or wish.polyphony >= len(heard.parts)
    full &= all(most for _, most in wish.density.values())
    for part, notes in enumerate(heard.parts):
        lowest = part == len(heard.parts) - 1
        inside = [note for note in notes if note.end > start]
        if (full or lowest) and _silence(inside, chord):
            yield f"part {part} is silent after {_place(start, wish)}"
        for note in inside:
            if note.pitch % 12 not in ({bass} if lowest else tones):
                yield f"part {part}: {note.pitch} after {_place(start, wish)}"


def _if_asked(name: str, judge: Callable[[Heard, Wish], Faults]) -> Callable[[Heard, Wish], Faults]:
    """The judge of a kind, or nothing where the wish does not ask for it."""
    return lambda heard, wish: judge(heard, wish) if getattr(wish, name) not in (None, False, (), [], {}) else None


_JUDGES: dict[str, Callable[[Heard, Wish], Any]] = {
    "form": _form,
    "range": _range,
    "leap": _if_asked("leaps", _leap),
    "density": _if_asked("density", _density),
    "onsets": _if_asked("onsets", _onsets),
    "durations": _if_asked("durations", _durations),
    "polyphony": _if_asked("polyphony", _polyphony),
    "scale": _if_asked("scale", _scale),
    "chords": _if_asked("harmonies", _chords),
    "cadence": _if_asked("cadences", _cadence),
    "lock": _if_asked("locks", _locks),
    "parallels": _if_asked("no_parallels", _parallels),
    "crossing and spacing": _if_asked("four_part", _crossing),
    "thirds": _if_asked("needs_thirds", _thirds),
    "final tonic": _if_asked("ends", _ending),
    "final chord": _if_asked("ends_on_chord", _final_chord),
}
