"""What a written MIDI file keeps of what was asked for, judged by mido, `benchmarks.hearing` and this file.

Nothing of Cadenza is imported here: keys, strong beats and cadences have tables of their own, times are fractions of a
quarter. So this shares no code, and no mistake, with the masks that the pieces were written under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from benchmarks.hearing import Heard, Note

# Length of a bar and of a beat, and where the strong beats are, in quarters.
BARS = {"2/4": Fraction(2), "3/4": Fraction(3), "4/4": Fraction(4), "6/8": Fraction(3), "5/4": Fraction(5)}
BEATS = {meter: Fraction(3, 2) if meter == "6/8" else Fraction(1) for meter in BARS}
STRONG = {"2/4": (Fraction(0),), "3/4": (Fraction(0),), "4/4": (Fraction(0), Fraction(2))}
STRONG |= {"6/8": (Fraction(0), Fraction(3, 2)), "5/4": (Fraction(0), Fraction(3))}
# Sharps of a key (flats negative): its names in a MIDI file, as major and as minor.
SIGNATURES = {
    -7: ("Cb", "Abm"), -6: ("Gb", "Ebm"), -5: ("Db", "Bbm"), -4: ("Ab", "Fm"), -3: ("Eb", "Cm"), -2: ("Bb", "Gm"),
    -1: ("F", "Dm"), 0: ("C", "Am"), 1: ("G", "Em"), 2: ("D", "Bm"), 3: ("A", "F#m"), 4: ("E", "C#m"), 5: ("B", "G#m"),
    6: ("F#", "D#m"), 7: ("C#", "A#m"),
}  # fmt: skip
# Chords of a cadence in semitones above the tonic, the bass first; then for each kind its approach, its arrival and the
# notes of the arrival that the soprano may sing.
_MAJOR: dict[str, tuple[int, ...]] = {
    "I": (0, 4, 7),
    "IV": (5, 9, 0),
    "V": (7, 11, 2),
    "vi": (9, 0, 4),
    "iv6": (8, 5, 0),
}
_MINOR: dict[str, tuple[int, ...]] = {
    "I": (0, 3, 7),
    "IV": (5, 8, 0),
    "V": (7, 11, 2),
    "vi": (8, 0, 3),
    "iv6": (8, 5, 0),
}
_CADENCES: dict[str, tuple[str | None, str, slice]] = {
    "perfect": ("V", "I", slice(0, 1)), "imperfect": ("V", "I", slice(1, 3)), "half": (None, "V", slice(0, 3)),
    "plagal": ("IV", "I", slice(0, 3)), "deceptive": ("V", "vi", slice(0, 3)), "phrygian": ("iv6", "V", slice(0, 3)),
}  # fmt: skip
MINOR_THIRD = ("minor", "dorian", "phrygian")
_FIFTH, _OCTAVE = 7, 0
_WIDEST = 12


class Harmony(NamedTuple):
    """A chord from a place on: pitch classes (none: no chord), its root, bass and third (None where it has none)."""

    start: Fraction
    classes: frozenset[int] = frozenset()
    root: int = -1
    bass: int = -1
    third: int | None = None


class Lock(NamedTuple):
    """Notes that a part has to sing, and no others, from one place to another."""

    part: int
    start: Fraction
    stop: Fraction
    notes: tuple[Note, ...]


@dataclass
class Wish:
    """What a piece was asked to keep; parts are indices from the top, bars count from 1.

    Attributes:
        tonic, mode, signature: of the key; a pitch class, its mode's name, its sharps.
        scale: pitch classes that notes keep to, or None.
        key_scale: pitch classes of the key.
        is_key_scale: whether `scale` is the key's, so that minor may raise its sixth and seventh.
        harmonies: the given chords in order of time.
        between: what may begin off the strong beats: "chord", "scale", "any".
        ends: whether the piece has to end on the tonic.
        ends_on_chord: whether it has to end on the last given chord.
    """

    meter: str
    bars: int
    tonic: int
    mode: str
    signature: int
    key_scale: frozenset[int]
    ranges: dict[int, tuple[int, int]]
    leaps: dict[int, int] = field(default_factory=dict)
    density: dict[int, tuple[int, int]] = field(default_factory=dict)
    onsets: dict[int, tuple[Fraction, ...]] = field(default_factory=dict)
    durations: dict[int, tuple[Fraction, ...]] = field(default_factory=dict)
    polyphony: int | None = None
    scale: frozenset[int] | None = None
    is_key_scale: bool = False
    harmonies: tuple[Harmony, ...] = ()
    between: str = "scale"
    cadences: list[tuple[int, str]] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)
    no_parallels: bool = False
    four_part: bool = False
    ends: bool = False
    ends_on_chord: bool = False

    @property
    def needs_thirds(self) -> bool:
        """Whether given chords sound complete; not where hardly more than the bass may sound."""
        return self.four_part and bool(self.harmonies) and (self.polyphony is None or self.polyphony > 2)

    @property
    def bar(self) -> Fraction:
        """Length of a bar in quarters."""
        return BARS[self.meter]


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
        chord = _chord_at(wish, note.start)
        allowed = set(wish.scale or ()) | chord.classes | ({chord.bass} if chord.classes else set())
        if not wish.harmonies:
            allowed |= _cadence_tones(wish, note.start)
        if wish.is_key_scale and (not chord.classes or _is_dominant(chord, wish)):
            allowed |= _raised(wish)
        if note.pitch % 12 not in allowed:
            yield f"part {part}: {note.pitch} at {_place(note.start, wish)}"


def _cadence_tones(wish: Wish, time: Fraction) -> set[int]:
    """The tones of a cadence's chord that is sung at a time: its chords count as given."""
    table = _MINOR if wish.mode in MINOR_THIRD else _MAJOR
    for bar, kind in wish.cadences:
        approach, arrival, _ = _CADENCES[kind]
        start = (bar - 1) * wish.bar
        spans = [(start, _held_until(wish, bar), arrival), (start - BEATS[wish.meter], start, approach)]
        for first, last, chord in spans:
            if chord and first <= time < last:
                return {(wish.tonic + note) % 12 for note in table[chord]}
    return set()


def _held_until(wish: Wish, bar: int) -> Fraction:
    """Up to where the arrival of a cadence is held: two beats, or the next strong beat, or the end of the piece."""
    if bar == wish.bars:
        return wish.bars * wish.bar
    start = (bar - 1) * wish.bar
    strong = [start + beat for beat in STRONG[wish.meter] if beat > 0] + [start + wish.bar]
    return min(start + 2 * BEATS[wish.meter], *strong)


def _notes(heard: Heard) -> Iterator[tuple[int, Note]]:
    return ((part, note) for part, notes in enumerate(heard.parts) for note in notes)


def _chord_at(wish: Wish, time: Fraction) -> Harmony:
    return next((chord for chord in reversed(wish.harmonies) if chord.start <= time), Harmony(Fraction(0)))


def _raised(wish: Wish) -> set[int]:
    return {(wish.tonic + 9) % 12, (wish.tonic + 11) % 12} if wish.mode == "minor" else set()


def _is_dominant(chord: Harmony, wish: Wish) -> bool:
    return (wish.tonic + 11) % 12 in chord.classes and chord.root != wish.tonic


def _chords(heard: Heard, wish: Wish) -> Iterator[str]:
    ends = [chord.start for chord in wish.harmonies[1:]] + [wish.bars * wish.bar]
    for chord, end in zip(wish.harmonies, ends, strict=True):
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
    raised = _raised(wish) if _is_dominant(chord, wish) else set()
    loose = {"chord": tones, "scale": tones | wish.key_scale | raised, "any": set(range(12))}[wish.between]
    for part, note in _notes(heard):
        begins = chord.start <= note.start < end
        sounds = wish.between == "chord" and note.start < end and note.end > chord.start
        if (begins or sounds) and note.pitch % 12 not in loose:
            yield f"part {part}: {note.pitch} at {_place(note.start, wish)}"


def _cadence(heard: Heard, wish: Wish) -> Iterator[str]:
    table = _MINOR if wish.mode in MINOR_THIRD else _MAJOR
    for bar, kind in wish.cadences:
        approach, arrival, top = _CADENCES[kind]
        time = (bar - 1) * wish.bar
        before = time - BEATS[wish.meter]
        wanted = [(time, table[arrival])] + ([(before, table[approach])] if approach else [])
        for place, chord in wanted:
            yield from _sung(heard, wish, place, [(wish.tonic + note) % 12 for note in chord], kind)
        held_until = _held_until(wish, bar)
        tones = {(wish.tonic + note) % 12 for note in table[arrival]}
        for part, note in _notes(heard):
            if note.start < held_until and note.end > time and note.pitch % 12 not in tones:
                yield f"{kind}: part {part}: {note.pitch} while the arrival is held"
        if bar == wish.bars:
            yield from _lasts(heard, wish, [(wish.tonic + note) % 12 for note in table[arrival]], kind)
        soprano = _sounding(heard.parts[0], time)
        if soprano is not None and (soprano - wish.tonic) % 12 not in table[arrival][top]:
            yield f"{kind}: soprano {soprano} at {_place(time, wish)}"
        if approach:
            held = [note for note in heard.parts[-1] if note.start < time and note.end > before]
            covered = sum(min(note.end, time) - max(note.start, before) for note in held)
            if covered != time - before or any((n.pitch - wish.tonic) % 12 != table[approach][0] for n in held):
                yield f"{kind}: bass before {_place(time, wish)}"


def _sung(heard: Heard, wish: Wish, time: Fraction, classes: list[int], kind: str) -> Iterator[str]:
    """Whether all parts sing the chord's tones (and the seventh that a given chord has), the lowest its bass."""
    given = _chord_at(wish, time)
    tones = {*classes, *({(given.root + 10) % 12} & given.classes)}
    pitches = _sonority(heard, time)
    if any(pitch is None or pitch % 12 not in tones for pitch in pitches):
        yield f"{kind}: {pitches} at {_place(time, wish)}"
    if pitches[-1] is not None and pitches[-1] % 12 != classes[0]:
        yield f"{kind}: bass {pitches[-1]} at {_place(time, wish)}"


def _lasts(heard: Heard, wish: Wish, classes: list[int], kind: str) -> Iterator[str]:
    """Whether a last bar sounds its chord and nothing else, to the end."""
    end = wish.bars * wish.bar
    for part, note in _notes(heard):
        if note.end > end - wish.bar and note.pitch % 12 not in classes:
            yield f"{kind}: part {part}: {note.pitch} in the last bar"
    last = _last(heard, wish)
    if None in last or (last[-1] or 0) % 12 != classes[0]:
        yield f"{kind}: ends on {last}"


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
    """Where a part goes to another pitch without a rest, from and to which."""
    return {b.start: (a.pitch, b.pitch) for a, b in pairwise(notes) if a.end == b.start and a.pitch != b.pitch}


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
    last = _last(heard, wish)
    sung = {(pitch - wish.tonic) % 12 for pitch in last if pitch is not None}
    thirds = {3, 4} if wish.mode in MINOR_THIRD else {4}
    if not sung <= {0, 7} | thirds or sung >= {3, 4} or not _closes(last, wish.tonic, wish):
        yield f"ends on {last}"


def _final_chord(heard: Heard, wish: Wish) -> Iterator[str]:
    last, chord = _last(heard, wish), wish.harmonies[-1]
    sung = {pitch % 12 for pitch in last if pitch is not None}
    if not sung <= chord.classes | {chord.bass} or not _closes(last, chord.bass, wish):
        yield f"ends on {last}"


def _closes(last: list[int | None], bass: int, wish: Wish) -> bool:
    """Whether all parts sing to the end, unless fewer may sound at once, and the lowest sings a bass."""
    is_full = None not in last or (wish.polyphony is not None and wish.polyphony < len(last))
    return is_full and last[-1] is not None and last[-1] % 12 == bass


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
