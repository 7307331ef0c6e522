"""Which token may come next.

Two views of one grammar. `FOLLOWERS` says which kinds may follow a kind; `grammar_mask` narrows that, by what a `State`
knows, to the very ids that keep it canonical (positions rise and stay inside the bar, tracks are declared and rise,
pitches rise and do not sound yet, nothing is said twice): whatever is sampled under it decodes, and encodes to the same
ids. `theory.tokens.validation` checks finished ids on columns and asks only for what decoding needs.

The rules here are those of the settings that ship; a `Grammar` puts those of other settings in their places
(`theory.tokens.expression`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from theory.chord import Chord
from theory.event import MAX_TEMPO, MIN_TEMPO
from theory.score import MAX_TICK, TICKS_PER_QUARTER
from theory.tokens.expression import Rule, Spans, canonical, left_out, rules_of, span
from theory.tokens.settings import SHIPPED, Settings
from theory.tokens.state import State
from theory.tokens.vocabulary import (
    BAR,
    CHORD_DEGREES,
    CHORD_QUALITIES,
    END,
    LOW_STEPS,
    LOWEST_FIFTHS,
    STEPS_PER_QUARTER,
    TICKS_PER_STEP,
    VELOCITY_STEP,
    VOCABULARY,
    Kind,
)

_MAX_STEP = MAX_TICK * STEPS_PER_QUARTER // TICKS_PER_QUARTER
_POSITION = (Kind.POSITION_HIGH, Kind.POSITION_LOW)
_PITCHES = (Kind.PITCH, Kind.DRUM)
_NOTE = (Kind.VELOCITY, *_PITCHES)
_CONTROL = (Kind.CONTROL, Kind.BEND, Kind.PRESSURE)
_NEXT = (*_POSITION, Kind.BAR, Kind.END)  # what may come when a position is done
_DURATION = (Kind.DURATION_HIGH, Kind.DURATION_LOW)
_AFTER_NOTE = (*_NOTE, Kind.TRACK, *_NEXT)
_AFTER_CHORD = (Kind.FERMATA, Kind.TRACK, *_NEXT)
_AFTER_TEMPO = (Kind.NO_CHORD, Kind.CHORD_ROOT, *_AFTER_CHORD)
_AFTER_KEY = (Kind.TEMPO_HIGH, *_AFTER_TEMPO)

FOLLOWERS: dict[Kind, tuple[Kind, ...]] = {
    Kind.PAD: (),
    Kind.START: (Kind.TRACK, Kind.BAR, Kind.END),
    Kind.END: (),
    Kind.BAR: (Kind.NUMERATOR, *_NEXT),
    Kind.NUMERATOR: (Kind.DENOMINATOR,),
    Kind.DENOMINATOR: _NEXT,
    Kind.SIGNATURE: (Kind.MODE,),
    Kind.MODE: _AFTER_KEY,
    Kind.TEMPO_HIGH: (Kind.TEMPO_LOW,),
    Kind.TEMPO_LOW: _AFTER_TEMPO,
    Kind.TRACK: (Kind.DRUMS, Kind.PROGRAM, *_CONTROL, *_NOTE),
    Kind.DRUMS: (Kind.PROGRAM,),
    Kind.PROGRAM: (Kind.TRACK, Kind.BAR, Kind.END),
    Kind.POSITION_HIGH: _POSITION,
    Kind.POSITION_LOW: (
        Kind.SIGNATURE, Kind.TEMPO_HIGH, Kind.NO_CHORD, Kind.CHORD_ROOT, Kind.FERMATA, Kind.TRACK, Kind.BAR,
    ),
    Kind.DURATION_HIGH: _DURATION,
    Kind.DURATION_LOW: (Kind.END_OFFSET, *_AFTER_NOTE),
    Kind.END_OFFSET: _AFTER_NOTE,
    Kind.VELOCITY: (Kind.VELOCITY_OFFSET, *_PITCHES),
    Kind.VELOCITY_OFFSET: _PITCHES,
    Kind.PITCH: (Kind.ONSET_OFFSET, *_DURATION),
    Kind.DRUM: (Kind.ONSET_OFFSET, *_DURATION),
    Kind.ONSET_OFFSET: _DURATION,
    Kind.NO_CHORD: _AFTER_CHORD,
    Kind.CHORD_ROOT: (Kind.CHORD_QUALITY,),
    Kind.CHORD_QUALITY: (Kind.CHORD_DEGREE, Kind.CHORD_BASS, *_AFTER_CHORD),
    Kind.CHORD_DEGREE: (Kind.CHORD_DEGREE, Kind.CHORD_BASS, *_AFTER_CHORD),
    Kind.CHORD_BASS: _AFTER_CHORD,
    Kind.FERMATA: (Kind.TRACK, *_NEXT),
    Kind.CONTROL: (Kind.VALUE,),
    Kind.BEND: (Kind.VALUE,),
    Kind.PRESSURE: (Kind.VALUE,),
    Kind.VALUE: (Kind.VALUE, *_CONTROL, *_NOTE, Kind.TRACK, *_NEXT),
}  # fmt: skip

_FIRST_ID = {kind: VOCABULARY.span(kind).start for kind in Kind if VOCABULARY.has(kind)}
_END_ID = {kind: VOCABULARY.span(kind).stop for kind in Kind if VOCABULARY.has(kind)}
# Until the first tempo is said, the piece must get to it: every score has one at its start.
_BEFORE_TEMPO: dict[Kind, tuple[Kind, ...]] = {
    Kind.DENOMINATOR: (Kind.POSITION_LOW,),
    Kind.POSITION_LOW: (Kind.SIGNATURE, Kind.TEMPO_HIGH),
    Kind.MODE: (Kind.TEMPO_HIGH,),
}


class Grammar:
    """What may come next where a tokenizer has some settings.

    With microtiming, a pitch that stands twice at one position begins later the second time: notes doubled at one tick
    decode and encode, but are not drawn.

    Args:
        settings: of the tokenizer.

    Attributes:
        settings: the same.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        rules = _RULES | rules_of(settings, _RULES)
        unsaid, vocabulary = left_out(settings), settings.vocabulary

        def split(kinds: Iterable[Kind]) -> tuple[NDArray[np.bool_], tuple[Rule, ...]]:
            """Mask of the kinds that come with any value, and the rules of the others."""
            said = [kind for kind in kinds if kind not in unsaid]
            free = np.isin(vocabulary.kinds, [kind for kind in said if kind not in rules])
            return free, tuple(rules[kind] for kind in said if kind in rules)

        self._after = {kind: split(kinds) for kind, kinds in {**FOLLOWERS, Kind.PAD: (Kind.START,)}.items()}
        self._before_tempo = {kind: split(kinds) for kind, kinds in _BEFORE_TEMPO.items()}
        self._canonical = canonical(settings)

    def mask(self, state: State) -> NDArray[np.bool_]:
        """Mask over the vocabulary, bool (V,): the tokens that may come next."""
        must_say_tempo = state.bar >= 0 and state.tempo is None and state.kind in _BEFORE_TEMPO
        always, rules = (self._before_tempo if must_say_tempo else self._after)[state.kind]
        mask = always.copy()
        for rule in rules:
            for first, end in rule(state):
                mask[first:end] = True
        if self._canonical is not None:
            mask &= self._canonical
        return mask


@cache
def grammar_of(settings: Settings) -> Grammar:
    """The grammar of some settings."""
    return Grammar(settings)


def grammar_mask(state: State) -> NDArray[np.bool_]:
    """Mask over the vocabulary, bool (V,): the tokens that may come next, under the settings that ship."""
    return PLAIN.mask(state)


def _bars(state: State) -> Spans:
    cuts_nothing = state.kind is Kind.POSITION_LOW and state.position == 0
    return () if cuts_nothing or _is_unfinished(state) else ((BAR, BAR + 1),)


def _ends(state: State) -> Spans:
    notes_sound_on = max(state.end_tick, default=0) > (state.bar_start + state.bar_length) * TICKS_PER_STEP
    return () if notes_sound_on or _is_unfinished(state) else ((END, END + 1),)


def _is_unfinished(state: State) -> bool:
    """A control still waits for values, or a bar for the meter that it must state."""
    return state.values_left > 0 or (state.kind is Kind.BAR and (state.meter is None or state.is_cut))


def _denominators(state: State) -> Spans:
    first = _FIRST_ID[Kind.DENOMINATOR]
    for exponent in range(_END_ID[Kind.DENOMINATOR] - first):
        whole_steps = (state.value * LOW_STEPS) % (1 << exponent) == 0
        if whole_steps and (state.is_cut or (state.value, exponent) != state.meter):
            yield first + exponent, first + exponent + 1


def _position_highs(state: State) -> Spans:
    if _is_unfinished(state):
        return
    first = _FIRST_ID[Kind.POSITION_HIGH]
    for power in range(min(state.power, _END_ID[Kind.POSITION_HIGH] - first)):
        begun = state.partial + (LOW_STEPS << power)
        if begun >= state.bar_length:
            return
        if min(begun + (LOW_STEPS << power), state.bar_length) - 1 > state.position:
            yield first + power, first + power + 1


def _position_lows(state: State) -> Spans:
    if _is_unfinished(state):
        return ()
    if state.tempo is None:
        return span(Kind.POSITION_LOW, 0, 1)
    low = max(state.position + 1 - state.partial, 0)
    return span(Kind.POSITION_LOW, low, min(state.bar_length - state.partial, LOW_STEPS))


def _duration_highs(state: State) -> Spans:
    whole_notes_left = (_MAX_STEP - LOW_STEPS - state.step - state.partial) // LOW_STEPS
    return span(Kind.DURATION_HIGH, 0, min(state.power, max(whole_notes_left, 0).bit_length(), _DURATION_POWERS))


def _tracks(state: State) -> Spans:
    if state.values_left:
        return ()
    if state.bar < 0:
        return span(Kind.TRACK, len(state.drums), len(state.drums) + 1)
    return span(Kind.TRACK, state.track + 1, len(state.drums))


def _only_in_header(kind: Kind) -> Rule:
    def rule(state: State) -> Spans:
        return () if state.bar >= 0 else span(kind)

    return rule


def _only_in_bars(kind: Kind) -> Rule:
    def rule(state: State) -> Spans:
        return () if state.bar < 0 or state.values_left else span(kind)

    return rule


def _velocities(state: State) -> Spans:
    kind = Kind.DRUM if state.drums[state.track] else Kind.PITCH
    if all(first >= end for first, end in _pitches(kind)(state)):
        return ()
    now = (state.velocity[state.track] + VELOCITY_STEP // 2) // VELOCITY_STEP
    return (*span(Kind.VELOCITY, 0, now), *span(Kind.VELOCITY, now + 1))


def _pitches(kind: Kind) -> Rule:
    def rule(state: State) -> Spans:
        if state.bar < 0 or state.values_left or state.drums[state.track] is not (kind is Kind.DRUM):
            return
        low = state.pitch + 1
        held = sorted(pitch for pitch in state.sounding[state.track] if pitch >= low)
        for pitch in held:
            yield from span(kind, low, pitch)
            low = pitch + 1
        yield from span(kind, low)

    return rule


def _modes(state: State) -> Spans:
    if state.key is None or state.key[0] != state.value:
        return span(Kind.MODE)
    return (*span(Kind.MODE, 0, state.key[1]), *span(Kind.MODE, state.key[1] + 1))


def _tempo_highs(state: State) -> Spans:
    return span(Kind.TEMPO_HIGH, 0, MAX_TEMPO // _TEMPO_LOWS + 1)


def _tempo_lows(state: State) -> Spans:
    low, high = max(MIN_TEMPO - state.value, 0), min(MAX_TEMPO - state.value, _TEMPO_LOWS - 1) + 1
    now = -1 if state.tempo is None else state.tempo - state.value
    if not low <= now < high:
        return span(Kind.TEMPO_LOW, low, high)
    return (*span(Kind.TEMPO_LOW, low, now), *span(Kind.TEMPO_LOW, now + 1, high))


def _values(state: State) -> Spans:
    return span(Kind.VALUE) if state.values_left else ()


def _degrees(state: State) -> Spans:
    for degree in range(max(state.degrees, default=-1) + 1, len(CHORD_DEGREES)):
        if _is_canonical(state.quality, (*state.degrees, degree)):
            yield from span(Kind.CHORD_DEGREE, degree, degree + 1)


@cache
def _is_canonical(quality: int, degrees: tuple[int, ...]) -> bool:
    """Whether a chord keeps these words, rather than having a shorter name."""
    words = CHORD_QUALITIES[quality], tuple(CHORD_DEGREES[degree] for degree in degrees)
    chord = Chord(0, *words, 0)
    return (chord.quality, chord.degrees) == words


def _basses(state: State) -> Spans:
    root = state.root - LOWEST_FIFTHS
    return (*span(Kind.CHORD_BASS, 0, root), *span(Kind.CHORD_BASS, root + 1))


_TEMPO_LOWS = _END_ID[Kind.TEMPO_LOW] - _FIRST_ID[Kind.TEMPO_LOW]
_DURATION_POWERS = _END_ID[Kind.DURATION_HIGH] - _FIRST_ID[Kind.DURATION_HIGH]
_RULES: dict[Kind, Rule] = {
    Kind.BAR: _bars,
    Kind.END: _ends,
    Kind.DENOMINATOR: _denominators,
    Kind.POSITION_HIGH: _position_highs,
    Kind.POSITION_LOW: _position_lows,
    Kind.DURATION_HIGH: _duration_highs,
    Kind.TRACK: _tracks,
    Kind.DRUMS: _only_in_header(Kind.DRUMS),
    Kind.PROGRAM: _only_in_header(Kind.PROGRAM),
    Kind.CONTROL: _only_in_bars(Kind.CONTROL),
    Kind.BEND: _only_in_bars(Kind.BEND),
    Kind.PRESSURE: _only_in_bars(Kind.PRESSURE),
    Kind.VELOCITY: _velocities,
    Kind.PITCH: _pitches(Kind.PITCH),
    Kind.DRUM: _pitches(Kind.DRUM),
    Kind.MODE: _modes,
    Kind.TEMPO_HIGH: _tempo_highs,
    Kind.TEMPO_LOW: _tempo_lows,
    Kind.VALUE: _values,
    Kind.CHORD_DEGREE: _degrees,
    Kind.CHORD_BASS: _basses,
}

PLAIN = grammar_of(SHIPPED)
