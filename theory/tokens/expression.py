"""What the grammar asks where a tokenizer's settings are other than those that ship.

A coarser grid, fewer loudnesses and what is left out take ids away. Exact loudnesses and microtiming bring offsets,
which must be such that ids come back: never 0, which is not said; no velocity that is in force already; no note before
the piece, or that ends before it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from theory.score import DEFAULT_VELOCITY
from theory.tokens.settings import Settings
from theory.tokens.state import EARLIEST, State
from theory.tokens.vocabulary import EXPRESSIVE, TICKS_PER_STEP, VELOCITY_STEP, Kind

Spans = Iterable[tuple[int, int]]
Rule = Callable[[State], Spans]

_SPANS = {kind: EXPRESSIVE.span(kind) for kind in Kind}
_LATEST = EARLIEST + TICKS_PER_STEP - 1
_EVERY = np.arange(1, 128)
_BIN = (_EVERY + VELOCITY_STEP // 2) // VELOCITY_STEP
# For each VELOCITY the offsets that lead from what it says to the other velocities near it.
_NEARBY = [[int(v - np.clip(step * VELOCITY_STEP, 1, 127)) for v in _EVERY[step == _BIN]] for step in range(33)]


def span(kind: Kind, start: int = 0, end: int | None = None) -> Spans:
    """Ids of a kind from its `start`-th to before its `end`-th."""
    first = _SPANS[kind].start
    return ((first + start, _SPANS[kind].stop if end is None else first + end),)


def left_out(settings: Settings) -> frozenset[Kind]:
    """Kinds that are never said."""
    unsaid: list[Kind] = []
    unsaid += [] if settings.velocities > 1 else [Kind.VELOCITY]
    unsaid += [] if settings.exact_velocities else [Kind.VELOCITY_OFFSET]
    unsaid += [] if settings.microtiming else [Kind.ONSET_OFFSET, Kind.END_OFFSET]
    unsaid += [] if settings.controls else [Kind.CONTROL, Kind.BEND, Kind.PRESSURE, Kind.VALUE]
    unsaid += [] if settings.drums else [Kind.DRUMS, Kind.DRUM]
    return frozenset(unsaid)


def canonical(settings: Settings) -> NDArray[np.bool_] | None:
    """Mask over the vocabulary, bool (V,), of the ids that are ever said: coarser durations, fewer loudnesses.

    None: all of them.
    """
    mask = np.ones(settings.vocabulary.size, dtype=np.bool_)
    lengths = _SPANS[Kind.DURATION_LOW]
    mask[lengths] = EXPRESSIVE.values[lengths] % settings.step == 0
    loud, every = _SPANS[Kind.VELOCITY], np.arange(1, 128, dtype=np.uint8)
    said = (settings.loudness(every).astype(np.int64) + VELOCITY_STEP // 2) // VELOCITY_STEP
    mask[loud] = np.isin(EXPRESSIVE.values[loud], said)
    return None if mask.all() else mask


def rules_of(settings: Settings, plain: Mapping[Kind, Rule]) -> dict[Kind, Rule]:
    """The rules that stand in the place of those that ship, by the kind that they let through."""
    rules: dict[Kind, Rule] = {}
    if settings.step > 1:
        rules[Kind.TRACK] = _on_steps(settings.step, plain[Kind.TRACK])
    if settings.microtiming:
        rules |= {kind: _again(kind) for kind in (Kind.PITCH, Kind.DRUM)}
        rules |= {Kind.ONSET_OFFSET: _onset_offsets, Kind.END_OFFSET: _end_offsets}
        rules |= {
            Kind.DURATION_HIGH: _once_begun(plain[Kind.DURATION_HIGH]),
            Kind.DURATION_LOW: _once_begun(lambda _: span(Kind.DURATION_LOW)),
        }
    if settings.microtiming or settings.exact_velocities:
        pitches = {kind: rules.get(kind, plain[kind]) for kind in (Kind.PITCH, Kind.DRUM)}
        rules[Kind.VELOCITY] = _velocities(pitches, settings.exact_velocities)
    if settings.exact_velocities:
        rules |= {kind: _at_new_velocity(rule) for kind, rule in pitches.items()}
        rules[Kind.VELOCITY_OFFSET] = _velocity_offsets
    if settings.loudness(np.array([DEFAULT_VELOCITY], dtype=np.uint8))[0] != DEFAULT_VELOCITY:
        rules |= {kind: _once_loud(rules.get(kind, plain[kind])) for kind in (Kind.PITCH, Kind.DRUM)}
    return rules


def _on_steps(step: int, tracks: Rule) -> Rule:
    """Tracks play only where notes may begin."""

    def rule(state: State) -> Spans:
        return () if state.bar >= 0 and state.step % step else tracks(state)

    return rule


def _again(kind: Kind) -> Rule:
    """With microtiming pitches may sound already, and one may stand twice at a position."""

    def rule(state: State) -> Spans:
        if state.bar < 0 or state.values_left or state.drums[state.track] is not (kind is Kind.DRUM):
            return ()
        return span(kind, state.pitch + (state.pitch < 0 or state.early >= _LATEST))

    return rule


def _velocities(pitches: Mapping[Kind, Rule], exact: bool) -> Rule:
    """Where a pitch may follow; those that say another loudness than is in force, if need be by their offset."""

    def rule(state: State) -> Spans:
        kind = Kind.DRUM if state.drums[state.track] else Kind.PITCH
        if all(first >= end for first, end in pitches[kind](state)):
            return ()
        now = state.velocity[state.track]
        if exact:
            return span(Kind.VELOCITY, int(now == 1))
        near = (now + VELOCITY_STEP // 2) // VELOCITY_STEP
        return (*span(Kind.VELOCITY, 0, near), *span(Kind.VELOCITY, near + 1))

    return rule


def _at_new_velocity(pitches: Rule) -> Rule:
    """A velocity that is in force already needs an offset."""

    def rule(state: State) -> Spans:
        same = state.kind is Kind.VELOCITY and state.velocity[state.track] == state.before
        return () if same else pitches(state)

    return rule


def _once_loud(pitches: Rule) -> Rule:
    """Where the loudness that is in force at first is none of those told apart, another has to be said."""

    def rule(state: State) -> Spans:
        return () if state.velocity[state.track] == DEFAULT_VELOCITY else pitches(state)

    return rule


def _velocity_offsets(state: State) -> Spans:
    first = EXPRESSIVE.id(Kind.VELOCITY_OFFSET)
    exact = state.velocity[state.track]
    wanted = [offset for offset in _NEARBY[state.value] if offset and exact + offset != state.before]
    return [(first + offset, first + offset + 1) for offset in wanted]


def _onset_offsets(state: State) -> Spans:
    return _offsets(Kind.ONSET_OFFSET, max(state.least_early, -state.step * TICKS_PER_STEP))


def _end_offsets(state: State) -> Spans:
    short = state.ended - state.step == 1  # it may end more than half a step before its step, but not before it begins
    return _offsets(Kind.END_OFFSET, state.early + 1 - TICKS_PER_STEP if short else EARLIEST)


def _offsets(kind: Kind, least: int) -> Spans:
    """Offsets from one on, but for 0."""
    lowest = int(EXPRESSIVE.values[_SPANS[kind].start])
    return (*span(kind, min(least, 0) - lowest, -lowest), *span(kind, max(least, 1) - lowest))


def _once_begun(lengths: Rule) -> Rule:
    """A pitch that stands twice at a position says first by how much later it begins."""

    def rule(state: State) -> Spans:
        return () if state.kind in (Kind.PITCH, Kind.DRUM) and state.least_early > 0 else lengths(state)

    return rule


__all__ = ["Rule", "Spans", "canonical", "left_out", "rules_of", "span"]
