"""Constraints: whatever they are told holds in every piece, and no piece gets stuck."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from theory.constraint import Constraint, ExactForm, OneNoteAtATime, OnlyKinds, Ranges, allowed
from theory.errors import RequestError
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import VOCABULARY, Kind, State, Tokenizer, grammar_mask
from theory.tokens.vocabulary import END

TOKENIZER = Tokenizer()
WRITTEN = (
    Kind.END, Kind.BAR, Kind.POSITION_HIGH, Kind.POSITION_LOW, Kind.DURATION_HIGH, Kind.DURATION_LOW, Kind.TRACK,
    Kind.PITCH, Kind.FERMATA,
)  # fmt: skip
RANGES = ((60, 81), (53, 74), (48, 69), (40, 64))
METERS = ["4/4", "3/4", "2/2", "6/8", "12/8", "5/4", "7/4", "5/8", "3/2", "4/2", "9/4", "1/4", "3/32"]


def opening(meter: Meter, tracks: int = 4) -> list[int]:
    """START, the tracks, and a first bar with meter, key and tempo."""
    blank = Score(
        tracks=(Track.empty(),) * tracks,
        tempos=(TempoEvent.from_bpm(0, 88),),
        meters=(MeterEvent(0, meter),),
        keys=(KeyEvent(0, Key.parse("D minor")),),
        end=meter.bar_ticks(480),
    )
    return TOKENIZER.encode(blank)[:-1].tolist()


def sample(seed: int, ids: Sequence[int], constraints: Sequence[Constraint], *, by_kind: bool = False) -> list[int]:
    """Draw after an opening until END, every allowed token (or kind, then one of its tokens) with equal chance."""
    dice, state, ids = np.random.default_rng(seed), State(), list(ids)
    for token in ids:
        state.advance(token)
    while not ids or ids[-1] != END:
        choice = np.flatnonzero(allowed(state, constraints))
        assert len(choice), f"dead end after {[VOCABULARY.name(token) for token in ids[-8:]]}"
        if by_kind:
            kinds = VOCABULARY.kinds[choice]
            choice = choice[kinds == dice.choice(np.unique(kinds))]
        ids.append(int(dice.choice(choice)))
        state.advance(ids[-1])
    return ids


def is_monophonic(track: Track) -> bool:
    return all(first.end <= second.onset for first, second in pairwise(track))


@pytest.mark.parametrize("by_kind", [False, True], ids=["tokens", "kinds"])
@pytest.mark.parametrize("meter", METERS)
def test_all_rules_together_hold_and_never_get_stuck(meter: str, by_kind: bool) -> None:
    rules = (OnlyKinds(WRITTEN), OneNoteAtATime(), Ranges(RANGES))
    for seed in range(6):
        bars = (1, 2, 7)[seed % 3]
        begun = opening(Meter.parse(meter))
        ids = sample(seed, begun, (*rules, ExactForm(bars)), by_kind=by_kind)
        score = TOKENIZER.decode(ids)
        assert score.bars == bars
        assert score.meters == (MeterEvent(0, Meter.parse(meter)),)
        assert score.end == bars * Meter.parse(meter).bar_ticks(480)
        assert set(VOCABULARY.kinds[ids[len(begun) :]]) <= set(WRITTEN)
        assert len(score.tracks) == len(RANGES)
        for track, (lowest, highest) in zip(score.tracks, RANGES, strict=True):
            assert is_monophonic(track)
            assert all(lowest <= note.pitch <= highest for note in track)
        assert TOKENIZER.encode(score).tolist() == ids


@pytest.mark.parametrize("seed", range(12))
def test_form_and_voices_hold_over_the_whole_vocabulary(seed: int) -> None:
    """From the very start: it declares tracks, drums among them, and writes velocities, chords and controls."""
    score = TOKENIZER.decode(sample(seed, [], (ExactForm(5), OneNoteAtATime()), by_kind=True))
    assert score.bars == 5
    assert len(score.meters) == 1
    assert all(is_monophonic(track) for track in score.tracks)


def test_what_is_sampled_uses_the_room_it_has() -> None:
    """The rules forbid no more than they must: lowest and highest pitch, last step and longest note all come."""
    rules = (OnlyKinds(WRITTEN), ExactForm(3), OneNoteAtATime(), Ranges(((60, 62),)))
    scores = [TOKENIZER.decode(sample(seed, opening(Meter(5, 4), 1), rules)) for seed in range(150)]
    notes = [note for score in scores for note in score.tracks[0]]
    assert {note.pitch for note in notes} == {60, 61, 62}
    assert max(note.end for note in notes) == 3 * 5 * 480
    assert any(note.duration > 5 * 480 for note in notes)
    assert any(note.onset % (5 * 480) > 4 * 480 for note in notes)


def test_a_note_may_fill_the_piece_and_no_more() -> None:
    state = State()
    for token in [*opening(Meter(7, 4), 1), VOCABULARY.id(Kind.TRACK), VOCABULARY.id(Kind.PITCH, 60)]:
        state.advance(token)
    low, high = VOCABULARY.span(Kind.DURATION_LOW), VOCABULARY.span(Kind.DURATION_HIGH)
    form = ExactForm(4)  # 28 quarters: seven whole notes
    assert np.flatnonzero(allowed(state, (form,))[high]).tolist() == [0, 1, 2]
    for power in (2, 1):
        state.advance(high.start + power)
    assert np.flatnonzero(allowed(state, (form,))[high]).tolist() == []
    assert np.flatnonzero(allowed(state, (form,))[low]).tolist() == list(range(96))
    assert np.flatnonzero(allowed(state, (ExactForm(3),))[low]).tolist() == []


def test_a_busy_track_waits() -> None:
    state = State()
    begun = [*opening(Meter(4, 4), 2), VOCABULARY.id(Kind.TRACK, 0), VOCABULARY.id(Kind.PITCH, 60)]
    for token in [*begun, VOCABULARY.id(Kind.DURATION_LOW, 48)]:
        state.advance(token)
    mask = allowed(state, (OneNoteAtATime(),))
    assert not mask[VOCABULARY.span(Kind.PITCH)].any()
    assert not mask[VOCABULARY.span(Kind.VELOCITY)].any()
    assert mask[VOCABULARY.id(Kind.TRACK, 1)]
    assert mask[VOCABULARY.id(Kind.POSITION_LOW, 1)]  # the second track is free
    for token in (VOCABULARY.id(Kind.TRACK, 1), VOCABULARY.id(Kind.PITCH, 50), VOCABULARY.id(Kind.DURATION_LOW, 24)):
        state.advance(token)
    mask = allowed(state, (OneNoteAtATime(),))
    assert not mask[VOCABULARY.id(Kind.POSITION_LOW, 23)]
    assert mask[VOCABULARY.id(Kind.POSITION_LOW, 24)]
    state.advance(VOCABULARY.id(Kind.POSITION_LOW, 24))
    assert np.flatnonzero(allowed(state, (OneNoteAtATime(),))[VOCABULARY.span(Kind.TRACK)]).tolist() == [1]


def test_rules_only_take_away() -> None:
    state = State()
    for token in opening(Meter(4, 4)):
        state.advance(token)
        free = grammar_mask(state)
        ruled = allowed(state, (OnlyKinds(WRITTEN), ExactForm(3), OneNoteAtATime(), Ranges(RANGES)))
        assert not (ruled & ~free).any()


def test_a_track_without_a_range_is_free() -> None:
    state = State()
    for token in [*opening(Meter(4, 4), 2), VOCABULARY.id(Kind.TRACK, 1)]:
        state.advance(token)
    assert allowed(state, (Ranges(((60, 61),)),))[VOCABULARY.span(Kind.PITCH)].all()


@pytest.mark.parametrize("bounds", [(61, 60), (-1, 60), (60, 128)])
def test_a_range_without_pitches_is_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match="track 1"):
        Ranges(((60, 72), bounds))


def test_a_piece_needs_a_bar() -> None:
    with pytest.raises(RequestError, match="0 bars"):
        ExactForm(0)
