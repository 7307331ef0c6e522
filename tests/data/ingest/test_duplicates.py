"""Near-duplicates: found in every disguise, and only they."""

from __future__ import annotations

import numpy as np
import pytest
from music import tune

from data.ingest.duplicates import groups_of
from data.ingest.sketch import content_hash, sketch
from theory.score import Score, Track

PIECES = 60


def moved(score: Score, semitones: int) -> Score:
    return score.replace(tracks=[track.replace(pitch=track.pitch.astype(int) + semitones) for track in score.tracks])


def stretched(score: Score, factor: float) -> Score:
    tracks = [
        track.replace(
            onset=np.rint(track.onset * factor).astype(int), duration=np.rint(track.duration * factor).astype(int)
        )
        for track in score.tracks
    ]
    return Score(tuple(tracks))


def mistaken(score: Score, share: float, seed: int = 0) -> Score:
    dice = np.random.default_rng(seed)
    wrong = [dice.random(len(track)) < share for track in score.tracks]
    return score.replace(
        tracks=[track.replace(pitch=track.pitch + here) for track, here in zip(score.tracks, wrong, strict=True)]
    )


def cut(score: Score, start: float, stop: float) -> Score:
    kept = [(track.onset >= start * score.end) & (track.onset < stop * score.end) for track in score.tracks]
    return Score(
        tuple(
            Track(track.onset[here], track.duration[here], track.pitch[here], track.velocity[here])
            for track, here in zip(score.tracks, kept, strict=True)
        )
    )


def humanised(score: Score, seed: int = 0) -> Score:
    dice = np.random.default_rng(seed)
    tracks = [
        track.replace(onset=np.maximum(0, track.onset + np.rint(dice.normal(0, 6, len(track))).astype(int)))
        for track in score.tracks
    ]
    return Score(tuple(tracks))


DISGUISES = {
    "transposed": lambda score: moved(score, 5),
    "twice as long": lambda score: stretched(score, 2),
    "half as long": lambda score: stretched(score, 0.5),
    "another tempo, written out": lambda score: stretched(score, 1.37),
    "a few wrong notes": lambda score: mistaken(score, 0.05),
    "all of these": lambda score: mistaken(stretched(moved(score, -4), 1.5), 0.03),
    "half of it": lambda score: cut(score, 0.25, 0.75),
    "as played": humanised,
    "without its bass": lambda score: score.replace(tracks=score.tracks[:1]),
}


@pytest.fixture(scope="module")
def tunes():
    return [tune(seed) for seed in range(PIECES)]


@pytest.mark.parametrize("way", DISGUISES)
def test_a_piece_in_disguise_is_found(tunes, way):
    disguised = [DISGUISES[way](score) for score in tunes]
    groups = groups_of([sketch(score) for score in [*tunes, *disguised]])
    assert np.mean(groups[PIECES:] == np.arange(PIECES)) >= 0.95
    assert np.isin(groups, np.arange(PIECES)).all() or way in ("half of it", "without its bass")


def test_different_pieces_stay_apart(tunes):
    assert groups_of([sketch(score) for score in tunes]).tolist() == list(range(PIECES))


def test_groups_do_not_depend_on_the_order(tunes):
    pieces = [*tunes[:20], *(moved(score, 2) for score in tunes[:20])]
    sketches = [sketch(score) for score in pieces]
    first = groups_of(sketches)
    order = np.random.default_rng(1).permutation(len(pieces))
    second = groups_of([sketches[place] for place in order])
    alike = [(first[order][:, None] == first[order]), (second[:, None] == second)]
    assert (alike[0] == alike[1]).all()
    assert groups_of(sketches).tolist() == first.tolist()


def test_labels_join_what_sounds_different(tunes):
    groups = groups_of([sketch(score) for score in tunes[:4]], ["a", "b", "a", "c"], ["x", "y", "z", "y"])
    assert groups.tolist() == [0, 1, 0, 1]


def test_pieces_of_few_notes_are_known_by_all_of_them():
    short = [Score.from_notes([(0, 480, 60), (480, 480, pitch)]) for pitch in (62, 62, 64)]
    assert [len(sketch(score)) for score in short] == [0, 0, 0]
    assert groups_of([sketch(score) for score in short], [content_hash(score) for score in short]).tolist() == [0, 0, 2]
    assert len(sketch(Score())) == 0
    assert groups_of([]).tolist() == []


def test_drums_are_known_by_their_drums():
    dice = np.random.default_rng(3)

    def beat(pitches):
        notes = [(240 * place, 120, int(pitch)) for place, pitch in enumerate(pitches)]
        return Score.from_notes(notes, is_drum=True)

    one, other = (dice.choice([36, 38, 42, 46, 49], 40) for _ in range(2))
    assert groups_of([sketch(beat(pitches)) for pitches in (one, other, one)]).tolist() == [0, 1, 0]


def test_content_is_the_notes_alone(tunes):
    score = tunes[0]
    top, low = score.tracks
    same = [
        score.replace(title="else", tracks=(low.replace(program=5, name="B"), top)),
        Score(tuple(track.replace(onset=2 * track.onset, duration=2 * track.duration) for track in score.tracks), 960),
        Score(tuple(track.replace(onset=track.onset + 480) for track in score.tracks)),
    ]
    assert {content_hash(one) for one in same} == {content_hash(score)}
    other = [moved(score, 1), stretched(score, 2), score.replace(tracks=(top,)), score.replace(tracks=(top.replace(is_drum=True), low))]  # fmt: skip  # noqa: E501
    assert len({content_hash(one) for one in [score, *other]}) == 5


def test_sketches_stay_small():
    assert len(sketch(tune(1, notes=50_000))) <= 256
