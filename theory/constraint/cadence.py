"""Rules on how phrases and pieces end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from theory.chord import Chord
from theory.constraint.base import Constraint, Held, Mask, States
from theory.constraint.domain import Domain, Frame
from theory.constraint.parts import GridNotes, frame_of, on_grid, pitches_of, sounding
from theory.errors import RequestError
from theory.key import Key
from theory.progression import PlacedChord
from theory.roman_numeral import RomanNumeral
from theory.score import Score
from theory.tokens.vocabulary import STEPS_PER_QUARTER, VOCABULARY, Kind

_PITCH = VOCABULARY.span(Kind.PITCH)

# Each kind: which notes of the arrival the top voice may sing, as places in the chord (0 root, 1 third, 2 fifth).
CADENCES: dict[str, tuple[int, ...]] = {
    "perfect": (0,), "imperfect": (1, 2), "half": (0, 1, 2), "plagal": (0, 1, 2), "deceptive": (0, 1, 2),
    "phrygian": (0, 1, 2),
}  # fmt: skip
_Formula = tuple[str | None, str]
_IN_MAJOR: dict[str, _Formula] = {
    "perfect": ("V", "I"), "imperfect": ("V", "I"), "half": (None, "V"), "plagal": ("IV", "I"),
    "deceptive": ("V", "vi"), "phrygian": ("iv6", "V"),
}  # fmt: skip
_IN_MINOR: dict[str, _Formula] = {
    "perfect": ("V", "i"), "imperfect": ("V", "i"), "half": (None, "V"), "plagal": ("iv", "i"),
    "deceptive": ("V", "VI"), "phrygian": ("iv6", "V"),
}  # fmt: skip
# The numerals of approach (None: any chord) and arrival, by mode. As singers have done since the Middle Ages (Grove,
# "Musica ficta"), the leading tone of dorian and mixolydian is raised at cadences. Dorian keeps its own sixth where
# minor's would come from outside: its subdominant is major, and the bass of a deceptive cadence rises to that sixth
# under IV6 instead of VI. Phrygian has no dominant (a fifth above its tonic stands a diminished triad) and leads to the
# tonic by its lowered second: the seventh degree's sixth chord, as in chorales, with a major third at the close.
# Locrian's tonic has no perfect fifth on which a cadence could come to rest.
_FORMULAS: dict[str, dict[str, _Formula]] = {
    "major": _IN_MAJOR, "lydian": _IN_MAJOR, "mixolydian": _IN_MAJOR, "minor": _IN_MINOR,
    "dorian": {**_IN_MINOR, "plagal": ("IV", "i"), "deceptive": ("V", "IV6")},
    "phrygian": {**dict.fromkeys(("perfect", "imperfect", "phrygian"), ("bvii6", "I")), "plagal": ("iv", "I")},
    "locrian": {},
}  # fmt: skip


@dataclass(frozen=True)
class Cadence(Constraint):
    """A cadence that arrives on the first beat of a bar, its approach on the last beat of the bar before.

    All parts sing at both places, nothing but the chord's tones, the lowest part its bass; the lowest part holds the
    approach's bass until the arrival. The arrival is held for two beats (or up to the next strong beat, if that comes
    first), in the last bar of a piece to the end. The dominant of the approach may have its seventh. The highest and
    the lowest part begin a note at the arrival. A phrase ends there, and none in the rest of the two bars.

    Attributes:
        bar: of the arrival, as musicians count (an upbeat is bar 0); not the first.
        kind: one of `CADENCES`.
        key: in which it is made; its mode decides on the chords.

    Raises:
        RequestError: no such kind, or one that the mode does not have; or a bar that has none before it.
    """

    bar: int
    kind: str
    key: Key

    turn = 1  # what it holds depends on the durations of the parts

    def __post_init__(self) -> None:
        if self.kind not in CADENCES:
            raise RequestError(f"{self.kind!r} is no cadence: choose one of {', '.join(CADENCES)}")
        if self.kind not in _FORMULAS[self.key.mode]:
            own = [kind for kind in CADENCES if kind in _FORMULAS[self.key.mode]]
            instead = f"choose one of {', '.join(own)}" if own else "leave it out"
            raise RequestError(f"{self.key.mode} has no {self.kind} cadence: {instead}")

    @property
    def label(self) -> str:
        """As in "perfect cadence in bar 8"."""
        return f"{self.kind} cadence in bar {self.bar}"

    @cached_property
    def _chords(self) -> tuple[Chord | None, Chord]:
        approach, arrival = _FORMULAS[self.key.mode][self.kind]
        before = None if approach is None else RomanNumeral.parse(approach).chord(self.key)
        return before, RomanNumeral.parse(arrival).chord(self.key)

    def _steps(self, frame: Frame) -> tuple[int, int]:
        """Grid steps of approach and arrival."""
        index = frame.bar_index(self.bar)
        if not frame.first_bar < index < frame.bars:
            first, last = self.bar - index + frame.first_bar + 1, self.bar - index + frame.bars - 1
            room = f"it must be in bars {first} to {last}" if first <= last else "a piece of one bar has none"
            raise RequestError(f"a cadence in bar {self.bar}: with its approach in the bar before, {room}")
        arrival = frame.lines[index]
        beat = int(frame.meters[index - 1].beat_quarters * STEPS_PER_QUARTER)
        return max(arrival - beat, frame.lines[index - 1]), arrival

    def _until(self, frame: Frame) -> int:
        """The step up to which the arrival is held."""
        index = frame.bar_index(self.bar)
        if index + 1 == frame.bars:
            return frame.steps
        beat = int(frame.meters[index].beat_quarters * STEPS_PER_QUARTER)
        arrival = frame.lines[index]
        later = frame.strong_steps()
        return min(arrival + 2 * beat, int(later[later > arrival][0]))

    def narrow(self, domain: Domain) -> None:
        """Demand both chords."""
        steps = self._steps(domain.frame)
        for step, own in zip(steps, self._chords, strict=True):
            if own is None:
                continue
            if domain.chord_free[step]:
                domain.chords[step] = own
            given = _chord_at(domain.chords, step)
            if given is None or not _serves(given, own, seventh=step == steps[0] and self._leads()):
                domain.sound[:, step] = False  # another chord is given there
                given = own
            domain.sound[:, step] &= pitches_of(given.pitch_classes)
            domain.sound[-1, step] &= pitches_of((own.bass_pitch_class,))
            domain.must_sound[:, step] = True
            if step == steps[1]:
                domain.must_start[-1, step] = domain.must_start[0, step] = True
        approach, arrival = steps
        if self._chords[0] is not None:
            domain.sound[-1, approach:arrival] &= pitches_of((self._chords[0].bass_pitch_class,))
            domain.must_sound[-1, approach:arrival] = True
        until = self._until(domain.frame)
        domain.sound[:, arrival:until] &= pitches_of(self._chords[1].pitch_classes)
        _hold(domain, arrival, until)
        domain.sound[-1, until - 1] &= pitches_of((self._chords[1].bass_pitch_class,))
        domain.chord_free[approach:until] = False
        domain.sound[0, arrival] &= pitches_of(self._top())
        domain.phrase_ends.add(arrival)
        bar = domain.frame.bar_index(self.bar)
        domain.phrase_free[domain.frame.lines[bar - 1] : domain.frame.lines[bar + 1]] = False

    def _top(self) -> tuple[int, ...]:
        return tuple(self._chords[1].pitch_classes[place] for place in CADENCES[self.kind])

    def held(self, score: Score) -> Held:
        """Whether it is there."""
        frame = frame_of(score, self.key)
        voices = [on_grid(track, score) for track in score.tracks]
        approach, arrival = self._steps(frame)
        places = [(approach, self._chords[0]), (arrival, self._chords[1]), (self._until(frame) - 1, self._chords[1])]
        right = all(
            self._sounds(chord, voices, step, seventh=step == approach and self._leads())
            for step, chord in places
            if chord is not None
        )
        return Held(int(right and sounding(voices[0], arrival) % 12 in self._top()), 1)

    def placed(self, frame: Frame) -> tuple[PlacedChord, ...]:
        """Its chords, at their places."""
        index = frame.bar_index(self.bar)
        approach, _ = self._steps(frame)
        before = Fraction(approach - frame.lines[index - 1], STEPS_PER_QUARTER)
        chords = (PlacedChord(index - 1, before, self._chords[0]), PlacedChord(index, Fraction(0), self._chords[1]))
        return tuple(placed for placed in chords if placed.chord is not None)

    def after(self, frame: Frame) -> PlacedChord:
        """No chord, from where its arrival is no longer held."""
        until = self._until(frame)
        bar = int(np.searchsorted(frame.lines, until, side="right")) - 1
        return PlacedChord(bar, Fraction(until - frame.lines[bar], STEPS_PER_QUARTER), None)

    def _leads(self) -> bool:
        """Whether the approach is a dominant, which may have a seventh."""
        return _FORMULAS[self.key.mode][self.kind][0] == "V"

    def _sounds(self, chord: Chord, voices: list[GridNotes], step: int, *, seventh: bool) -> bool:
        """Whether all voices sing a chord and the lowest its bass."""
        heard = [sounding(voice, step) for voice in voices]
        tones = {*chord.pitch_classes, *((_seventh(chord),) if seventh else ())}
        return all(pitch >= 0 and pitch % 12 in tones for pitch in heard) and heard[-1] % 12 == chord.bass_pitch_class


def _hold(domain: Domain, start: int, stop: int) -> None:
    """Let all parts hold what they sing, from one step to another, unless they are asked to begin anew."""
    domain.must_sound[:, start:stop] = True
    free = [track for track, durations in enumerate(domain.durations) if durations is None]
    bars = slice(*np.searchsorted(domain.frame.lines, (start + 1, stop), side="left"))
    free = [track for track in free if not domain.least[track, max(bars.start - 1, 0) : bars.stop].any()]
    for track in free:
        domain.start[track, start + 1 : stop] &= domain.must_start[track, start + 1 : stop, None]


class _Ending(Constraint):
    """From a strong beat on all parts hold one chord to the end, the lowest part its bass.

    Where not all parts may sing at once, the lowest holds it, and the others keep to it or are silent.
    """

    steps: int
    all_parts: bool
    start: int | None
    turn = 1  # what it holds depends on the durations of the parts

    def _from(self, frame: Frame) -> int:
        return int(frame.strong_steps()[-1]) if self.start is None else self.start

    def _tones(self) -> set[int]:
        raise NotImplementedError

    def _bass(self) -> int:
        raise NotImplementedError

    def narrow(self, domain: Domain) -> None:
        """Demand the chord."""
        start = self._from(domain.frame)
        domain.sound[:, start:] &= pitches_of(self._tones())
        domain.sound[-1, start:] &= pitches_of((self._bass(),))
        if self.all_parts:
            _hold(domain, start, domain.frame.steps)
        domain.must_sound[-1, start:] = True

    def held(self, score: Score) -> Held:
        """Whether it does."""
        steps = range(self._from(frame_of(score, Key(0))), self.steps)
        voices = [on_grid(track, score) for track in score.tracks]
        return Held(int(all(self._sounds([sounding(voice, step) for voice in voices]) for step in steps)), 1)

    def _sounds(self, heard: list[int]) -> bool:
        if heard[-1] < 0 or heard[-1] % 12 != self._bass() or (self.all_parts and -1 in heard):
            return False
        return {pitch % 12 for pitch in heard if pitch >= 0} <= self._tones()


@dataclass(frozen=True)
class FinalChord(_Ending):
    """The piece ends on a chord.

    Attributes:
        chord: the last one.
        steps: grid steps of the piece.
        all_parts: whether all parts must sing there, or the lowest is enough.
        start: grid step from which it is held; None: the last strong beat.
    """

    chord: Chord
    steps: int
    all_parts: bool = True
    start: int | None = None

    @property
    def label(self) -> str:
        """As in "ends on A7"."""
        return f"ends on {self.chord}"

    def _tones(self) -> set[int]:
        return {*self.chord.pitch_classes, self._bass()}

    def _bass(self) -> int:
        return self.chord.bass_pitch_class


@dataclass(frozen=True)
class FinalTonic(_Ending):
    """The piece ends on the tonic triad; in minor its third may be raised (but not sound beside the other).

    Attributes:
        key: whose tonic.
        steps: grid steps of the piece.
        all_parts: whether all parts must sing there, or the lowest is enough.
        start: grid step from which it is held; None: the last strong beat.
    """

    key: Key
    steps: int
    all_parts: bool = True
    start: int | None = None

    @property
    def label(self) -> str:
        """As in "ends on the tonic"."""
        return "ends on the tonic"

    def _thirds(self) -> tuple[int, ...]:
        tonic = self.key.tonic_pitch_class
        return ((tonic + 3) % 12, (tonic + 4) % 12) if self.key.is_minor else ((tonic + 4) % 12,)

    def _tones(self) -> set[int]:
        tonic = self.key.tonic_pitch_class
        return {tonic, (tonic + (6 if self.key.mode == "locrian" else 7)) % 12, *self._thirds()}

    def _bass(self) -> int:
        return self.key.tonic_pitch_class

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear the other third where a voice holds one to the end."""
        if not self.key.is_minor:
            return
        for row in states.at_pitch:
            state = states.rows[row]
            held = {
                pitch % 12
                for pitch, end in zip(state.last_pitch, state.free_at, strict=True)
                if end == self.steps and end > state.step
            }
            for third, other in (self._thirds(), self._thirds()[::-1]):
                if third in held:
                    mask[row, _PITCH.start + other : _PITCH.stop : 12] = False

    def held(self, score: Score) -> Held:
        """Whether it does, with one kind of third."""
        heard = [sounding(on_grid(track, score), self.steps - 1) for track in score.tracks]
        mixed = len({pitch % 12 for pitch in heard if pitch >= 0} & {*self._thirds()}) > 1
        return Held(0, 1) if mixed else super().held(score)


def _chord_at(chords: dict[int, Chord | None], step: int) -> Chord | None:
    before = [start for start in chords if start <= step]
    return chords[max(before)] if before else None


def _serves(given: Chord, wanted: Chord, *, seventh: bool) -> bool:
    """Whether a given chord does for one of a cadence: same root, bass and tones, but for a seventh perhaps."""
    extra = {*given.pitch_classes} - {*wanted.pitch_classes}
    return (
        given.root_pitch_class == wanted.root_pitch_class
        and given.bass_pitch_class == wanted.bass_pitch_class
        and {*wanted.pitch_classes} <= {*given.pitch_classes}
        and extra <= ({_seventh(wanted)} if seventh else set())
    )


def _seventh(chord: Chord) -> int:
    return (chord.root_pitch_class + 10) % 12
