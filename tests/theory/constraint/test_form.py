"""The form of a piece: kinds of tokens, bars."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from theory.constraint import Automaton, Cadence, Domain, ExactForm, Fermatas, OnlyKinds, States, allowed, narrowed
from theory.errors import RequestError
from theory.meter import Meter
from theory.tokens import VOCABULARY, Kind, State
from theory.tokens.vocabulary import BAR, END

from .walks import TOKENIZER, WRITTEN, empty, is_monophonic, opening, sung, walk, written

# The automaton is about notes; how they are played no generator of ours writes.
NOT_PLAYED = {Kind.VELOCITY, Kind.CONTROL, Kind.BEND, Kind.PRESSURE}


@pytest.mark.parametrize("seed", range(12))
def test_the_form_holds_over_the_whole_vocabulary(seed):
    """Chords, changes of key and tempo: whatever is written, bars and voices are those asked for."""
    frame = empty("6/8", 5)
    rules = [OnlyKinds(tuple(set(Kind) - NOT_PLAYED)), ExactForm(5), Automaton(Domain(frame))]
    score = TOKENIZER.decode(walk(seed, opening(frame), rules, by_kind=True))
    assert score.bars == 5
    assert len(score.meters) == 1
    assert score.end == 5 * 3 * score.ticks_per_quarter
    assert all(is_monophonic(part) for part in sung(score))


def test_a_piece_ends_with_its_last_bar_and_not_before():
    frame = empty("3/4", 2, 1)
    state, rules = State(), [ExactForm(2)]
    for token in opening(frame):
        state.advance(token)
    mask = allowed([state], rules)[0]
    assert (mask[BAR], mask[END]) == (True, False)
    for token in (VOCABULARY.id(Kind.TRACK), VOCABULARY.id(Kind.PITCH, 60), VOCABULARY.id(Kind.DURATION_LOW, 24)):
        state.advance(token)
    mask = allowed([state], rules)[0]
    assert (mask[BAR], mask[END]) == (True, False)
    state.advance(BAR)
    mask = allowed([state], rules)[0]
    assert (mask[BAR], mask[END]) == (False, True)
    assert not mask[VOCABULARY.span(Kind.NUMERATOR)].any()


@pytest.mark.parametrize("seed", range(4))
def test_after_an_upbeat_the_meter_changes_once(seed):
    body, upbeat = empty("6/8", 3, 2), Meter(1, 8)
    lines = (0, *(12 + line for line in body.lines))
    frame = body._replace(lines=lines, meters=(upbeat, *body.meters), pickup=True)
    kinds = (*WRITTEN, Kind.NUMERATOR, Kind.DENOMINATOR)
    rules = [OnlyKinds(kinds), ExactForm(4, Meter(6, 8)), Automaton(Domain(frame))]
    score = TOKENIZER.decode(walk(seed, opening(frame), rules, by_kind=True))
    assert [(event.tick, str(event.meter)) for event in score.meters] == [(0, "1/8"), (240, "6/8")]
    assert (score.pickup, score.bars, score.end) == (True, 4, 240 + 3 * 1440)


def test_only_some_kinds():
    kinds = (Kind.START, Kind.TRACK)
    mask = allowed([State()], [OnlyKinds(kinds)])
    assert np.flatnonzero(mask[0]).tolist() == [VOCABULARY.id(Kind.START)]
    assert not allowed([State()], [OnlyKinds(WRITTEN)]).any()


def test_a_piece_needs_a_bar():
    with pytest.raises(RequestError, match="0 bars"):
        ExactForm(0)


def test_labels():
    assert [ExactForm(bars).label for bars in (1, 16)] == ["1 bar", "16 bars"]
    assert ExactForm(2).held(written(empty(), [])) is None


def test_a_phrase_ends_at_a_cadence_and_nowhere_beside_it() -> None:
    frame = empty("4/4", 4)
    domain = narrowed(frame, [Cadence(3, "half", frame.key)])
    state = State()
    for token in opening(frame):
        state.advance(token)
    rule = Fermatas(domain)
    fermata = VOCABULARY.id(Kind.FERMATA)
    free = {}
    for bar, step in product(range(4), (0, 24, 48)):
        here = state.copy()
        here.bar, here.bar_start, here.position = bar, frame.lines[bar], step
        mask = np.ones((1, VOCABULARY.size), dtype=np.bool_)
        rule.forbid(States([here]), mask)
        free[bar + 1, step] = "must" if mask.sum() == 1 else bool(mask[0, fermata])
    assert {place: found for place, found in free.items() if found is not True} == {
        (2, 0): False, (2, 24): False, (2, 48): False, (3, 0): "must", (3, 24): False, (3, 48): False,
    }  # fmt: skip
