"""Excerpts for models with a latent: whole bars, equally many in a batch, the same for a seed and an epoch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tiny_models import scales, tune

from composer import batches, excerpts
from composer.bar_notes import FORM, PLACES, bar_notes, place_of
from composer.style import CHORALE, FOLK
from data.dataset import Entry
from theory.errors import TrainingError
from theory.tokens import EXPRESSIVE, Kind, State, Tokenizer
from theory.tokens.features import COLUMNS
from theory.tokens.vocabulary import CHORD_KINDS
from theory.transform import excerpt

TOKENS, PLAN, HEARD, PLACE, FORMS, NOTES, COUNTS = range(7)  # of a batch's inputs


def prepared(scores, style=FOLK, tokenizer=None):
    return batches.prepare((Entry(f"{n:03}", "train", score) for n, score in enumerate(scores)), style, tokenizer)


@pytest.fixture(scope="module")
def pieces():
    """Of 2 to 20 bars, every other one with an upbeat."""
    return prepared(tune(n, bars=2 + n, meter="6/8", upbeat="1/8" if n % 2 else None) for n in range(19))


def drawn(pieces, lengths=excerpts.LENGTHS, batch_size=32, seed=1, number=0, at=0.9):
    return list(excerpts.epoch(pieces, lengths, batch_size, seed, number, at))


def bars_of(batch):
    return batch.inputs[COUNTS].shape[1]


def rows_of(found):
    """Tokens and notes of every excerpt, in order."""
    return [
        (batch.inputs[TOKENS][row].tobytes(), batch.inputs[NOTES][row].tobytes(), batch.weights[row].tobytes())
        for batch in found
        for row in range(len(batch.targets))
    ]


# One


def test_an_example_says_where_each_token_is_read():
    """As the decoder that composes will be told."""
    piece = FOLK.undress(tune(2, bars=3, upbeat="1/8"))
    ids = Tokenizer().encode(piece)
    found = excerpts.example(piece, Tokenizer())
    assert len(found.place) == len(found.sequence.tokens) == len(ids) - 1
    state = State()
    for token, place in zip(ids.tolist(), found.place.tolist(), strict=False):
        state.advance(token)
        assert place == place_of(state.bar, state.position)
    assert found.place[0] == 0
    assert found.place.max() // PLACES == 3
    np.testing.assert_array_equal(found.notes.rows, bar_notes(piece).rows)


def test_padding_is_read_by_nobody():
    examples = [excerpts.example(FOLK.undress(tune(seed, bars=2)), Tokenizer()) for seed in range(3)]
    batch = excerpts.padded(examples)
    assert [values.dtype for values in batch.inputs] == [np.int32, np.int32, np.float32, *[np.int32] * 4]
    assert batch.inputs[NOTES].shape[2] % 8 == 0
    for row, each in enumerate(examples):
        n, most = len(each.place), each.notes.rows.shape[1]
        np.testing.assert_array_equal(batch.inputs[PLACE][row, :n], each.place)
        np.testing.assert_array_equal(batch.inputs[NOTES][row, :, :most], each.notes.rows)
        np.testing.assert_array_equal(batch.inputs[COUNTS][row], each.notes.counts)
        np.testing.assert_array_equal(batch.inputs[FORMS][row], each.form)
        assert not batch.inputs[PLACE][row, n:].any()
        assert not batch.inputs[NOTES][row, :, most:].any()
        assert not batch.weights[row, n:].any()


# An epoch


def test_form_is_that_of_the_excerpt_and_not_of_its_piece(pieces):
    """As if it were a piece by itself: what the decoder reads beside its tokens says the same of it."""
    columns = [list(COLUMNS).index(name) for name in FORM]
    upbeats = 0
    for batch in (batch for number in range(3) for batch in drawn(pieces, number=number)):
        bars = bars_of(batch)
        for row, form in enumerate(batch.inputs[FORMS]):
            assert form.shape == (bars, len(FORM))
            last = batch.inputs[PLACE][row].argmax()
            np.testing.assert_array_equal(form[-1], batch.inputs[PLAN][row, last, columns])
            assert form[:, 0].tolist() == list(range(bars, 0, -1))
            upbeats += bool((form[0, 1:] != form[-1, 1:]).any())
    assert upbeats


def test_a_batch_has_equally_many_whole_bars(pieces):
    seen = Counter()
    for number in range(4):
        for batch in drawn(pieces, number=number):
            bars = bars_of(batch)
            seen[bars] += len(batch.targets)
            assert (batch.inputs[PLACE].max(axis=1) // PLACES == bars - 1).all()
            begun = (EXPRESSIVE.kinds[batch.inputs[TOKENS]] == Kind.BAR).sum(axis=1)
            assert (begun == bars).all()
    whole = {2, 4, 8, 16}
    assert whole <= set(seen) <= whole | {bars + 1 for bars in whole}  # an upbeat is a bar more
    assert sum(seen[bars] for bars in whole) > 4 * sum(seen[bars + 1] for bars in whole) > 0


def test_excerpts_are_bars_of_their_piece(pieces):
    known = {
        bar_notes(excerpt(piece.score, first, first + bars)).rows[:, 0].tobytes()
        for piece in pieces
        for bars in (2, 3)
        for first in range(piece.score.bars - bars + 1)
    }
    for batch in drawn(pieces, lengths=(2,)):
        for notes in batch.inputs[NOTES]:
            assert np.ascontiguousarray(notes[:, 0]).tobytes() in known


def test_what_is_validated_are_the_first_whole_bars(pieces):
    found = excerpts.evaluation(pieces, 4, 32)
    counts = sorted(row for batch in found for row in batch.inputs[COUNTS].tolist())
    firsts = [(piece.score, int(piece.score.pickup)) for piece in pieces if piece.score.bars - piece.score.pickup >= 4]
    assert counts == sorted(bar_notes(excerpt(score, first, first + 4)).counts.tolist() for score, first in firsts)
    assert all(bars_of(batch) == 4 for batch in found)


def test_a_seed_and_an_epoch_decide(pieces):
    assert rows_of(drawn(pieces)) == rows_of(drawn(pieces))
    assert rows_of(drawn(pieces)) != rows_of(drawn(pieces, seed=2))
    assert rows_of(drawn(pieces)) != rows_of(drawn(pieces, number=1))
    once = excerpts.epoch(pieces, (2, 4), 32, 1, 0, 0.9)
    assert rows_of(once) == rows_of(once)
    assert len(list(once)) == len(once)


@pytest.mark.parametrize(("at", "most"), [(0.0, 4), (0.24, 4), (0.3, 8), (0.39, 8), (0.4, 16), (1.0, 16)])
def test_short_ones_come_first(pieces, at, most):
    seen = {bars_of(batch) for number in range(3) for batch in drawn(pieces, number=number, at=at)}
    assert most <= max(seen) <= most + 1


def test_where_all_are_long_there_is_no_shorter_one(pieces):
    assert {bars_of(batch) for batch in drawn(pieces, lengths=(16,), at=0.0)} <= {16, 17}


def test_a_piece_gives_as_many_bars_whatever_their_length():
    (piece,) = prepared([tune(0, bars=16)])
    for bars in excerpts.LENGTHS:
        found = sum(len(batch.targets) * bars_of(batch) for batch in drawn([piece] * 5, lengths=(bars, 16)))
        assert found == 5 * 16


def test_chords_are_stated_now_and_then(pieces):
    def stated(found):
        return [np.isin(EXPRESSIVE.kinds[batch.inputs[TOKENS]], CHORD_KINDS).any(axis=1) for batch in found]

    some = np.concatenate(stated(drawn(pieces, lengths=(2,))))
    assert 0.02 < some.mean() < 0.5
    assert not np.concatenate(stated(excerpts.evaluation(pieces, 2, 32))).any()


# Sizes of batches


def test_shorter_excerpts_come_in_larger_batches(pieces):
    many = pieces * 6
    most = {bars: max(len(batch.targets) for batch in drawn(many, lengths=(bars,))) for bars in excerpts.LENGTHS}
    assert most == {2: 96, 4: 64, 8: 32, 16: 20}
    assert max(len(batch.targets) for batch in drawn(many, lengths=(8,), batch_size=4)) == 4
    assert max(len(batch.targets) for batch in excerpts.evaluation(many, 8, 4)) == 16


def test_full_scores_come_in_smaller_batches():
    choir = prepared((scales(seed, bars=16) for seed in range(24)), CHORALE)
    found = drawn(choir, lengths=(16,))
    assert sum(len(batch.targets) for batch in found) == 24
    assert max(batch.notes for batch in found) <= 4096
    assert max(len(batch.targets) for batch in found) == 4096 // 256


def test_lengths_of_ones_own(pieces):
    for lengths in ((1,), (3, 5)):
        seen = {bars_of(batch) for number in range(3) for batch in drawn(pieces, lengths=lengths, number=number)}
        assert set(lengths) <= seen <= {*lengths, *(bars + 1 for bars in lengths)}
        assert excerpts.evaluation(pieces, max(lengths), 32)


# What cannot be


def test_pieces_that_are_too_short(pieces):
    with pytest.raises(TrainingError, match="no piece to train on has notes in 32 whole bars"):
        drawn(pieces, lengths=(32,))
    with pytest.raises(TrainingError, match="no piece to validate on has 32 whole bars"):
        excerpts.evaluation(pieces, 32, 32)


def test_bars_without_notes_are_left_out():
    """Only the first two bars of sixteen sound."""
    quiet = tune(0, bars=2).replace(end=16 * 1440)
    (piece,) = prepared([quiet])
    found = [batch for number in range(40) for batch in drawn_or_nothing(piece, number)]
    assert found
    assert all(batch.inputs[COUNTS].sum(axis=1).all() for batch in found)


def drawn_or_nothing(piece, number):
    try:
        return drawn([piece], lengths=(2,), number=number)
    except TrainingError:
        return []


def test_whole_bars_of_scores():
    scores = [tune(0, bars=3), tune(1, bars=5), tune(2, bars=4, upbeat="1/8")]
    found = list(excerpts.whole_bars(scores, 4))
    assert [score.bars for score in found] == [4, 4]
    np.testing.assert_array_equal(found[1].tracks[0].pitch, scores[2].tracks[0].pitch[1:])


def test_tokens_of_a_data_set(pieces):
    """Pieces of a coarser tokenizer are read by it."""
    coarse = Tokenizer(resolution=2)
    some = prepared([tune(n, bars=4) for n in range(3)], tokenizer=coarse)
    (batch,) = excerpts.evaluation(some, 4, 32)
    for row, piece in zip(batch.inputs[NOTES], some, strict=True):
        assert (row[:, :, 0] % 12 == 0).all()
        assert piece.tokenizer == coarse
