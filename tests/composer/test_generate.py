"""What a user asked for holds in every piece, and the same request is the same piece."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import composer
from composer import files
from composer.style import CHORALE
from theory.chord import Chord
from theory.errors import KeyNameError, MeterError, RequestError, UnknownNameError
from theory.event import FERMATA, ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import Tokenizer


def check_form(piece, key, meter, bars, tempo=72):
    """Exactly the frame that was asked for."""
    score = piece.score
    assert score.bars == bars
    assert score.end == bars * Meter.parse(meter).bar_ticks(score.ticks_per_quarter)
    assert score.meters == (MeterEvent(0, Meter.parse(meter)),)
    assert score.keys == (KeyEvent(0, Key.parse(key)),)
    assert score.tempos == (TempoEvent.from_bpm(0, tempo),)
    check_voices(score)
    assert Tokenizer().encode(score).tolist() == list(piece.recipe.ids)
    assert (piece.report.bars, piece.report.notes, piece.report.new_notes) == (bars, score.notes, score.notes)


def check_voices(score):
    """Four named voices, each in its range and singing one note at a time."""
    assert [track.name for track in score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert CHORALE.fits(score.tracks)
    for track in score.tracks:
        assert (track.onset[1:] >= track.onset[:-1] + track.duration[:-1]).all()
        assert not track.is_drum


@pytest.mark.parametrize(
    ("key", "meter", "bars"),
    [
        ("C major", "4/4", 1), ("D minor", "4/4", 2), ("Eb major", "3/4", 2), ("F# minor", "3/4", 1),
        ("Gb major", "4/4", 2), ("C# major", "4/4", 2), ("D dorian", "3/4", 3), ("E phrygian", "4/4", 2),
        ("Bb mixolydian", "4/4", 2), ("Ab minor", "4/4", 2), ("g", "4/4", 16),
    ],
)  # fmt: skip
def test_a_piece_has_the_form_that_was_asked_for(key, meter, bars):
    check_form(composer.compose(key=key, meter=meter, bars=bars, seed=bars), key, meter, bars)


@pytest.mark.parametrize(
    "sampling",
    [{"temperature": 0}, {"temperature": 10}, {"temperature": 0.3}, {"top_k": 1}, {"top_k": 5}, {"top_p": 0.5}],
)
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_the_form_holds_however_tokens_are_drawn(sampling, seed):
    check_form(composer.compose(meter="3/4", bars=2, tempo=97, seed=seed, **sampling), "C", "3/4", 2, tempo=97)


def test_the_same_request_is_the_same_piece_and_another_seed_is_not(tmp_path):
    request = {"key": "A major", "bars": 4, "temperature": 1.1}
    first, again = (composer.compose(**request, seed=3) for _ in range(2))
    assert first.score == again.score
    assert first.recipe.to_json() == again.recipe.to_json()
    written = [files.write_piece(item, {"mid": tmp_path / f"{n}.mid"}) for n, item in enumerate((first, again))]
    contents = [item.files["mid"].read_bytes() for item in written]
    assert contents[0] == contents[1]
    assert len({composer.compose(**request, seed=seed).score for seed in range(5)}) == 5


def test_a_piece_has_phrase_dynamics(long_piece):
    for track in long_piece.score.tracks:
        assert len(set(track.velocity.tolist())) > 4


def test_titles(piece):
    assert piece.score.title == "Chorale in D minor"
    assert composer.compose(bars=1, title="Möwe").score.title == "Möwe"


def test_progress_counts_every_bar():
    seen = []
    composer.compose(bars=4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_the_report(long_piece):
    report = long_piece.report
    assert 0 < report.nats_per_note < 30
    assert 0 <= report.price_per_note < report.nats_per_note


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"bars": 0}, RequestError), ({"tempo": -5}, RequestError), ({"temperature": float("nan")}, RequestError),
        ({"key": "H# minor"}, KeyNameError), ({"meter": "4/0"}, MeterError), ({"meter": "7/8"}, RequestError),
        ({"style": "jazz"}, UnknownNameError), ({"model": "gpt"}, UnknownNameError),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(request_, error):
    with pytest.raises(error) as caught:
        composer.compose(**request_)
    assert "\n" not in str(caught.value)


# Continuing


def rows(*notes):
    return Track.from_notes(notes)


QUARTET = Score(
    (
        rows((0, 480, 72, 33), (480, 480, 74, 127), (960, 960, 71, 1)),
        rows((0, 960, 64, 50), (960, 960, 65, 52)),
        rows((0, 1920, 60, 99)),
        rows((0, 480, 48, 7), (480, 1440, 43, 8)),
    ),
    keys=(KeyEvent(0, Key.parse("G major")),),
    tempos=(TempoEvent.from_bpm(0, 100),),
)
CONTROLLED = QUARTET.tracks[0].replace(controls=[(0, 7, 90), (480, 128, -900)])
CHORD_EVENTS = (ChordEvent(0, Chord.parse("G7")), ChordEvent(960, None))
CHORDS = (rows((0, 480, 60), (0, 480, 64), (0, 960, 67), (960, 480, 55)), *QUARTET.tracks[1:])


def check_continuation(primer, bars=2, **request):
    """The primer's notes come first in every track, untouched; nothing new stands before the primer's last onset."""
    piece = composer.continue_piece(primer, bars=bars, **request)
    given, score = Tokenizer().quantize(primer), piece.score
    last = max(int(track.onset.max()) for track in given.tracks if len(track))
    for old, new in zip(given.tracks, score.tracks, strict=True):
        for column in ("onset", "duration", "pitch", "velocity"):
            np.testing.assert_array_equal(getattr(new, column)[: len(old)], getattr(old, column))
        np.testing.assert_array_equal(new.controls, old.controls)
        assert (new.onset[len(old) :] >= last).all()
        assert (new.onset[len(old) :] >= old.end).all()
    assert score.bars == given.bars + bars
    assert score.meters == given.meters
    assert score.tempos == given.tempos
    assert score.chords == given.chords
    assert set(given.markers) <= set(score.markers)
    assert Tokenizer().encode(score).tolist() == list(piece.recipe.ids)
    assert piece.report.new_notes == score.notes - given.notes > 0
    return piece


@pytest.mark.parametrize("seed", range(4))
def test_a_primers_notes_and_velocities_stay_and_bars_follow(seed):
    piece = check_continuation(QUARTET, seed=seed)
    check_voices(piece.score)
    assert piece.score.keys == QUARTET.keys
    assert {velocity for track in piece.score.tracks for velocity in track.velocity.tolist()} > {1, 8, 32, 127}


def test_a_primer_may_be_a_piece_or_a_file(piece, tmp_path, tiny_model):
    piece.write(tmp_path / "song.mid")
    for primer in (piece, tmp_path / "song.mid", str(tmp_path / "song.mid")):
        assert composer.continue_piece(primer, bars=1, model=tiny_model).score.bars == 3


@pytest.mark.parametrize("primer", [None, 5, [], b"song.mid"])
def test_a_primer_that_is_none(primer):
    with pytest.raises(RequestError, match=r"the primer is .*: give a score, a piece or a file"):
        composer.continue_piece(primer)


def test_a_composed_piece_goes_on(piece):
    longer = check_continuation(piece.score, bars=3)
    assert longer.score.bars == 5
    assert longer.score == check_continuation(piece.score, bars=3).score
    assert longer.score != check_continuation(piece.score, bars=3, seed=1).score


@pytest.mark.parametrize(
    "primer",
    [
        QUARTET.replace(keys=()),
        QUARTET.replace(tracks=CHORDS),
        QUARTET.replace(tracks=(*QUARTET.tracks[:3], Track.empty())),
        QUARTET.replace(meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4)))),
        QUARTET.replace(meters=(MeterEvent(0, Meter(2, 4)), MeterEvent(960, Meter(3, 4)))),
        QUARTET.replace(markers=(Marker(960, FERMATA),), chords=CHORD_EVENTS),
        QUARTET.replace(tempos=(TempoEvent.from_bpm(0, 90), TempoEvent.from_bpm(960, 40))),
        QUARTET.replace(end=1920 * 4),
        QUARTET.replace(tracks=(CONTROLLED, *QUARTET.tracks[1:])),
        Score(tuple(rows((0, 20 + n, 127 * (n % 2), 100)) for n in range(4)), ticks_per_quarter=96),
    ],
    ids=[
        "no key", "chords", "an empty voice", "an upbeat", "a change of meter",
        "markers and chords", "a ritardando", "silence at the end", "controls", "other ticks, out of range",
    ],
)  # fmt: skip
def test_primers_of_all_sorts(primer):
    check_continuation(primer)


@pytest.mark.parametrize(
    ("primer", "says"),
    [
        (Score(), "no notes"),
        (QUARTET.replace(tracks=QUARTET.tracks[:3]), "3 tracks"),
        (QUARTET.replace(tracks=(*QUARTET.tracks, Track.empty())), "5 tracks"),
        (
            QUARTET.replace(tracks=(*QUARTET.tracks[:3], rows((0, 480, 36)).replace(is_drum=True))),
            "4 tracks with drums: style chorale knows Soprano",
        ),
        (QUARTET.replace(tracks=(Track.empty(),) * 4), "no notes"),
        (QUARTET.replace(meters=(MeterEvent(0, Meter(7, 8)),)), "meter is 7/8"),
    ],
)
def test_primers_that_do_not_fit(primer, says):
    with pytest.raises(RequestError, match=says):
        composer.continue_piece(primer, bars=1)


@pytest.mark.parametrize("stated", [{"key": "C"}, {"meter": "4/4"}, {"tempo": 90}])
def test_what_the_primer_decides_cannot_be_asked_for(stated):
    with pytest.raises(RequestError, match=f"keeps the primer's {next(iter(stated))}"):
        composer.continue_piece(QUARTET, bars=1, **stated)


UPBEAT = QUARTET.replace(meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4))))


@pytest.mark.parametrize("primer", [QUARTET, UPBEAT], ids=["whole bars", "an upbeat"])
@pytest.mark.parametrize(
    "asked",
    [
        {"chords": "G | C | D7 | G", "rules": "four-part"}, {"cadences": ("3=half", "5=perfect")}, {"leaps": "4"},
        {"density": "bass=1:1"}, {"onsets": "soprano=1 2"}, {"durations": "bass=2"}, {"polyphony": 2},
        {"ranges": "alto=C4:G4", "scale": "key"},
    ],
    ids=lambda asked: next(iter(asked)),
)  # fmt: skip
def test_what_is_asked_of_a_continuation_holds_in_its_bars(primer, asked, tiny_model):
    """Bars 2 to 5 in both cases: an upbeat is no bar that musicians count."""
    piece = composer.continue_piece(primer, model=tiny_model, bars=4, **asked)
    assert all(row.kept == row.asked for row in piece.report.rules)
    lines = piece.score.bar_lines()[-5:] // 20
    parts = [[(note.onset // 20, note.end // 20, note.pitch) for note in track] for track in piece.score.tracks]
    new = [[note for note in part if note[0] >= lines[0]] for part in parts]
    begun = [
        [[start - line for start, *_ in part if line <= start < end] for part in new] for line, end in pairwise(lines)
    ]
    if "chords" in asked:
        basses = [next(pitch for start, end, pitch in new[3] if start <= line < end) % 12 for line in lines[:-1]]
        assert basses == [7, 0, 2, 7]
    if "leaps" in asked:
        assert all(abs(one[2] - other[2]) <= 4 for part in new for one, other in pairwise(part))
    if "density" in asked:
        assert [len(bar[3]) for bar in begun] == [1] * 4
    if "onsets" in asked:
        assert [bar[0] for bar in begun] == [[0, 24]] * 4
    if "durations" in asked:
        assert {end - start for start, end, _ in new[3]} == {48}
    if "ranges" in asked:
        assert {60 <= pitch <= 67 for _, _, pitch in new[1]} <= {True}
        assert {pitch % 12 for part in new for _, _, pitch in part} <= {7, 9, 11, 0, 2, 4, 6}
