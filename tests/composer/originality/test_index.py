"""The index: a quotation is named and placed, exact or transposed; it is kept in a file."""

from __future__ import annotations

import numpy as np
import pytest
from melodies import RHYTHM, TUNE, melody, noise, score

from composer import originality
from composer.originality import index_of, runs_of
from theory.errors import ModelError
from theory.score import Track


@pytest.fixture(scope="module")
def learnt():
    """Three pieces; the second has the tune from its bar 3 on, in its lower part."""
    lower = noise(5, name="Bass")
    lower = Track.from_notes([*melody(start=4 * 960), *(note._replace(onset=note.onset + 20000) for note in lower)])
    second = score(noise(2, name="Soprano"), lower.replace(name="Bass"), title="The Tune")
    return index_of([("first", score(noise(1))), ("book/second", second), ("third", score(noise(3), noise(4)))])


def test_a_quotation_is_named_and_placed_in_both(learnt):
    quoting = score(noise(7), melody(TUNE[:9], RHYTHM[:9], start=1920, name="Alto"))
    run = learnt.shared(quoting).exact
    assert (run.notes, run.piece, run.title) == (9, "book/second", "The Tune")
    assert (run.here, run.there) == (("Alto", 2, 3), ("Bass", 3, 4))
    assert str(run) == '9 notes (alto, bars 2 to 3) with book/second "The Tune" (bass, bars 3 to 4)'


def test_a_title_that_says_no_more_than_the_id_is_left_out():
    index = index_of([("bach/bwv66.6", score(melody(), title="BWV 66.6"))])
    assert str(index.shared(score(melody(TUNE[:2], (480, 480)))).exact) == (
        "2 notes (part 1, bar 1) with bach/bwv66.6 (part 1, bar 1)"
    )


def test_transposed_is_found_and_told_from_exact(learnt):
    exact, transposed = learnt.shared(score(melody([pitch + 5 for pitch in TUNE])))
    assert transposed.notes == 15
    assert transposed.piece == "book/second"
    assert exact is None or exact.notes < 6


def test_another_rhythm_or_a_changed_note_ends_a_run(learnt):
    dotted = list(RHYTHM)
    dotted[7] = 360
    assert learnt.shared(score(melody(TUNE, dotted))).notes == (8, 8)
    altered = list(TUNE)
    altered[4] += 1
    assert learnt.shared(score(melody(altered))).notes == (10, 10)


def test_a_run_does_not_go_on_from_one_part_or_piece_to_the_next():
    index = index_of([("a", score(melody(TUNE[:8], RHYTHM[:8]))), ("b", score(melody(TUNE[8:], RHYTHM[8:])))])
    assert index.shared(score(melody())).notes == (8, 8)
    together = index_of([("a", score(melody()))])
    apart = score(melody(TUNE[:8], RHYTHM[:8]), melody(TUNE[8:], RHYTHM[8:]))
    assert together.shared(apart).notes == (8, 8)


def test_what_has_no_two_notes_in_a_row_shares_nothing(learnt):
    nothing = [score(), score(Track.from_notes([(0, 480, 60)])), score(Track.from_notes([(0, 9, 60), (0, 9, 64)]))]
    for one in nothing:
        assert learnt.shared(one) == (None, None)
    for pieces in ([], [("empty", score())]):
        assert index_of(pieces).shared(score(melody())) == (None, None)
    assert learnt.shared(score(melody((1, 127), (480, 481)))).notes == (0, 0)


def test_many_pieces_are_summed_up(learnt):
    runs = runs_of(learnt, [score(melody()), score(noise(1)), score()])
    assert runs.exact.tolist() == [15, 60, 0]
    assert runs.notes.tolist() == [15, 60, 0]
    assert runs.share_above(15) == pytest.approx(1 / 3)
    assert runs.summary()["transposed"] == {"mean": 25.0, "50 %": 15, "75 %": 60, "90 %": 60, "95 %": 60, "100 %": 60}
    assert runs_of(learnt, []).summary()["exact"]["mean"] is None


def test_it_is_written_and_read_back(learnt, tmp_path):
    path = tmp_path / "deep" / "index.safetensors"
    originality.save(learnt, path)
    again = originality.load(path)
    for one in (score(melody(name="Tune")), score(noise(3)), score(noise(8))):
        assert again.shared(one) == learnt.shared(one)
    originality.save(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    originality.save(index_of([]), path)
    assert originality.load(path).shared(score(melody())) == (None, None)


def test_damage_is_one_line(learnt, tmp_path):
    from composer import checkpoint

    path = tmp_path / "index.safetensors"
    originality.save(learnt, path)
    blob = path.read_bytes()
    arrays, meta = checkpoint.load(path)
    changes = [
        ({}, {"originality": 99}), ({}, {"pieces": [["only", ""]]}), ({}, {"pieces": 3}), ({}, {"parts": []}),
        ({"start": arrays["start"] + 1}, {}), ({"wait": arrays["wait"][:-1]}, {}), ({"part": arrays["part"][1:]}, {}),
        ({"pitch": arrays["pitch"].astype(np.int64)}, {}), ({"piece": arrays["piece"] - 1}, {}),
    ]  # fmt: skip
    for columns, said in changes:
        checkpoint.save(path, {**arrays, **columns}, {**meta, **said})
        with pytest.raises(ModelError, match="no index of training pieces"):
            originality.load(path)
    for content in (blob[:-5], b"", b"{}"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"index\.safetensors"):
            originality.load(path)
    with pytest.raises(ModelError):
        originality.load(tmp_path / "none.safetensors")
