"""Training batches: a pure function of seed and epoch, aligned, and scored only where the model has to guess."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import scales

from composer import batches, keyview
from composer.style import CHORALE
from data.augment import rebarred
from data.dataset import Entry
from theory.chord import Chord
from theory.event import ChordEvent, KeyEvent
from theory.key import Key
from theory.score import Score, Track
from theory.tokens import VOCABULARY, Kind, Tokenizer
from theory.tokens.features import features
from theory.transform import transpose


def entries(count: int) -> list[Entry]:
    keys = ("C major", "A minor", "G major", "Eb major")
    return [Entry(f"piece {n}", "train", scales(n, bars=1 + n % 5, key=keys[n % 4])) for n in range(count)]


@pytest.fixture(scope="module")
def pieces():
    return batches.prepare(entries(9), CHORALE)


def content(epoch):
    return [(*batch.inputs, batch.targets, batch.weights, batch.notes) for batch in epoch]


def same(first, second):
    first, second = content(first), content(second)
    return len(first) == len(second) and all(
        np.array_equal(a, b) for one, other in zip(first, second, strict=True) for a, b in zip(one, other, strict=True)
    )


def test_pieces_of_other_ensembles_are_left_out():
    good = scales(0)
    others = {
        "three": good.replace(tracks=good.tracks[:3]),
        "five": good.replace(tracks=(*good.tracks, Track.empty())),
        "silent": Score((Track.empty(),) * 4),
        "too wide": good.replace(tracks=(Track.from_notes([(0, 480, 20), (480, 480, 110)]), *good.tracks[1:])),
    }
    given = [Entry(name, "train", score) for name, score in others.items()]
    kept = batches.prepare([*given, Entry("unread", "train", None, "why"), Entry("good", "train", good)], CHORALE)
    assert [piece.id for piece in kept] == ["good"]


def test_the_order_in_which_pieces_come_does_not_matter(pieces):
    again = batches.prepare(reversed(entries(9)), CHORALE)
    assert [(piece.id, piece.ids.tolist()) for piece in again] == [(piece.id, piece.ids.tolist()) for piece in pieces]


def test_transpositions_stay_in_the_voices_ranges(pieces):
    for piece in pieces:
        assert 0 in piece.shifts
        assert len(piece.shifts) > 3
        for shift in piece.shifts:
            assert CHORALE.fits(transpose(piece.score, shift).tracks)
        left_out = set(range(-5, 7)) - set(piece.shifts)
        assert not any(CHORALE.fits(transpose(piece.score, shift).tracks) for shift in left_out)


def test_an_epoch_is_a_function_of_seed_and_number(pieces):
    def make(seed, number):
        return batches.epoch(pieces, 4, 512, seed, number)

    assert same(make(1, 2), make(1, 2))
    assert not same(make(1, 2), make(1, 3))
    assert not same(make(1, 2), make(2, 2))


def test_every_epoch_has_every_note_once(pieces):
    notes = sum(piece.score.notes for piece in pieces)
    for number in range(3):
        epoch = list(batches.epoch(pieces, 4, 128, 0, number))
        assert sum(batch.notes for batch in epoch) == notes
        pitches = [VOCABULARY.kinds[batch.targets][batch.weights > 0] for batch in epoch]
        assert (np.concatenate(pitches) == Kind.PITCH).sum() == notes


@pytest.mark.parametrize("window", [64, 100, 512])
def test_targets_are_the_next_tokens(pieces, window):
    for batch in batches.epoch(pieces, 3, window, 7, 0):
        tokens, plan, heard = batch.inputs
        assert tokens.shape == batch.targets.shape == batch.weights.shape == plan.shape[:2] == heard.shape[:2]
        assert tokens.shape[1] % batches.PAD_TO == 0
        for row in range(len(tokens)):
            length = int(np.flatnonzero(tokens[row])[-1]) + 1
            assert (tokens[row, 1:length] == batch.targets[row, : length - 1]).all()
            assert (tokens[row, length:] == 0).all()
            assert batch.targets[row, length - 1] != 0


@pytest.mark.parametrize("window", [64, 128])
def test_only_the_ends_of_pieces_are_padded(pieces, window):
    for number in range(3):
        epoch = batches.epoch(pieces, 3, window, 7, number)
        lengths = [int(np.flatnonzero(row)[-1]) + 1 for batch in epoch for row in batch.inputs[0]]
        assert max(lengths) <= window
        assert sum(length % batches.PAD_TO > 0 for length in lengths) <= len(pieces) < len(lengths)


def test_padding_is_never_scored(pieces):
    for batch in (*batches.epoch(pieces, 3, 100, 7, 0), *batches.evaluation(pieces, 3)):
        assert (batch.weights[batch.targets == 0] == 0).all()
        assert set(np.unique(batch.weights)) <= {0, 1}
        assert batch.weights.sum() > 0


def test_what_a_request_states_is_read_but_never_scored(pieces):
    given = [Kind.START, Kind.TRACK, Kind.PROGRAM, Kind.NUMERATOR, Kind.DENOMINATOR, Kind.SIGNATURE, Kind.MODE]
    given += [Kind.TEMPO_HIGH, Kind.TEMPO_LOW]
    for piece in pieces:
        sequence = batches.sequence(piece.score)
        kinds = VOCABULARY.kinds[sequence.targets]
        first = int(np.flatnonzero(kinds == Kind.TEMPO_LOW)[0])
        assert not sequence.scored[: first + 1].any()
        assert sequence.scored[first + 1 :].all()
        assert not np.isin(kinds[sequence.scored], [kind for kind in given if kind != Kind.TRACK]).any()
        assert sequence.notes == piece.score.notes == (kinds == Kind.PITCH).sum()


def test_a_sequence_is_the_piece_in_the_key_view():
    score = CHORALE.dress(scales(3, key="Eb major"))
    sequence = batches.sequence(score)
    ids = Tokenizer().encode(score)
    known = keyview.token_map(-3)
    assert np.array_equal(known[ids[:-1]], sequence.tokens)
    assert np.array_equal(known[ids[1:]], sequence.targets)
    assert sequence.heard.sum() == features(ids).heard[:-1].sum()
    in_c = batches.sequence(CHORALE.dress(transpose(scales(3, key="Eb major"), -3)))
    pitches = VOCABULARY.kinds[sequence.targets] == Kind.PITCH
    assert np.array_equal(in_c.targets[pitches], sequence.targets[pitches])


def test_tempi_differ_from_piece_to_piece_and_say_the_same_in_tokens_and_targets(pieces):
    found = set()
    for number in range(4):
        for batch in batches.epoch(pieces, 1, 4096, 0, number):  # whole pieces
            tokens = batch.inputs[0][0]
            high = int(np.flatnonzero(VOCABULARY.kinds[tokens] == Kind.TEMPO_HIGH)[0])
            found.add(int(VOCABULARY.values[tokens[high : high + 2]].sum()))
            assert np.array_equal(tokens[high : high + 2], batch.targets[0, high - 1 : high + 1])
    assert len(found) > 10
    assert 40 <= min(found) < max(found) <= 160


def test_what_is_forgotten_is_made_again(pieces, monkeypatch):
    """Windows of one form are in several batches; a small cache costs time and nothing else."""
    for number in range(2):
        whole = content(batches.epoch(pieces, 4, 128, 5, number))
        monkeypatch.setattr(batches, "_CACHED", 1)
        epoch = batches.epoch(pieces, 4, 128, 5, number)
        assert len(epoch) == len(whole)
        for one, other in zip(whole, content(epoch), strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        assert len(epoch._known) == 1
        monkeypatch.undo()


def test_chords_that_are_stated_are_not_heard_again():
    (entry,) = entries(1)
    chords = (ChordEvent(0, Chord.parse("F#m7b5")), ChordEvent(960, None))
    (piece,) = batches.prepare([entry._replace(chords=chords)], CHORALE)
    assert piece.chords == chords
    (heard,) = batches.prepare([entry], CHORALE)
    assert heard.chords
    assert heard.chords != chords


def test_the_end_inside_a_bar_is_kept():
    """A piece of a bar and a half has three bars of half the length, not four."""
    score = scales(0, bars=2)
    short = score.replace(tracks=tuple(track.replace(**first(track, 6)) for track in score.tracks), end=6 * 480)
    (piece,) = batches.prepare([Entry("short", "train", short)], CHORALE)
    assert piece.score.end == short.end
    assert rebarred(piece.score).bars == 3


def first(track, count):
    return {name: getattr(track, name)[:count] for name in ("onset", "duration", "pitch", "velocity")}


def test_evaluation_is_every_piece_whole_in_its_own_key(pieces):
    """Each once without and once with its chords."""
    found = list(batches.evaluation(pieces, 2))
    assert sum(batch.notes for batch in found) == 2 * sum(piece.score.notes for piece in pieces)
    lengths = sorted(int((batch.targets[row] > 0).sum()) for batch in found for row in range(len(batch.targets)))
    heard = [piece.score.replace(chords=chords) for piece in pieces for chords in ((), piece.chords)]
    assert lengths == sorted(len(Tokenizer().encode(score)) - 1 for score in heard)
    assert same(batches.evaluation(pieces, 2), batches.evaluation(pieces, 2))


@pytest.mark.parametrize("signature", range(-7, 8))
def test_the_key_view_is_a_permutation_that_moves_pitches_to_the_empty_signature(signature):
    known = keyview.token_map(signature)
    assert sorted(known.tolist()) == list(range(VOCABULARY.size))
    key = Key.from_signature(signature)
    moved = known[[VOCABULARY.id(Kind.PITCH, 60 + pitch_class) for pitch_class in key.pitch_classes]]
    assert {int(value) % 12 for value in VOCABULARY.values[moved]} == {0, 2, 4, 5, 7, 9, 11}
    assert keyview.first_signature(Score(keys=(KeyEvent(0, key),))) == signature
    assert keyview.first_signature(Score(keys=(KeyEvent(480, key),), end=960)) == 0
