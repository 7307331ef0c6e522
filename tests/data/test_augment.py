import numpy as np
import pytest

from data.augment import Augmentation, augment, rebarred, scale_tempo, scale_velocity, shifts_of, without_tracks
from theory.chord import Chord
from theory.errors import RequestError
from theory.event import ChordEvent, KeyEvent, MeterEvent, TempoEvent
from theory.instrument import Range
from theory.key import Key
from theory.meter import Meter
from theory.score import Note, Score, Track

PIECE = Score(
    tracks=(
        Track.from_notes([Note(0, 480, 62, 100, spelling=2), Note(480, 480, 66, 60, spelling=6)], name="Piano"),
        Track.from_notes([(0, 480, 38, 127)], program=32, name="Bass"),
        Track.from_notes([(0, 120, 36, 3)], is_drum=True, name="Drums"),
        Track.empty(name="Tacet"),
    ),
    tempos=(TempoEvent(0, 500_000), TempoEvent(480, 400_000)),
    keys=(KeyEvent(0, Key.parse("D")),),
    chords=(ChordEvent(0, Chord.parse("D")),),
    end=1920,
)


def rng(seed=1):
    return np.random.default_rng(seed)


def test_all_twelve_keys_in_the_nearer_direction():
    assert shifts_of(PIECE) == (-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5)


def test_a_key_out_of_range_is_reached_the_other_way_or_not_at_all():
    violin = Score.from_notes([(0, 480, 57), (480, 480, 70)], program=40)  # two semitones above the violin's lowest
    assert shifts_of(violin) == tuple(range(-2, 10))
    narrow = Range(56, 72, 1)
    assert shifts_of(violin, [narrow]) == (-1, 0, 1, 2)


def test_transposed_pieces_keep_spelling_and_key():
    seen = set()
    for seed in range(120):
        form = augment(PIECE, Augmentation(), rng(seed))
        key = form.keys[0].key
        seen.add(str(key))
        piano, bass, drums, _ = form.tracks
        assert (int(piano.spelling[0]), int(piano.spelling[1])) == (key.tonic, key.tonic + 4)
        assert form.chords[0].chord.root == key.tonic
        assert (int(piano.pitch[0]) - 62, int(drums.pitch[0])) == (int(bass.pitch[0]) - 38, 36)
    assert len(seen) == 12


def test_tempos_keep_their_proportions_and_stay_sensible():
    assert scale_tempo(PIECE, 2).tempos == (TempoEvent(0, 250_000), TempoEvent(480, 200_000))
    assert scale_tempo(PIECE, 1) == PIECE
    assert scale_tempo(PIECE, 100).tempos == (TempoEvent(0, 60_000),)
    slow = PIECE.replace(tempos=(TempoEvent(0, 16_000_000),))
    assert scale_tempo(slow, 0.5) == slow


def test_velocities_are_scaled_and_stay_in_bounds():
    piano, bass, drums, _ = scale_velocity(PIECE, 1.2).tracks
    assert (piano.velocity.tolist(), bass.velocity.tolist(), drums.velocity.tolist()) == ([120, 72], [127], [4])
    assert scale_velocity(PIECE, 0.01).tracks[2].velocity.tolist() == [1]


def test_voices_are_dropped_but_never_all():
    assert [track.name for track in without_tracks(PIECE, [0, 3]).tracks] == ["Bass", "Drums"]
    assert without_tracks(PIECE, [0, 1, 2, 3]).end == PIECE.end
    for seed in range(20):
        (left,) = augment(PIECE, Augmentation(keys=False, drop=1.0), rng(seed)).tracks
        assert len(left)
    counts = {len(augment(PIECE, Augmentation(keys=False, drop=0.5), rng(seed)).tracks) for seed in range(120)}
    assert counts == {1, 2, 3, 4}


def test_chords_and_tempo_of_a_form():
    stated = [augment(PIECE, Augmentation(keys=False, chords=0.5), rng(seed)).chords for seed in range(40)]
    assert set(stated) == {(), PIECE.chords}
    assert augment(PIECE, Augmentation(keys=False, chords=0), rng()).chords == ()
    forms = [augment(PIECE, Augmentation(keys=False, tempos=(60, 62)), rng(seed)) for seed in range(40)]
    assert {round(form.tempos[0].bpm) for form in forms} == {60, 61, 62}
    assert all(form.tempos[1:] == PIECE.tempos[1:] for form in forms)


def test_other_bars_keep_the_music():
    half = rebarred(PIECE)
    assert [str(event.meter) for event in half.meters] == ["2/4"]
    assert half.replace(meters=PIECE.meters) == PIECE
    waltz = Score.from_notes([(0, 480, 60), (480, 960, 62)], meters=(MeterEvent(0, Meter(3, 4)),))
    jig = rebarred(waltz)
    assert [str(event.meter) for event in jig.meters] == ["6/8"]
    assert [(note.onset, note.duration) for note in jig.tracks[0]] == [(0, 240), (240, 480)]
    upbeat = waltz.replace(meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4))))
    assert [(event.tick, str(event.meter)) for event in rebarred(upbeat).meters] == [(0, "1/8"), (240, "6/8")]
    assert rebarred(waltz.replace(meters=(MeterEvent(0, Meter(5, 8)),))) is None
    forms = {augment(PIECE, Augmentation(keys=False, rebar=0.5), rng(seed)) for seed in range(20)}
    assert forms == {PIECE, half}


def test_what_may_not_be_changed_takes_nothing_from_the_generator():
    one, other = rng(), rng()
    assert augment(PIECE, Augmentation(keys=False), one) == PIECE
    assert one.random() == other.random()
    assert {augment(PIECE, Augmentation(), rng(seed), shifts=(3,)).keys[0].key.tonic for seed in range(5)} == {-1}


def test_a_seed_gives_one_form_and_another_another():
    allowed = Augmentation(tempo=(0.8, 1.25), velocity=(0.7, 1.3), drop=0.2)
    assert augment(PIECE, allowed, rng(3)) == augment(PIECE, allowed, rng(3))
    assert len({augment(PIECE, allowed, rng(seed)) for seed in range(20)}) == 20
    tempos = [augment(PIECE, allowed, rng(seed)).tempos[0].microseconds_per_quarter for seed in range(100)]
    assert 400_000 <= min(tempos) < 420_000 < 600_000 < max(tempos) <= 625_000


def test_nothing_allowed_changes_nothing():
    assert augment(PIECE, Augmentation(keys=False), rng()) == PIECE


@pytest.mark.parametrize(
    "wrong", [{"tempo": (0, 1)}, {"velocity": (2, 1)}, {"drop": 1.5}, {"tempo": (1, float("nan"))}]
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(RequestError):
        Augmentation(**wrong)


def test_unknown_tracks_and_factors_are_refused():
    with pytest.raises(RequestError, match="track 9"):
        without_tracks(PIECE, [9])
    for scale in (scale_tempo, scale_velocity):
        with pytest.raises(RequestError, match="factor of 0"):
            scale(PIECE, 0)
