"""Settings of the tokenizer: what each keeps comes back, what it leaves out is counted, and none passes for another."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from token_strategies import FEWER, names, scores, walk

from theory.errors import TokenError
from theory.event import MeterEvent, TempoEvent
from theory.meter import Meter
from theory.score import DEFAULT_VELOCITY, Score, Track
from theory.tokens import VOCABULARY, Kind, State, Tokenizer
from theory.tokens.expression import left_out
from theory.tokens.grammar import grammar_of
from theory.tokens.settings import RESOLUTIONS, VELOCITIES
from theory.tokens.vocabulary import EXPRESSIVE
from theory.transform import resample

LOSSLESS = Tokenizer.lossless()
TOKENIZERS = [
    Tokenizer(), LOSSLESS, Tokenizer(resolution=12, velocities=8), Tokenizer(velocities=127),
    Tokenizer(microtiming=True),
    Tokenizer(resolution=3, velocities=1), Tokenizer(controls=False), Tokenizer(drums=False, velocities=2),
]  # fmt: skip
DOUBLED = Score.from_notes([(0, 480, 60, 70), (0, 960, 60, 71), (7, 90, 60, 72), (480, 5, 60, 73), (483, 2, 60, 127)])


@FEWER
@given(scores(), st.sampled_from(TOKENIZERS))
def test_any_score_comes_back_under_any_settings(score: Score, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(score)
    decoded = tokenizer.decode(ids)
    assert decoded == tokenizer.quantize(score)
    assert tokenizer.encode(decoded).tolist() == ids.tolist()
    assert ids.max() < tokenizer.vocabulary.size


@FEWER
@given(scores(), st.sampled_from(TOKENIZERS))
def test_the_grammar_accepts_what_any_score_becomes(score: Score, tokenizer: Tokenizer) -> None:
    for track in tokenizer.quantize(score).tracks:
        assume(len(np.unique(np.stack([track.onset, track.pitch]), axis=1).T) == len(track))  # none doubled at one tick
    state, grammar = State(), grammar_of(tokenizer)
    ids = tokenizer.encode(score).tolist()
    for index, token in enumerate(ids):
        assert grammar.mask(state)[token], f"refused: {names(ids[max(index - 6, 0) : index + 1])}"
        state.advance(token)


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=repr)
def test_whatever_is_sampled_comes_back(tokenizer: Tokenizer) -> None:
    kinds = set()
    for seed in range(12):
        ids = walk(seed, 300, tokenizer)
        kinds |= {Kind(kind) for kind in EXPRESSIVE.kinds[ids]}
        score = tokenizer.decode(ids)
        assert tokenizer.quantize(score) == score
        assert names(tokenizer.encode(score).tolist()) == names(ids)
    assert kinds | left_out(tokenizer) >= set(Kind) - {Kind.PAD}
    assert not kinds & left_out(tokenizer)


@FEWER
@given(scores())
def test_the_lossless_preset_keeps_every_note(score: Score) -> None:
    exact = resample(score, 480)
    for track, kept in zip(exact.tracks, LOSSLESS.decode(LOSSLESS.encode(score)).tracks, strict=True):
        assert list(kept) == [note._replace(voice=None, spelling=None) for note in track]
    told = LOSSLESS.changes(score)
    assert not any(cause.startswith("note") for cause in (*told.merged, *told.dropped))
    assert told.softer == 0


def test_doubled_and_overlapping_notes_survive_the_lossless_preset() -> None:
    assert list(LOSSLESS.decode(LOSSLESS.encode(DOUBLED)).tracks[0]) == list(DOUBLED.tracks[0])
    assert LOSSLESS.changes(DOUBLED)[1:] == (0.0, 0.0, 0, {}, {})


def test_what_the_grid_changes_is_counted_by_cause() -> None:
    # Steps 0 to 24 and 0 to 48 and 0 to 5 together: two of three go. Then 24 to 25 twice: one of two goes, and the long
    # one is cut at step 24.
    told = Tokenizer().changes(DOUBLED)
    assert told.merged == {"note cut by the next of its pitch": 1, "note with a longer one of its pitch": 3}
    assert told.notes == 5
    assert told.softer == 2
    # Farthest is the end of 480 to 485, which keeps a step of 20 ticks, at 120 quarters a minute.
    assert told.farthest == pytest.approx(15 * 500 / 480)


def test_what_is_left_out_is_counted_by_cause() -> None:
    drums = Track.from_notes([(0, 480, 36)], is_drum=True)
    melody = Track.from_notes([(0, 480, 60)], controls=[(0, 64, 127), (5000, 64, 0)])
    score = Score(
        (drums, melody),
        tempos=(TempoEvent(0, 500_000), TempoEvent(3, 400_000), TempoEvent(6000, 500_000)),
        meters=(MeterEvent(0, Meter(4, 4)), MeterEvent(240, Meter(3, 64))),
    )
    assert Tokenizer(drums=False).changes(score).dropped == {
        "control after the end": 1, "meter finer than the grid": 1, "note of drums": 1, "tempo after the end": 1,
    }  # fmt: skip
    assert Tokenizer(controls=False).changes(score).dropped["control"] == 2
    assert Tokenizer().changes(score).merged == {"tempo with the next on its step": 1}


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_notes_fall_on_the_resolution(resolution: int) -> None:
    score = Score.from_notes([(onset, 37, 60 + onset % 7) for onset in range(0, 4000, 53)])
    kept = Tokenizer(resolution=resolution).quantize(score).tracks[0]
    assert not (kept.onset % (480 // resolution)).any()
    assert not (kept.duration % (480 // resolution)).any()


@pytest.mark.parametrize("velocities", VELOCITIES)
def test_so_many_loudnesses_are_told_apart(velocities: int) -> None:
    every = np.arange(1, 128, dtype=np.uint8)
    kept = Tokenizer(velocities=velocities).loudness(every)
    assert len(np.unique(kept)) == (33 if velocities == 32 else velocities)
    assert (np.diff(kept.astype(int)) >= 0).all()
    assert velocities > 1 or set(kept.tolist()) == {DEFAULT_VELOCITY}


def test_none_passes_for_another() -> None:
    assert all(a.fingerprint != b.fingerprint for a, b in combinations(TOKENIZERS, 2))
    assert Tokenizer().fingerprint == VOCABULARY.fingerprint  # as in the models that ship


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resolution": 5}, "resolution 5: choose one of 24, 12"),
        ({"velocities": 0}, "velocities 0: choose one of 127, 32"),
        ({"resolution": 12, "microtiming": True}, "resolution 12: microtiming needs 24"),
    ],
)
def test_settings_that_do_not_exist_are_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(TokenError, match=message):
        Tokenizer(**settings)


def test_tokens_of_another_tokenizer_are_refused() -> None:
    ids = LOSSLESS.encode(DOUBLED)
    with pytest.raises(TokenError, match="is not in the vocabulary of 1176"):
        Tokenizer().decode(ids)


def test_a_note_that_ends_before_it_begins_is_refused() -> None:
    ids = LOSSLESS.encode(Score.from_notes([(0, 10, 60)]))  # a step that ends 10 ticks early
    early = np.flatnonzero(ids == EXPRESSIVE.id(Kind.END_OFFSET, -10))
    ids[early] = EXPRESSIVE.id(Kind.END_OFFSET, -20)
    with pytest.raises(TokenError, match=f"token {early[0] - 1}: the note ends before it begins"):
        LOSSLESS.decode(ids)
