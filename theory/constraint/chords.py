"""Rules on harmony: given chords, a scale, and the tokens that state chords."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.chord import Chord
from theory.constraint.base import Constraint, Held, Mask, States
from theory.constraint.domain import Domain, Frame
from theory.constraint.parts import frame_of, on_grid, pitches_of, sounding
from theory.errors import RequestError
from theory.key import Key
from theory.progression import PlacedChord
from theory.score import Score
from theory.tokens.vocabulary import CHORD_DEGREES, CHORD_KINDS, CHORD_QUALITIES, STEPS_PER_QUARTER, VOCABULARY, Kind

BETWEEN = ("chord", "scale", "any")  # what may sound off the strong beats
_CHORD_TOKENS = np.flatnonzero(np.isin(VOCABULARY.kinds, CHORD_KINDS))
_BEFORE_CHORD = (Kind.POSITION_LOW, Kind.MODE, Kind.TEMPO_LOW)


def _raised(key: Key) -> set[int]:
    """In minor the raised sixth and seventh, which dominants and cadences bring; nothing in other modes."""
    return {(key.tonic_pitch_class + 9) % 12, (key.tonic_pitch_class + 11) % 12} if key.mode == "minor" else set()


def _is_dominant(chord: Chord, key: Key) -> bool:
    """Whether a chord holds the (raised) leading tone of a key and is not built on its tonic."""
    leading = (key.tonic_pitch_class + 11) % 12
    return leading in chord.pitch_classes and chord.root_pitch_class != key.tonic_pitch_class


@dataclass(frozen=True)
class Chords(Constraint):
    """These chords, in this order, each from its place on.

    Where a chord begins, and on every strong beat, all that sounds belongs to it, and where it begins the lowest of
    several parts sings its bass. Elsewhere notes that begin belong to what `between` says.

    Attributes:
        placed: bar (from 0), place in the bar in quarters, chord or None.
        key: whose scale `between` means.
        between: "chord" (nothing but chord tones ever sounds), "scale" (the key's scale and the chord), or "any".

    Raises:
        RequestError: no chords, or another word for `between`.
    """

    placed: tuple[PlacedChord, ...]
    key: Key
    between: str = "scale"

    def __post_init__(self) -> None:
        if not self.placed:
            raise RequestError("no chords are given")
        if self.between not in BETWEEN:
            raise RequestError(f"between chord tones {self.between!r}: choose one of {', '.join(BETWEEN)}")

    @property
    def label(self) -> str:
        """As in "chords Dm Gm A7 Dm"."""
        names = [str(placed.chord or "N.C.") for placed in self.placed]
        return f"chords {' '.join(names[:8])}{' ...' if len(names) > 8 else ''}"

    def narrow(self, domain: Domain) -> None:
        """Take what is foreign to the chords."""
        domain.chord_free[:] = False
        domain.chords.update(on_steps(self.placed, domain.frame))
        strong = set(domain.frame.strong_steps().tolist())
        for start, end, chord in spans(domain.chords, domain.frame.steps):
            if chord is None:
                continue
            tones = pitches_of((*chord.pitch_classes, chord.bass_pitch_class))
            inside = range(start, end)
            for step in inside if self.between == "chord" else sorted({start, *strong.intersection(inside)}):
                domain.sound[:, step] &= tones
            if self.between == "scale":
                domain.start[:, start:end] &= tones | pitches_of(self._scale(chord))
            if len(domain.frame.parts) > 1:
                domain.sound[-1, start] &= pitches_of((chord.bass_pitch_class,))
                domain.must_sound[-1, start] = True

    def _scale(self, chord: Chord) -> set[int]:
        return set(self.key.pitch_classes) | (_raised(self.key) if _is_dominant(chord, self.key) else set())

    def held(self, score: Score) -> Held:
        """Places at which a chord has to sound and does."""
        frame = frame_of(score, self.key)
        strong = set(frame.strong_steps().tolist())
        voices = [on_grid(track, score) for track in score.tracks]
        kept = asked = 0
        for start, end, chord in spans(on_steps(self.placed, frame), frame.steps):
            if chord is None:
                continue
            tones = {*chord.pitch_classes, chord.bass_pitch_class}
            for step in sorted({start, *(step for step in strong if start <= step < end)}):
                heard = [pitch for voice in voices if (pitch := sounding(voice, step)) >= 0]
                right = all(pitch % 12 in tones for pitch in heard)
                if step == start and len(voices) > 1:
                    right &= sounding(voices[-1], step) % 12 == chord.bass_pitch_class
                kept, asked = kept + right, asked + 1
            if self.between != "any":
                loose = tones if self.between == "chord" else tones | self._scale(chord)
                for voice in voices:
                    inside = (voice.start >= start) & (voice.start < end)
                    kept += int(np.isin(voice.pitch[inside] % 12, list(loose)).sum())
                    asked += int(inside.sum())
        return Held(kept, asked)


@dataclass(frozen=True)
class InScale(Constraint):
    """Notes keep to a scale; the tones of a given chord are always allowed while it lasts.

    In a minor key the raised sixth and seventh are allowed too where a dominant is given, or no chord at all.

    Attributes:
        classes: pitch classes of the scale.
        name: of the scale.
        key: the key whose scale it is, if it is one: its raised tones are allowed as said above.
        placed: the given chords.
    """

    classes: tuple[int, ...]
    name: str
    key: Key | None = None
    placed: tuple[PlacedChord, ...] = ()

    @property
    def label(self) -> str:
        """As in "scale D minor"."""
        return f"scale {self.name}"

    def _given(self, frame: Frame) -> Iterator[tuple[int, int, Chord | None]]:
        nothing: dict[int, Chord | None] = {0: None}
        return spans(nothing | on_steps(self.placed, frame), frame.steps)

    def narrow(self, domain: Domain) -> None:
        """Take the notes that are foreign to it."""
        for start, end, chord in self._given(domain.frame):
            domain.start[:, start:end] &= pitches_of(self._allowed(chord))

    def _allowed(self, chord: Chord | None) -> set[int]:
        own = set(self.classes)
        if chord is not None:
            own |= {*chord.pitch_classes, chord.bass_pitch_class}
        if self.key is not None and (chord is None or _is_dominant(chord, self.key)):
            own |= _raised(self.key)
        return own

    def held(self, score: Score) -> Held:
        """Notes that keep to it."""
        kept = asked = 0
        for start, end, chord in self._given(frame_of(score, Key(0))):
            allowed = list(self._allowed(chord))
            for track in score.tracks:
                voice = on_grid(track, score)
                inside = (voice.start >= start) & (voice.start < end)
                kept += int(np.isin(voice.pitch[inside] % 12, allowed).sum())
                asked += int(inside.sum())
        return Held(kept, asked)


class Script(Constraint):
    """The chord tokens that a piece must state, and where it may state its own.

    Args:
        domain: narrowed by the rules.
        own: whether the model may write chords where nothing is given.
    """

    def __init__(self, domain: Domain, own: bool) -> None:
        self._words = {step: _words(chord) for step, chord in domain.chords.items()}
        self._free = domain.chord_free & own

    @property
    def label(self) -> str:
        """As in a message."""
        return "the chords that are given"

    def forbid(self, states: States, mask: Mask) -> None:
        """Allow, where a chord is given, nothing but its next word; elsewhere no chord at all or any."""
        for row in states.at_next:
            state = states.rows[row]
            if state.position < 0:
                continue
            words = self._words.get(state.step)
            if words is None:
                if not self._free[min(state.step, len(self._free) - 1)]:
                    mask[row, _CHORD_TOKENS] = False
                continue
            said = {Kind.CHORD_ROOT: 1, Kind.CHORD_QUALITY: 2, Kind.CHORD_DEGREE: 2 + len(state.degrees)}.get(
                state.kind, 0 if state.kind in _BEFORE_CHORD else len(words)
            )
            if said < len(words):
                mask[row, : words[said]] = mask[row, words[said] + 1 :] = False
            else:
                mask[row, _CHORD_TOKENS] = False


def _words(chord: Chord | None) -> tuple[int, ...]:
    """Token ids of a chord."""
    if chord is None:
        return (VOCABULARY.id(Kind.NO_CHORD),)
    words = [
        VOCABULARY.id(Kind.CHORD_ROOT, chord.root),
        VOCABULARY.id(Kind.CHORD_QUALITY, CHORD_QUALITIES.index(chord.quality)),
        *(VOCABULARY.id(Kind.CHORD_DEGREE, CHORD_DEGREES.index(degree)) for degree in chord.degrees),
    ]
    return (*words, VOCABULARY.id(Kind.CHORD_BASS, chord.bass)) if chord.bass != chord.root else tuple(words)


def on_steps(placed: tuple[PlacedChord, ...], frame: Frame) -> dict[int, Chord | None]:
    """Chords by the grid step at which they begin."""
    result: dict[int, Chord | None] = {}
    for bar, quarters, chord in placed:
        step = quarters * STEPS_PER_QUARTER
        if step.denominator != 1:
            raise RequestError(f"the chord {chord} in bar {bar + 1 - frame.pickup} is not on the grid")
        if bar < frame.bars:
            result[frame.lines[bar] + int(step)] = chord
    return result


def spans(chords: dict[int, Chord | None], steps: int) -> Iterator[tuple[int, int, Chord | None]]:
    """Chords with the steps at which they begin and end."""
    starts = sorted(chords)
    for start, end in zip(starts, [*starts[1:], steps], strict=True):
        yield start, end, chords[start]
