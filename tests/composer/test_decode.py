"""The decoding loop: what it draws, what it cost, and how it goes back where voices have led into a dead end."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tiny_models import TINY

import composer
from composer import bundle, decode, generate, search
from composer.bar_notes import PLACES
from composer.runtime import Reader, Runtime, told_now
from composer.sampler import Sampling
from theory.constraint import (
    Automaton,
    Constraint,
    Domain,
    Durations,
    ExactForm,
    Frame,
    NoParallels,
    OnlyKinds,
    Onsets,
    Range,
    allowed,
)
from theory.constraint.room import Foresight
from theory.errors import SearchError
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import VOCABULARY, Kind, State, Tokenizer
from theory.tokens.vocabulary import CHORD_KINDS, END

PITCH = VOCABULARY.span(Kind.PITCH)
KINDS = (
    Kind.END, Kind.BAR, Kind.POSITION_LOW, Kind.POSITION_HIGH, Kind.TRACK, Kind.PITCH, Kind.DURATION_LOW,
    Kind.DURATION_HIGH,
)  # fmt: skip


class OctaveBelow(Constraint):
    """The second part doubles the first an octave below: which the first knows nothing of."""

    label = "octaves"

    def forbid(self, states, mask):
        for row in states.at_pitch:
            state = states.rows[row]
            if state.track == 1:
                kept = mask[row, PITCH.start + state.last_pitch[0] - 12]
                mask[row, PITCH] = False
                mask[row, PITCH.start + state.last_pitch[0] - 12] = kept


class Task:
    """Two parts in quarters, the upper one of an octave, the lower one of a few pitches."""

    def __init__(self, lower, bars=2, rule=None):
        frame = Frame.regular(("Soprano", "Bass"), Meter(2, 4), bars, Key.parse("C"))
        domain = Domain(frame)
        beats = Onsets((Fraction(0), Fraction(1)))
        for each in (Range(0, 60, 71), Range(1, *lower), beats, Durations((Fraction(1),))):
            each.narrow(domain)
        self.bars = bars
        self.rules = [OnlyKinds(KINDS), ExactForm(bars), Automaton(domain), rule or OctaveBelow()]
        blank = Score(
            (Track.empty(),) * 2,
            tempos=(TempoEvent.from_bpm(0, 88),),
            meters=(MeterEvent(0, Meter(2, 4)),),
            keys=(KeyEvent(0, Key.parse("C")),),
            end=960,
        )
        self.opening = Tokenizer().encode(blank)[:-1].tolist()

    def write(self, runtime, seed=0, **sampling):
        return decode.write(self.task(runtime, **sampling), seed)

    def task(self, runtime, **sampling):
        return decode.Task(runtime, self.opening, self.rules, self.bars, Sampling(**sampling))


@pytest.fixture(scope="module")
def runtime(tiny_model):
    return Runtime(bundle.load(Path(tiny_model)))


def pitches(draft):
    score = Tokenizer().decode(draft.ids)
    return [[note.pitch for note in track] for track in score.tracks]


def fresh_logits(runtime, ids, bars):
    reader = Reader(runtime, bars)
    return np.array([reader.read(token) for token in ids])


def tops(runtime, ids, bars):
    reader = Reader(runtime, bars)
    for token in ids:
        reader.take(token)
    return reader.top


# Going back


@pytest.mark.parametrize("seed", range(5))
def test_a_rule_of_two_voices_that_leads_into_dead_ends_is_solved(runtime, seed):
    """Three of four choices of the upper part leave the lower one nothing."""
    draft = Task((48, 50)).write(runtime, seed)
    upper, lower = pitches(draft)
    assert [pitch - 12 for pitch in upper] == lower
    assert len(upper) == 4
    assert set(lower) <= {48, 49, 50}
    assert draft.redraws > 0


@pytest.mark.parametrize("lower", [(48, 59), (48, 50)])
def test_after_going_back_all_is_as_if_it_had_never_been_elsewhere(runtime, lower):
    task = Task(lower)
    draft = task.write(runtime, 1)
    assert draft.ids[: draft.opening] == task.opening
    assert draft.ids[-1] == END
    np.testing.assert_array_equal(draft.top, tops(runtime, draft.ids, task.bars)[draft.opening - 1 : -1])
    state = State()
    for place, token in enumerate(draft.ids):
        assert place < draft.opening or allowed([state], task.rules)[0, token]
        state.advance(token)


def test_without_dead_ends_nothing_is_drawn_again(runtime):
    assert Task((48, 59)).write(runtime).redraws == 0


def test_the_same_seed_goes_back_the_same_way_and_another_does_not(runtime):
    drafts = [Task((48, 50)).write(runtime, seed) for seed in (3, 3, 4)]
    assert drafts[0].ids == drafts[1].ids
    assert drafts[0].redraws == drafts[1].redraws > 0
    assert drafts[0].ids != drafts[2].ids


@pytest.mark.parametrize("sampling", [{"temperature": 0}, {"top_k": 1}, {"temperature": 0.05}])
def test_bold_or_not_it_finds_a_way(runtime, sampling):
    """The likeliest token is always the same one: going back must not draw it again."""
    draft = Task((48, 52)).write(runtime, **sampling)
    upper, lower = pitches(draft)
    assert [pitch - 12 for pitch in upper] == lower
    assert draft.redraws > 0


def test_parallels_are_left_by_going_back(runtime):
    draft = Task((48, 50), bars=8, rule=NoParallels()).write(runtime)
    upper, lower = pitches(draft)
    for place in range(1, len(upper)):
        before, after = upper[place - 1] - lower[place - 1], upper[place] - lower[place]
        moved = upper[place] != upper[place - 1] and lower[place] != lower[place - 1]
        assert not (moved and before % 12 == after % 12 and after % 12 in (0, 7))


@pytest.mark.parametrize("sampling", [{}, {"temperature": 0}])
def test_what_is_impossible_ends_when_the_budget_is_spent(runtime, monkeypatch, sampling):
    monkeypatch.setattr(search, "BUDGET", 25)
    with pytest.raises(SearchError) as caught:
        Task((61, 70)).write(runtime, **sampling)
    said = str(caught.value)
    assert said.startswith("no piece was found in 25 tries that keeps all constraints; bar 1 is hard for: octaves;")
    assert "\n" not in said
    assert caught.value.exit_code == 43


def test_the_message_names_the_bar(runtime, monkeypatch):
    """The rule holds in the first bars, but not in the third."""

    class Third(OctaveBelow):
        def forbid(self, states, mask):
            if states.rows[0].bar == 2 and states.at_pitch:
                mask[:] = False

    monkeypatch.setattr(search, "BUDGET", 10)
    with pytest.raises(SearchError, match="bar 3 is hard for: octaves"):
        Task((48, 59), bars=4, rule=Third()).write(runtime)


def test_a_dead_end_before_the_first_note(runtime, monkeypatch):
    class Nothing(OctaveBelow):
        def forbid(self, states, mask):
            mask[states.at_pitch] = False

    monkeypatch.setattr(search, "BUDGET", 10)
    for sampling in ({}, {"temperature": 0}):
        with pytest.raises(SearchError, match="bar 1 is hard for: octaves"):
            Task((48, 59), rule=Nothing()).write(runtime, **sampling)


def test_a_search_that_fails_leaves_no_piece(tiny_model, monkeypatch, cadenza, tmp_path):
    """A model that knows nothing seldom writes chords in four parts without ever going back."""
    monkeypatch.setattr(search, "BUDGET", 0)
    request = ("--model", tiny_model, "--chords", "C G | Am F", "--bars", 8, "--rules", "four-part", "--density", "2:4")
    for seed in range(20):
        said = cadenza("compose", *request, "--seed", seed, "--out", tmp_path / f"song{seed}.mid")
        if said.code:
            break
    assert (said.code, said.out) == (43, "")
    assert "no piece was found in 0 tries" in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / f"song{seed}.mid").exists()


def test_locked_parts_in_parallels_clash_before_the_first_note(tiny_model, cadenza, tmp_path):
    import data

    tune = Score(tuple(Track.from_notes([(0, 960, p), (960, 960, p + 2)]) for p in (72, 67, 60, 48)))
    data.write(tune, tmp_path / "tune.mid")
    locks = [word for part in ("soprano", "bass") for word in ("--lock", f"{part}={tmp_path / 'tune.mid'}")]
    said = cadenza(
        "compose", "--model", tiny_model, "--bars", 1, "--rules", "four-part", *locks, "--out", tmp_path / "song.mid"
    )
    assert (said.code, said.out) == (15, "")
    assert (
        "locked Soprano, 2 notes; locked Bass, 2 notes; no parallel fifths or octaves: exclude each other" in said.err
    )
    assert [path.name for path in tmp_path.iterdir()] == ["tune.mid"]


# What it cost


def test_nats_are_those_of_the_softmax(runtime):
    draft = Task((48, 59)).write(runtime, 3)
    first = len(draft.ids) - len(draft.logits)
    assert first == draft.opening
    logits = fresh_logits(runtime, draft.ids, 2)[first - 1 : -1].astype(np.float64)
    np.testing.assert_allclose(draft.logits, logits, atol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = np.arange(len(shares))
    assert draft.nats == pytest.approx(-np.log(shares[rows, draft.ids[first:]]).sum(), rel=1e-5)
    np.testing.assert_allclose(draft.log_totals, np.log(np.exp(logits).sum(axis=1)), rtol=1e-5)


def test_chord_symbols_are_not_counted(tiny_model):
    """They are given: their surprise is not the piece's."""
    draft = generate.draw_piece(composer.Request(model=tiny_model, chords="C | G7 F", bars=4))
    chords = np.isin(VOCABULARY.kinds[draft.ids[draft.opening :]], CHORD_KINDS)
    assert chords.sum() == 2 * (2 + 2 + 2)
    logits = draft.logits[~chords].astype(np.float64)
    drawn = np.array(draft.ids[draft.opening :])[~chords]
    surprise = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(drawn)), drawn]
    assert draft.nats == pytest.approx(surprise.sum(), rel=1e-5)


# What the decoder is told


def whispered(runtime, places):
    """What is told of a seed: something else at every place."""
    units = len(runtime.told(np.zeros((1, TINY.context), np.float32))[0])

    def told(seed):
        return np.random.default_rng(seed).normal(0, 2, (places, units)).astype(np.float32)

    return told


@pytest.mark.parametrize("places", [1, 2 * PLACES])
@pytest.mark.parametrize("lower", [(48, 59), (48, 50)])
def test_after_going_back_it_is_told_what_it_was_told_before(runtime, lower, places):
    """As is a reader that never went anywhere else."""
    task = Task(lower).task(runtime)._replace(told=whispered(runtime, places))
    draft = decode.write(task, 1)
    assert bool(draft.redraws) == (lower == (48, 50))
    reader = Reader(runtime, task.bars, task.told(1))
    for token in draft.ids[:-1]:
        reader.take(token)
    np.testing.assert_array_equal(draft.top, reader.top[draft.opening - 1 :])
    np.testing.assert_array_equal(draft.told, task.told(1))
    assert not np.allclose(draft.top, tops(runtime, draft.ids, task.bars)[draft.opening - 1 : -1], atol=1e-3)


def test_a_reader_that_goes_back_and_on_again_is_told_the_same(runtime):
    told = whispered(runtime, 2 * PLACES)(0)
    ids = Task((48, 59)).write(runtime).ids
    straight, wandering = Reader(runtime, 2, told), Reader(runtime, 2, told)
    for token in ids[:-1]:
        straight.take(token)
    for count in (len(ids) - 1, len(ids) // 2, len(ids) - 5):
        for token in ids[len(wandering.walk.tokens) : -1]:
            wandering.take(token)
        np.testing.assert_array_equal(wandering.top, straight.top)
        wandering.rewind(count)
        np.testing.assert_array_equal(wandering.top, straight.top[:count])


def test_every_place_has_its_own_and_the_last_one_holds_on():
    told = np.arange(2 * PLACES)[:, None]
    assert told_now(told, State())[0] == 0
    state, seen = State(), []
    for token in Tokenizer().encode(
        Score.from_notes([(0, 240, 60), (480, 240, 62), (1920 + 700, 100, 64), (9000, 9, 65)])
    ):
        state.advance(int(token))
        if state.kind is Kind.PITCH:
            seen.append(int(told_now(told, state)[0]))
    assert seen == [0, 2, PLACES + 2, 2 * PLACES - 1]


# Looking ahead


def test_only_a_piece_that_has_met_a_dead_end_looks_ahead(runtime):
    """What is seen coming is asked for after the first step back, and never before."""

    class Watcher(Foresight):
        def __init__(self):
            self.asked = 0

        def foresee(self, state, mask):
            self.asked += 1

    for lower in ((48, 59), (48, 50)):
        task, watcher = Task(lower), Watcher()
        task.rules.append(watcher)
        draft = task.write(runtime)
        assert draft.ids == Task(lower).write(runtime).ids
        assert bool(watcher.asked) == bool(draft.redraws) == (lower == (48, 50))


def test_thirds_under_a_limit_of_polyphony_are_found_in_few_steps():
    """With three places for four voices and a tenor that moves in steps; blind, 2,000 steps back were not enough."""
    piece = composer.compose(
        key="C# phrygian", meter="2/4", bars=8, seed=106600, chords="C#sus4 B9", leaps="tenor=2", polyphony=3,
        scale="C# phrygian", rules="four-part",
    )  # fmt: skip
    assert piece.report.redraws < 200
    assert all(rule.kept == rule.asked for rule in piece.report.rules)


def test_thirds_that_must_begin_before_their_chord_are_found_in_few_steps():
    """No note may begin where the second chord of a bar does."""
    piece = composer.compose(
        key="F# phrygian", meter="3/4", bars=7, seed=804163, chords="D/A | N.C. | F#m/A A", onsets="1 2.5",
        ranges="alto=F#3:F#4,bass=B2:Bb3", rules="four-part",
    )  # fmt: skip
    assert piece.report.redraws < 100
