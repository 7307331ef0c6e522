"""Walks under masks: pieces drawn token by token, every allowed token as likely as any other, and how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from theory.constraint import (
    Automaton,
    Constraint,
    ExactForm,
    Frame,
    OnlyKinds,
    Polyphony,
    Room,
    Script,
    allowed,
    narrowed,
)
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import VOCABULARY, Kind, State, Tokenizer
from theory.tokens.vocabulary import CHORD_KINDS, END, STEPS_PER_QUARTER

TOKENIZER = Tokenizer()
WRITTEN = (
    Kind.END, Kind.BAR, Kind.POSITION_HIGH, Kind.POSITION_LOW, Kind.DURATION_HIGH, Kind.DURATION_LOW, Kind.TRACK,
    Kind.PITCH, Kind.FERMATA,
)  # fmt: skip
PARTS = ("Soprano", "Alto", "Tenor", "Bass")
RANGES = ((57, 81), (52, 76), (46, 70), (35, 64))
QUARTER = STEPS_PER_QUARTER


class StuckError(Exception):
    """No token is allowed."""


class Sung(NamedTuple):
    """A note in grid steps."""

    start: int
    end: int
    pitch: int


def empty(meter: str = "4/4", bars: int = 2, parts: int = 4, key: str = "D minor") -> Frame:
    return Frame.regular(PARTS[:parts], Meter.parse(meter), bars, Key.parse(key))


def opening(frame: Frame) -> list[int]:
    """START, the tracks, and a first bar with meter, key and tempo."""
    blank = Score(
        tracks=(Track.empty(),) * len(frame.parts),
        tempos=(TempoEvent.from_bpm(0, 88),),
        meters=(MeterEvent(0, frame.meters[0]),),
        keys=(KeyEvent(0, frame.key),),
        end=frame.meters[0].bar_ticks(480),
    )
    return TOKENIZER.encode(blank)[:-1].tolist()


def is_dead(frame: Frame, rules: Sequence[Constraint]) -> bool:
    return Automaton(narrowed(frame, rules)).dead_end is not None


def masks(frame: Frame, rules: Sequence[Constraint], *, own_chords: bool = False) -> list[Constraint]:
    """All that masks the tokens of a piece under these rules."""
    domain = narrowed(frame, rules)
    automaton = Automaton(domain)
    assert automaton.dead_end is None
    kinds = (*WRITTEN, *CHORD_KINDS) if domain.chords or own_chords else WRITTEN
    room = [Room(domain, rule.most, automaton) for rule in rules if isinstance(rule, Polyphony)]
    return [OnlyKinds(kinds), ExactForm(frame.bars), Script(domain, own_chords), automaton, *room, *rules]


def walk(seed: int, ids: Sequence[int], constraints: Sequence[Constraint], *, by_kind: bool = False) -> list[int]:
    """Draw after an opening until END: among allowed tokens, or among their kinds and then the tokens of one."""
    dice, state, ids = np.random.default_rng(seed), State(), list(ids)
    for token in ids:
        state.advance(token)
    while not ids or ids[-1] != END:
        choice = np.flatnonzero(allowed([state], constraints)[0])
        if not len(choice):
            raise StuckError(f"step {state.step}, after {[VOCABULARY.name(token) for token in ids[-8:]]}")
        if by_kind:
            kinds = VOCABULARY.kinds[choice]
            choice = choice[kinds == dice.choice(np.unique(kinds))]
        ids.append(int(dice.choice(choice)))
        state.advance(ids[-1])
    return ids


def written(frame: Frame, rules: Sequence[Constraint], seed: int = 0, *, by_kind: bool = True) -> Score:
    """A piece drawn under rules; it must not get stuck, must be canonical, and every rule must say that it is kept."""
    score = TOKENIZER.decode(ids := walk(seed, opening(frame), masks(frame, rules), by_kind=by_kind))
    assert TOKENIZER.encode(score).tolist() == ids
    assert score.bars == frame.bars
    assert score.end == frame.steps * score.ticks_per_quarter // STEPS_PER_QUARTER
    assert all(is_monophonic(part) for part in sung(score))
    for rule in rules:
        held = rule.held(score)
        assert held is None or held.kept == held.asked, rule.label
    return score


def sung(score: Score) -> list[list[Sung]]:
    """The notes of each part, by their ticks alone."""
    size = score.ticks_per_quarter // STEPS_PER_QUARTER
    return [[Sung(note.onset // size, note.end // size, note.pitch) for note in track] for track in score.tracks]


def scored(frame: Frame, parts: Sequence[Sequence[tuple[int, int, int]]]) -> Score:
    """A score of (start, end, pitch) in grid steps."""
    tracks = [Track.from_notes([(20 * a, 20 * (b - a), pitch) for a, b, pitch in part]) for part in parts]
    return Score(
        tuple(tracks),
        tempos=(TempoEvent.from_bpm(0, 88),),
        meters=(MeterEvent(0, frame.meters[0]),),
        keys=(KeyEvent(0, frame.key),),
        end=20 * frame.steps,
    )


def is_monophonic(part: Sequence[Sung]) -> bool:
    return all(first.end <= second.start for first, second in pairwise(part))


def pitch_at(part: Sequence[Sung], step: int) -> int | None:
    """What a part sings during a step."""
    return next((note.pitch for note in part if note.start <= step < note.end), None)


def heard_at(parts: Sequence[Sequence[Sung]], step: int) -> list[int]:
    """What all parts sing during a step, from the top part down."""
    return [pitch for part in parts if (pitch := pitch_at(part, step)) is not None]
