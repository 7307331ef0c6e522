"""The judge of the analyses must itself be right: truth stands over the notes it speaks of, and scores add up."""

from itertools import islice, pairwise

import mir_eval
import numpy as np
import pytest

from benchmarks import analysis_sets
from benchmarks.analysis import Tally, add_chords, add_regions, main_key, overlaps
from benchmarks.analysis_sets import CORPORA, Case, case_of, label_of
from theory.chord import Chord
from theory.key import Key
from theory.score import Score

C, G = Key.parse("C"), Key.parse("G")


def in_chord(case: Case) -> float:
    """Share of the sounding time that belongs to the chord written over it."""
    belongs, sounding = 0, 0
    for start, end, label in case.chords:
        root, steps, _ = mir_eval.chord.encode(label)
        if root < 0:
            continue
        for track in case.score.tracks:
            shared = np.minimum(track.onset + track.duration, end) - np.maximum(track.onset, start)
            heard = shared > 0
            sounding += shared[heard].sum()
            belongs += shared[heard & (np.roll(steps, root)[track.pitch % 12] > 0)].sum()
    return float(belongs / sounding)


def check(case: Case, share: float) -> None:
    assert not any((case.score.keys, case.score.chords, case.score.markers))
    assert all(track.spelling is None for track in case.score.tracks)
    assert in_chord(case) > share, case.id
    for spans in (case.keys, case.chords):
        assert all(start < end for start, end, _ in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_bach_is_aligned() -> None:
    cases = {case.id: case for case in analysis_sets.bach()}
    assert len(cases) == 18
    for case in cases.values():
        check(case, 0.88)
    assert str(main_key(cases["bwv269"])) == "G major"
    assert str(cases["bwv184.5"].keys[0][2]) == "D major"  # the analysis says G, the file is in D


def test_monteverdi_is_aligned() -> None:
    for case in islice(analysis_sets.monteverdi(), 3):  # the second has bars of rest written twice
        check(case, 0.84)


@pytest.mark.skipif(not (CORPORA / "nottingham").is_dir(), reason="the Nottingham tunes are not beside the repository")
def test_nottingham_is_aligned() -> None:
    for case in islice(analysis_sets.nottingham(), 3):
        check(case, 0.7)


@pytest.mark.skipif(not (CORPORA / "pop909").is_dir(), reason="POP909 is not beside the repository")
def test_pop909_is_aligned() -> None:
    for case in islice(analysis_sets.pop909(), 3):
        check(case, 0.7)


@pytest.mark.parametrize(
    ("symbol", "label"),
    [("C", "C:maj"), ("F#m7b5", "F#:hdim7"), ("Bb7/D", "Bb:7/3"), ("G7sus4", "G:sus4(b7)"), ("D9", "D:7")],
)
def test_labels_are_those_of_mir_eval(symbol: str, label: str) -> None:
    assert label_of(Chord.parse(symbol)) == label
    mir_eval.chord.validate_chord_label(label)


def test_overlaps_cover_the_truth_and_nothing_else() -> None:
    truth, found = [(0, 10, "a"), (20, 30, "b")], [(5, 25, "c")]
    assert list(overlaps(truth, found)) == [(5, "a", None), (5, "a", "c"), (5, "b", "c"), (5, "b", None)]


def test_scores_are_weighted_by_duration() -> None:
    case = case_of("x", Score.from_notes([(0, 1920, 60)]), [(0, 1920, C)], [(0, 1440, "C:maj"), (1440, 1920, "N")])
    tally = Tally()
    add_chords(tally, case, [(0, 960, "C:7"), (960, 1920, "C:min")])
    add_regions(tally, case, [(0, 960, C), (960, 1920, G)])
    assert tally.mean("root") == pytest.approx(3 / 4)
    assert tally.mean("majmin") == pytest.approx(2 / 4)
    assert tally.mean("key now") == pytest.approx((1 + 0.5) / 2)
