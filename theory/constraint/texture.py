"""Rules between parts that sound together: how many, crossing, spacing, parallels, complete chords."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from theory.constraint.base import Constraint, Held, Mask, States
from theory.constraint.chords import on_steps
from theory.constraint.domain import PITCHES, Domain, Frame
from theory.constraint.parts import Parts, chosen, on_grid, sounding
from theory.constraint.places import Places
from theory.constraint.prospects import NEVER
from theory.errors import RequestError
from theory.progression import PlacedChord
from theory.score import Score
from theory.tokens.state import State
from theory.tokens.vocabulary import BAR, END, LOW_STEPS, STEPS_PER_QUARTER, VOCABULARY, Kind
from theory.voice_leading import violations

_PITCH, _TRACK = VOCABULARY.span(Kind.PITCH), VOCABULARY.span(Kind.TRACK)
_POSITION_HIGH, _POSITION_LOW = VOCABULARY.span(Kind.POSITION_HIGH), VOCABULARY.span(Kind.POSITION_LOW)
_DURATION_HIGH, _DURATION_LOW = VOCABULARY.span(Kind.DURATION_HIGH), VOCABULARY.span(Kind.DURATION_LOW)
_BEFORE_PITCH = (Kind.TRACK, Kind.VELOCITY, Kind.VELOCITY_OFFSET)
_ALL = np.arange(PITCHES)
_PERFECT = (0, 7)  # semitones, without octaves: unison and octave, fifth
_BARS = 3  # that are looked at together: notes that a bar has no time for may not all wait for the next line
_SHORT = STEPS_PER_QUARTER  # a rest that takes as long parts what is before from what is after it
# For a gap and a sounding pitch the pitches that are not so far from it.
_APART = np.abs(_ALL - _ALL[:, None]) % 12 != np.arange(12)[:, None, None]


@dataclass(frozen=True)
class Polyphony(Constraint):
    """At most so many parts sound at once.

    Attributes:
        most: 1 or more.

    Raises:
        RequestError: none at all.
    """

    most: int

    def __post_init__(self) -> None:
        if self.most < 1:
            raise RequestError(f"polyphony {self.most}: at least 1 part must sound")

    @property
    def label(self) -> str:
        """As in "at most 3 parts at once"."""
        return f"at most {self.most} part{'s' if self.most > 1 else ''} at once"

    turn = 2  # it counts what they ask for

    def narrow(self, domain: Domain) -> None:
        """Find steps and bars in which more notes are asked for than may sound."""
        asked = (domain.must_sound | domain.must_start).sum(axis=0)
        domain.sound[:, asked > self.most] = False
        lines = domain.frame.lines
        begins = np.stack([domain.must_start[:, first:line].sum(axis=1) for first, line in pairwise(lines)], axis=1)
        notes = np.maximum(domain.least, begins).astype(np.int64)
        if not notes.any():
            return
        places = Places(domain, self.most)
        sums = np.pad(places.offered(0, lines[-1]).cumsum(axis=1), ((0, 0), (1, 0)))
        for bar, first in enumerate(lines[:-1]):
            for last, line in enumerate(lines[bar + 1 : bar + 1 + _BARS], bar):
                needed = places.needed(notes[:, bar : last + 1].sum(axis=1), first, line)
                if (sums[:, line] - sums[:, first] < needed).any():
                    domain.sound[:, first:line] = False

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear further parts where enough sound."""
        for row in states.at_next:
            state = states.rows[row]
            if sum(end > state.step for end in state.free_at) >= self.most:
                mask[row, _TRACK] = False

    def held(self, score: Score) -> Held:
        """Onsets at which no more sound."""
        voices = [on_grid(track, score) for track in score.tracks]
        onsets = np.unique(np.concatenate([voice.start for voice in voices]))
        counts = [sum(sounding(voice, step) >= 0 for voice in voices) for step in onsets.tolist()]
        return Held(sum(count <= self.most for count in counts), len(counts))


@dataclass(frozen=True)
class NoParallels(Constraint):
    """Two voices that both move never keep a perfect fifth, or an octave or unison, in any direction.

    Also not across a rest that is shorter than a quarter: the ear goes on hearing what sounded before it.

    Attributes:
        parts: the voices among which, () for all of them.
    """

    parts: Parts = ()

    @property
    def label(self) -> str:
        """As in "no parallel fifths or octaves"."""
        return "no parallel fifths or octaves"

    turn = 2  # it looks at what has only one pitch left

    def narrow(self, domain: Domain) -> None:
        """Take pitches that make parallels whatever another voice does, as with one that is locked or cadences."""
        must = domain.must_sound | domain.must_start
        classes = np.stack([domain.sound[..., first::12].any(axis=2) for first in range(12)], axis=2)
        leaves = must[:, :-1] & must[:, 1:] & (classes[:, :-1].sum(axis=2) == 1)
        leaves &= np.any(domain.sound[:, 1:] & ~domain.sound[:, :-1], axis=2)
        for voice, other in combinations(chosen(self.parts, len(must)), 2):
            for step in np.flatnonzero(leaves[voice] & leaves[other]).tolist():
                _part(domain.sound[voice, step : step + 2], domain.sound[other, step : step + 2])
        self._narrow_after_rests(domain, must)

    def _narrow_after_rests(self, domain: Domain, must: NDArray[np.bool_]) -> None:
        """Find parallels across short rests of voices that have no choice, as between two that are locked."""
        steps = np.arange(domain.frame.steps)
        silent = ~domain.sound.any(axis=2)
        if not silent.any():
            return
        pitch = np.where(must & (domain.sound.sum(axis=2) == 1), domain.sound.argmax(axis=2), -1)
        last = np.maximum.accumulate(np.where(silent, -1, steps), axis=1)  # step at which the voice sounded before
        heard = np.where((last >= 0) & (steps - last < _SHORT), np.take_along_axis(pitch, last, axis=1), -1)
        before, now = heard[:, :-1], pitch[:, 1:]
        moves = (before >= 0) & (now >= 0) & (before != now)
        for voice, other in combinations(chosen(self.parts, len(must)), 2):
            gap = np.abs(now[voice] - now[other]) % 12
            same = (gap == np.abs(before[voice] - before[other]) % 12) & np.isin(gap, _PERFECT)
            domain.sound[voice, 1:][same & moves[voice] & moves[other]] = False

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear pitches that would make parallels with a voice that has moved at this step."""
        for row, (own, _, now) in zip(states.at_pitch, states.around, strict=True):
            before = _heard_before(states.rows[row])
            mine = before[own]
            if mine < 0 or (self.parts and own not in self.parts):
                continue
            for voice, (was, sounds) in enumerate(zip(before, now, strict=True)):
                gap = abs(was - mine) % 12
                if was < 0 or sounds < 0 or was == sounds or gap not in _PERFECT or voice == own:
                    continue
                if not self.parts or voice in self.parts:
                    again = mask[row, _PITCH.start + mine]  # a voice that repeats its pitch does not move
                    mask[row, _PITCH] &= _APART[gap, sounds]
                    mask[row, _PITCH.start + mine] = again

    def held(self, score: Score) -> Held:
        """Moves of two voices at once without parallels."""
        names = ("parallel_fifths", "parallel_octaves", "antiparallel")
        wrong = [
            found for found in violations(score, names) if not self.parts or all(v in self.parts for v in found.voices)
        ]
        moves = _moves(score, chosen(self.parts, len(score.tracks)))
        return Held(moves - len(wrong), moves)


def _heard_before(state: State) -> list[int]:
    """Pitch of each voice before the step, also across a short rest; -1: it has been silent for longer."""
    step, latest = state.step, state.step - _SHORT
    heard = []
    for onset, end, pitch, (previous_end, previous) in zip(
        state.onset, state.free_at, state.last_pitch, state.previous, strict=True
    ):
        before, until = (previous, previous_end) if onset == step else (pitch, end)
        heard.append(before if until > latest else -1)
    return heard


def _part(voice: NDArray[np.bool_], other: NDArray[np.bool_]) -> None:
    """Take what two voices cannot move on to without parallels: bool (2, 128) each, before and after."""
    (mine, mine_next), (its, its_next) = ([np.flatnonzero(pitches) for pitches in each] for each in (voice, other))
    gaps = np.abs(mine[:, None] - its) % 12
    if not gaps.size or gaps.flat[0] not in _PERFECT or (gaps != gaps.flat[0]).any():
        return
    same = np.abs(mine_next[:, None] - its_next) % 12 == gaps.flat[0]
    good = ~(same & ~np.isin(mine_next, mine)[:, None] & ~np.isin(its_next, its))
    voice[1, mine_next[~good.any(axis=1)]] = False
    other[1, its_next[~good.any(axis=0)]] = False


def _moves(score: Score, parts: Parts) -> int:
    """How often two voices begin a note at one time."""
    onsets = [on_grid(score.tracks[part], score).start for part in parts]
    return sum(
        len(np.intersect1d(first, second)) for index, first in enumerate(onsets) for second in onsets[index + 1 :]
    )


@dataclass(frozen=True)
class NoCrossing(Constraint):
    """No voice sounds below a lower one, and upper neighbours stay within an octave.

    Attributes:
        widest: semitones between neighbours, but for the lowest pair.
    """

    widest: int = 12

    @property
    def label(self) -> str:
        """As in "no crossing, upper voices within an octave"."""
        return "no crossing, upper voices within an octave"

    turn = 2  # it looks at what voices that must sound can sing

    def narrow(self, domain: Domain) -> None:
        """Where a voice must sound, take from higher ones what lies below all that it may sing, and the reverse."""
        must = domain.must_sound | domain.must_start
        for voice in range(len(must)):
            steps = np.flatnonzero(must[voice] & domain.sound[voice].any(axis=1))
            lowest = domain.sound[voice, steps].argmax(axis=1)
            highest = PITCHES - 1 - domain.sound[voice, steps, ::-1].argmax(axis=1)
            for other in range(len(must)):
                if other == voice:
                    continue
                right = lowest[:, None] <= _ALL if other < voice else highest[:, None] >= _ALL
                if abs(other - voice) == 1 and max(other, voice) + 1 < len(must):
                    right &= (lowest[:, None] - self.widest <= _ALL) & (highest[:, None] + self.widest >= _ALL)
                domain.sound[other, steps] &= right

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear pitches above a higher voice, below a lower one, or too far from an upper neighbour."""
        for row, (own, _, now) in zip(states.at_pitch, states.around, strict=True):
            last = len(now) - 1
            above = [pitch for pitch in now[:own] if pitch >= 0]
            below = [pitch for pitch in now[own + 1 :] if pitch >= 0]
            lowest, highest = max(below, default=0), min(above, default=PITCHES - 1)
            if 0 < own < last and now[own - 1] >= 0:
                lowest = max(lowest, now[own - 1] - self.widest)
            if own + 1 < last and now[own + 1] >= 0:
                highest = min(highest, now[own + 1] + self.widest)
            mask[row, _PITCH.start : _PITCH.start + lowest] = False
            mask[row, _PITCH.start + highest + 1 : _PITCH.stop] = False

    def held(self, score: Score) -> Held:
        """Onsets at which no voices cross or gape."""
        voices = [on_grid(track, score) for track in score.tracks]
        onsets = np.unique(np.concatenate([voice.start for voice in voices])).tolist()
        kept = 0
        for step in onsets:
            pitches = [sounding(voice, step) for voice in voices]
            pairs = list(pairwise(pitches))
            heard = [pitch for pitch in pitches if pitch >= 0]
            crossed = heard != sorted(heard, reverse=True)
            gaping = any(low >= 0 and high - low > self.widest for high, low in pairs[:-1] if high >= 0)
            kept += not crossed and not gaping
        return Held(kept, len(onsets))


class CompleteChords(Constraint):
    """Where a given chord begins, a voice above the lowest sings its third (of a suspended chord: what stands for it).

    Chords whose bass is their third have it there.

    Args:
        placed: the chords; of fewer than three voices nothing is asked.
        frame: of the piece.

    Attributes:
        wanted: the pitch class that is asked for, by the grid step at which its chord begins.
    """

    def __init__(self, placed: tuple[PlacedChord, ...], frame: Frame) -> None:
        parts = len(frame.parts)
        self.wanted: dict[int, int] = {
            step: third
            for step, chord in on_steps(placed, frame).items()
            if chord and (third := chord.third) is not None and third != chord.bass_pitch_class and parts > 2
        }
        self._steps = sorted(self.wanted)
        self._parts = parts

    @property
    def label(self) -> str:
        """As in "chords with their thirds"."""
        return "chords with their thirds"

    turn = 2  # it looks at what is left to the voices

    def narrow(self, domain: Domain) -> None:
        """Let a voice sing the third where no other can; where none can there is nothing to sing."""
        for step, third in self.wanted.items():
            tones = third == _ALL % 12
            able = [voice for voice in range(self._parts - 1) if (_singable(domain, voice, step) & tones).any()]
            if not able:
                domain.sound[:, step] = False
            elif len(able) == 1:
                domain.sound[able[0], step] &= tones
                domain.must_sound[able[0], step] = True

    def forbid(self, states: States, mask: Mask) -> None:
        """Leave the last voice that can sing the third nothing else, and do not pass it by."""
        for row in (*states.at_pitch, *states.at_next):
            state = states.rows[row]
            wanted = self.wanted.get(state.step)
            if wanted is None or state.position < 0 or self._has(state, wanted):
                continue
            singers = [voice for voice in range(self._parts - 1) if state.free_at[voice] <= state.step]
            if row in states.at_pitch:
                if not any(voice > state.track for voice in singers):
                    mask[row, _PITCH] &= wanted == _ALL % 12
            elif left := [voice for voice in singers if voice > state.track]:
                mask[row, BAR] = mask[row, END] = False
                mask[row, _POSITION_LOW] = mask[row, _POSITION_HIGH] = False
                mask[row, _TRACK.start + left[-1] + 1 : _TRACK.stop] = False

        for row in states.at_duration:
            state = states.rows[row]
            if state.track < self._parts - 1:
                longest = self._longest(state) - state.partial
                mask[row, _DURATION_LOW.start + max(longest, 0) : _DURATION_LOW.stop] = False
                mask[row, _DURATION_HIGH] &= longest > LOW_STEPS

    def _longest(self, state: State) -> int:
        """For how long the voice may hold its note and leave some voice that can sing the next thirds."""
        upper = [
            (end, pitch % 12)
            for voice, (end, pitch) in enumerate(zip(state.free_at[:-1], state.last_pitch, strict=False))
            if voice != state.track
        ]
        for step in self._steps[bisect_right(self._steps, state.step) :]:
            third = self.wanted[step]
            if state.pitch % 12 != third and all(end > step and pitch != third for end, pitch in upper):
                return step - state.step
        return NEVER

    def _has(self, state: State, wanted: int) -> bool:
        step, current = state.step, state.track if state.kind in _BEFORE_PITCH else -1
        return any(
            end > step and pitch % 12 == wanted and voice != current
            for voice, (end, pitch) in enumerate(zip(state.free_at, state.last_pitch, strict=True))
        )

    def held(self, score: Score) -> Held:
        """Chords whose third is there."""
        voices = [on_grid(track, score) for track in score.tracks]
        kept = sum(
            any(pitch >= 0 and pitch % 12 == third for pitch in (sounding(voice, step) for voice in voices))
            for step, third in self.wanted.items()
        )
        return Held(kept, len(self.wanted))


def _singable(domain: Domain, voice: int, step: int) -> NDArray[np.bool_]:
    """Pitches that a voice may sound during a step, begun there or before: bool (128,)."""
    sound, start, must = domain.sound[voice], domain.start[voice], domain.must_start[voice]
    held = sound[step].copy()
    found: NDArray[np.bool_] = held & start[step]
    while (held & ~found).any() and not must[step] and step > 0:
        step -= 1
        held &= sound[step]
        found |= held & start[step]
    return found


__all__ = ["CompleteChords", "NoCrossing", "NoParallels", "Polyphony"]
