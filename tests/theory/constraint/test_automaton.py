"""The automaton and what lies ahead: against exhaustive search, and against pieces drawn under its masks."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from theory.constraint import Automaton, DeadEnd, Domain, ExactForm, Frame, OnlyKinds, Range, States, allowed
from theory.event import MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.tokens import VOCABULARY, Kind, State
from theory.tokens.vocabulary import BAR, END

from .walks import PARTS, RANGES, TOKENIZER, WRITTEN, Sung, empty, masks, opening, scored, sung, walk, written

LOW = VOCABULARY.span(Kind.DURATION_LOW)
HIGH = VOCABULARY.span(Kind.DURATION_HIGH)
METERS = ["4/4", "3/4", "2/2", "6/8", "12/8", "5/4", "7/4", "5/8", "3/2", "4/2", "9/4", "1/4", "3/32"]
RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))
LOWEST = 60


class Wish(NamedTuple):
    """What is asked of one part; sets of (step, pitch), steps and durations in grid steps."""

    pitches: int
    no_start: frozenset[tuple[int, int]]
    no_sound: frozenset[tuple[int, int]]
    must_start: frozenset[int]
    must_sound: frozenset[int]
    lasts: dict[int, int]
    durations: frozenset[int] | None
    shortest: int
    counts: tuple[tuple[int, int | None], ...]
    leap: int | None


class Task(NamedTuple):
    """A tiny piece and what is asked of its parts."""

    bar: int
    bars: int
    wishes: tuple[Wish, ...]

    @property
    def steps(self) -> int:
        return self.bar * self.bars

    @property
    def frame(self) -> Frame:
        return Frame.regular(PARTS[: len(self.wishes)], Meter(self.bar // 3, 32), self.bars, Key.parse("C"))


@st.composite
def wishes(draw: st.DrawFn, bar: int, bars: int) -> Wish:
    steps = bar * bars
    pitches = draw(st.integers(1, 2 if steps > 6 else 3))
    step, pitch = st.integers(0, steps - 1), st.integers(LOWEST, LOWEST + pitches - 1)
    places = st.frozensets(st.tuples(step, pitch), max_size=5)
    count = st.tuples(st.integers(0, 3), st.none() | st.integers(0, 3))
    return Wish(
        pitches,
        draw(places),
        draw(places),
        draw(st.frozensets(step, max_size=2)),
        draw(st.frozensets(step, max_size=3)),
        draw(st.dictionaries(step, st.integers(1, steps), max_size=2)),
        draw(st.none() | st.frozensets(st.integers(1, steps), min_size=1, max_size=3)),
        draw(st.just(1) | st.integers(1, 4)),
        draw(st.just(((0, None),) * bars) | st.tuples(*[count] * bars)),
        draw(st.none() | st.integers(0, 2)),
    )


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    bar, bars = draw(st.sampled_from([(3, 1), (3, 2), (6, 1), (3, 3)]))
    return Task(bar, bars, tuple(draw(st.lists(wishes(bar, bars), min_size=1, max_size=2))))


def domain_of(task: Task) -> Domain:
    domain = Domain(task.frame)
    for part, wish in enumerate(task.wishes):
        for column in (domain.start, domain.sound):
            column[part, :, :LOWEST] = column[part, :, LOWEST + wish.pitches :] = False
        for step, pitch in wish.no_start:
            domain.start[part, step, pitch] = False
        for step, pitch in wish.no_sound:
            domain.sound[part, step, pitch] = False
        domain.must_start[part, list(wish.must_start)] = True
        domain.must_sound[part, list(wish.must_sound)] = True
        for step, length in wish.lasts.items():
            domain.lasts[part, step] = length
        if wish.durations is not None:
            domain.keep_durations(part, np.array(sorted(wish.durations)))
        domain.shortest[part] = wish.shortest
        for bar, (least, most) in enumerate(wish.counts):
            domain.least[part, bar] = least
            if most is not None:
                domain.most[part, bar] = most
        if wish.leap is not None:
            domain.leap[part] = wish.leap
    return domain


def may_be(note: Sung, before: Sung | None, wish: Wish, steps: int) -> bool:
    """Whether a note is what is asked for, but for what other notes do."""
    length = note.end - note.start
    return (
        note.end <= steps
        and LOWEST <= note.pitch < LOWEST + wish.pitches
        and (note.start, note.pitch) not in wish.no_start
        and all((step, note.pitch) not in wish.no_sound for step in range(note.start, note.end))
        and not any(step in wish.must_start for step in range(note.start + 1, note.end))
        and wish.lasts.get(note.start, length) == length
        and (wish.durations is None or length in wish.durations)
        and length >= wish.shortest
        and (before is None or wish.leap is None or abs(note.pitch - before.pitch) <= wish.leap)
    )


def voices(task: Task, wish: Wish, step: int = 0, done: tuple[Sung, ...] = ()) -> Iterator[tuple[Sung, ...]]:
    """Every voice that keeps to a wish, by trying all that there is."""
    if step == task.steps:
        begun = [sum(note.start // task.bar == bar for note in done) for bar in range(task.bars)]
        if all(least <= n and (most is None or n <= most) for n, (least, most) in zip(begun, wish.counts, strict=True)):
            yield done
        return
    if step not in wish.must_start | wish.must_sound:
        yield from voices(task, wish, step + 1, done)
    for end in range(step + 1, task.steps + 1):
        for pitch in range(LOWEST, LOWEST + wish.pitches):
            note = Sung(step, end, pitch)
            if may_be(note, done[-1] if done else None, wish, task.steps):
                yield from voices(task, wish, end, (*done, note))


def keeps(part: Sequence[Sung], wish: Wish, task: Task) -> bool:
    """Whether a part of a finished piece is what was asked for."""
    begun = [sum(note.start // task.bar == bar for note in part) for bar in range(task.bars)]
    heard = {step for note in part for step in range(note.start, note.end)}
    return (
        all(first.end <= second.start for first, second in pairwise(part))
        and all(may_be(note, before, wish, task.steps) for before, note in zip([None, *part], part, strict=False))
        and wish.must_start <= {note.start for note in part}
        and wish.must_sound <= heard
        and all(least <= n and (most is None or n <= most) for n, (least, most) in zip(begun, wish.counts, strict=True))
    )


def form(task: Task) -> list:
    return [OnlyKinds(WRITTEN), ExactForm(task.bars)]


THOROUGH = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
NOTHING = Wish(1, frozenset(), frozenset(), frozenset(), frozenset(), {}, None, 1, ((0, None),), None)
# It has to sound where it may not begin: what began before goes on.
HELD = NOTHING._replace(no_start=frozenset({(1, LOWEST)}), must_sound=frozenset({1}))


@THOROUGH
@given(tasks())
@example(Task(3, 1, (NOTHING._replace(counts=((0, 0),)),)))
@example(Task(3, 1, (NOTHING._replace(counts=((0, 0),), must_sound=frozenset({2})),)))
@example(Task(6, 1, (NOTHING._replace(no_sound=frozenset({(2, LOWEST)}), lasts={1: 4}),)))
@example(Task(3, 3, (NOTHING._replace(counts=((0, None), (0, None), (1, None)), durations=frozenset({9})),)))
@example(Task(3, 1, (HELD,)))
def test_there_is_no_dead_end_exactly_where_a_search_through_everything_finds_a_voice(task):
    found = [next(voices(task, wish), None) for wish in task.wishes]
    dead_end = Automaton(domain_of(task)).dead_end
    assert (dead_end is None) == all(voice is not None for voice in found)
    if dead_end is not None:
        assert found[dead_end.track] is None
        assert 0 <= dead_end.step < task.steps


@THOROUGH
@given(tasks(), st.integers(0, 999), st.booleans())
@example(Task(3, 1, (NOTHING._replace(counts=((0, 0),)),)), 1, True)
@example(Task(3, 1, (HELD,)), 0, True)
def test_whatever_is_drawn_is_what_was_asked_for_and_never_gets_stuck(task, seed, by_kind):
    automaton = Automaton(domain_of(task))
    if automaton.dead_end is not None:
        return
    score = TOKENIZER.decode(walk(seed, opening(task.frame), [*form(task), automaton], by_kind=by_kind))
    assert score.bars == task.bars
    for part, wish in zip(sung(score), task.wishes, strict=True):
        assert keeps(part, wish, task)


@THOROUGH
@given(tasks(), st.integers(0, 40))
@example(Task(3, 1, (HELD,)), 0)
def test_nothing_that_keeps_to_all_that_is_asked_is_forbidden(task, skipped):
    """Of the voices that a search finds, some are spelled: every token of them is allowed."""
    found = [list(islice(voices(task, wish), skipped + 1))[-1:] for wish in task.wishes]
    if not all(found):
        return
    ids = TOKENIZER.encode(scored(task.frame, [part[0] for part in found])).tolist()
    rules = [*form(task), Automaton(domain_of(task))]
    begun, state = opening(task.frame), State()
    assert ids[: len(begun)] == begun
    for place, token in enumerate(ids):
        if place >= len(begun):
            assert allowed([state], rules)[0, token], [VOCABULARY.name(token) for token in ids[len(begun) : place + 1]]
        state.advance(token)


@THOROUGH
@given(tasks(), st.integers(0, 999), st.data())
def test_after_another_automaton_only_the_rest_is_cleared(task, seed, data):
    """And prospects that were found for equal lanes are taken over."""
    free = domain_of(task._replace(wishes=(NOTHING._replace(pitches=3),) * len(task.wishes)))
    ids = walk(seed, opening(task.frame), [*form(task), done := Automaton(free)])
    state, states = State(), []
    for token in ids:
        states.append(state.copy())
        state.advance(token)
    some = data.draw(st.sets(st.sampled_from(range(len(task.wishes)))))
    domain = domain_of(
        task._replace(wishes=[w if n in some else NOTHING._replace(pitches=3) for n, w in enumerate(task.wishes)])
    )
    known = {}
    whole, rest = Automaton(domain, known), Automaton(domain, known)
    expected = allowed(states, [*form(task), done, whole])
    mask = allowed(states, [*form(task), done])
    rest.forbid_more(States(states), mask, done)
    np.testing.assert_array_equal(mask, expected)
    assert len(known) <= len(task.wishes)


@pytest.mark.parametrize("limit", [64, 10_000])
def test_a_limit_that_no_bar_can_reach_costs_nothing(limit):
    """Memory: counts of notes are told apart only where it makes a difference."""
    domain = Domain(empty("4/4", 64, 1))
    domain.start[:, np.arange(64 * 96) % 6 > 0] = False
    domain.most[:] = limit
    tracemalloc.start()
    assert Automaton(domain).dead_end is None
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()


def test_a_dead_end_says_where():
    domain = Domain(empty("4/4", 3, 2))
    domain.sound[1, 96 + 48] = False
    domain.must_sound[1, 96 + 48] = True
    assert Automaton(domain).dead_end == DeadEnd(1, 96 + 48)


@pytest.mark.parametrize("by_kind", [False, True], ids=["tokens", "kinds"])
@pytest.mark.parametrize("meter", METERS)
def test_in_every_meter_the_form_holds_and_nothing_gets_stuck(meter, by_kind):
    for seed, bars in enumerate((1, 2, 5)):
        frame = empty(meter, bars)
        begun = opening(frame)
        ids = walk(seed, begun, masks(frame, RANGE_RULES), by_kind=by_kind)
        score = TOKENIZER.decode(ids)
        assert score.bars == bars
        assert score.meters == (MeterEvent(0, Meter.parse(meter)),)
        assert score.end == bars * Meter.parse(meter).bar_ticks(480)
        assert set(VOCABULARY.kinds[ids[len(begun) :]]) <= set(WRITTEN)
        assert len(score.tracks) == len(RANGES)
        for part, (lowest, highest) in zip(sung(score), RANGES, strict=True):
            assert all(first.end <= second.start for first, second in pairwise(part))
            assert all(lowest <= note.pitch <= highest for note in part)
        assert TOKENIZER.encode(score).tolist() == ids


def test_what_is_drawn_uses_the_room_it_has():
    """No more is forbidden than must be: lowest and highest pitch, last step and longest note all come."""
    frame = empty("5/4", 3, 1)
    rules = masks(frame, [Range(0, 60, 62)])
    notes = [note for seed in range(120) for note in sung(TOKENIZER.decode(walk(seed, opening(frame), rules)))[0]]
    assert {note.pitch for note in notes} == {60, 61, 62}
    assert max(note.end for note in notes) == frame.steps
    assert any(note.end - note.start > frame.lines[1] for note in notes)
    assert any(note.start % frame.lines[1] > 4 * 24 for note in notes)


def after(frame: Frame, *tokens: int) -> State:
    """The state after the opening and some more tokens."""
    state = State()
    for token in (*opening(frame), *tokens):
        state.advance(token)
    return state


def test_a_note_may_fill_the_piece_and_no_more():
    frame = empty("7/4", 4, 1)  # 28 quarters: seven whole notes
    state = after(frame, VOCABULARY.id(Kind.TRACK), VOCABULARY.id(Kind.PITCH, 60))
    rules = [ExactForm(4), Automaton(Domain(frame))]
    assert np.flatnonzero(allowed([state], rules)[0, HIGH]).tolist() == [0, 1, 2]
    for power in (2, 1):
        state.advance(HIGH.start + power)
    assert np.flatnonzero(allowed([state], rules)[0, HIGH]).tolist() == []
    assert np.flatnonzero(allowed([state], rules)[0, LOW]).tolist() == list(range(96))


def test_a_busy_track_waits():
    frame = empty("4/4", 1, 2)
    note = VOCABULARY.id(Kind.TRACK, 0), VOCABULARY.id(Kind.PITCH, 60), VOCABULARY.id(Kind.DURATION_LOW, 48)
    state, rules = after(frame, *note), [ExactForm(1), Automaton(Domain(frame))]
    mask = allowed([state], rules)[0]
    assert not mask[VOCABULARY.span(Kind.PITCH)].any()
    assert mask[VOCABULARY.id(Kind.TRACK, 1)]
    assert mask[VOCABULARY.id(Kind.POSITION_LOW, 1)]  # the second track is free
    for token in (VOCABULARY.id(Kind.TRACK, 1), VOCABULARY.id(Kind.PITCH, 50), VOCABULARY.id(Kind.DURATION_LOW, 24)):
        state.advance(token)
    mask = allowed([state], rules)[0]
    assert not mask[VOCABULARY.id(Kind.POSITION_LOW, 23)]
    assert mask[VOCABULARY.id(Kind.POSITION_LOW, 24)]
    state.advance(VOCABULARY.id(Kind.POSITION_LOW, 24))
    assert np.flatnonzero(allowed([state], rules)[0, VOCABULARY.span(Kind.TRACK)]).tolist() == [1]


def test_nobody_passes_by_what_must_be_done():
    """No bar line, end, later position or later track before a note that is asked for."""
    frame = empty("4/4", 1, 2)
    domain = Domain(frame)
    domain.must_start[0, 24] = True
    rules = [ExactForm(1), Automaton(domain)]
    state = after(frame)
    mask = allowed([state], rules)[0]
    assert not mask[[BAR, END]].any()
    assert np.flatnonzero(mask[VOCABULARY.span(Kind.POSITION_LOW)]).max() == 24
    state.advance(VOCABULARY.id(Kind.POSITION_LOW, 24))
    assert np.flatnonzero(allowed([state], rules)[0, VOCABULARY.span(Kind.TRACK)]).tolist() == [0]


def test_a_long_piece_with_everything_that_is_counted():
    frame = empty("4/4", 40, 1)
    domain = Domain(frame)
    domain.least[:] = 1
    domain.most[:] = 3
    domain.leap[:] = 4
    domain.keep_durations(0, np.array([12, 24, 48, 192]))
    rules = [OnlyKinds(WRITTEN), ExactForm(40), Automaton(domain)]
    (part,) = sung(TOKENIZER.decode(walk(3, opening(frame), rules, by_kind=True)))
    assert all(1 <= sum(note.start // 96 == bar for note in part) <= 3 for bar in range(40))
    assert all(abs(one.pitch - other.pitch) <= 4 for one, other in pairwise(part))
    assert {note.end - note.start for note in part} <= {12, 24, 48, 192}


def test_a_piece_without_rules_is_free():
    score = written(empty("3/4", 2), [])
    assert score.notes
