import itertools

import numpy as np
import pretty_midi
import pytest
from pieces import NAMES, published_score
from published import DRUM_TRACK, Row, pieces

from composer.metrics import NINE, quantized
from composer.metrics.mgeval import LENGTHS

PITCHED = [name for name in NAMES if name != "drums"]


def ours(feature: str, name: str) -> np.ndarray:
    return NINE[feature](quantized(published_score(name)))


def rows_of(name: str) -> list[Row]:
    return [row for row in pieces()[name][1] if row.track != DRUM_TRACK]


def tracks_of(name: str) -> list[list[Row]]:
    rows = sorted(rows_of(name), key=lambda row: (row.track, row.onset, row.pitch))
    return [list(track) for _, track in itertools.groupby(rows, key=lambda row: row.track)]


@pytest.fixture(scope="module", params=PITCHED)
def midi(request: pytest.FixtureRequest) -> tuple[str, pretty_midi.PrettyMIDI]:
    """A piece at 120 quarters a minute with one velocity: there the toolkit reads the same as we do."""
    name = request.param
    found = pretty_midi.PrettyMIDI(initial_tempo=120)
    for track in tracks_of(name):
        part = pretty_midi.Instrument(0)
        part.notes = [pretty_midi.Note(1, row.pitch, row.onset / 48, row.end / 48) for row in track]
        found.instruments.append(part)
    return name, found


def test_pitches_and_transitions_are_those_of_the_calls_the_toolkit_makes(midi) -> None:
    name, found = midi
    used = found.get_piano_roll(fs=48).sum(axis=1)  # a frame a step
    assert ours("pitch_count", name) == [np.count_nonzero(used)]
    assert ours("pitch_range", name) == [np.ptp(np.flatnonzero(used))]
    classes = np.bincount(np.arange(128) % 12, weights=used)
    np.testing.assert_allclose(ours("pitch_class_histogram", name), classes / classes.sum(), atol=1e-12)
    transitions = found.get_pitch_class_transition_matrix()
    np.testing.assert_array_equal(ours("pitch_class_transition_matrix", name), transitions.ravel())
    between = np.diff(found.get_onsets()).mean() * 2  # seconds to quarters
    assert ours("average_inter_onset", name) == pytest.approx(between)


@pytest.mark.parametrize("name", PITCHED)
def test_counts_intervals_and_lengths_are_those_of_a_plain_loop(name: str) -> None:
    moves, lengths, changes = [], np.zeros(12), np.zeros((12, 12))
    for track in tracks_of(name):
        kinds = [min(range(12), key=lambda kind: abs(LENGTHS[kind] - (row.end - row.onset))) for row in track]
        moves += [abs(after.pitch - before.pitch) for before, after in itertools.pairwise(track)]
        for kind in kinds:
            lengths[kind] += 1
        for pair in itertools.pairwise(kinds):
            changes[pair] += 1
    assert ours("note_count", name) == [len(rows_of(name))]
    assert ours("average_interval", name) == pytest.approx(np.mean(moves))
    np.testing.assert_allclose(ours("note_length_histogram", name), lengths / lengths.sum())
    np.testing.assert_array_equal(ours("note_length_transition_matrix", name), changes.ravel())


@pytest.mark.parametrize("feature", NINE)
def test_a_piece_without_pitches_is_zero_everywhere(feature: str) -> None:
    assert not ours(feature, "drums").any()


def test_lengths_are_named_by_the_whole_note_in_any_meter() -> None:
    quarters = published_score("waltz")
    only = quarters.replace(
        tracks=[track.replace(duration=np.full_like(track.onset, 480)) for track in quarters.tracks]
    )
    histogram = NINE["note_length_histogram"](quantized(only))
    assert LENGTHS[int(histogram.argmax())] == 24
    assert histogram.max() == 1
