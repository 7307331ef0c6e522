"""What an analysis says of pieces whose harmony is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.analysis import KINDS, analyse, chord_events, estimate_key
from theory.analysis.grid import Notes, grid_of
from theory.chord import Chord
from theory.errors import MeterError, RequestError
from theory.event import FERMATA, KeyEvent, Marker, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.transform import transpose

QUARTER = 480
# Chords of C major and C minor as bass, tenor, alto, soprano.
VOICINGS = {
    "I": (48, 55, 64, 72), "I6": (52, 60, 67, 72), "third": (48, 55, 60, 64), "ii65": (53, 57, 62, 72),
    "IV": (53, 57, 65, 72), "V": (55, 59, 62, 74), "V7": (55, 59, 65, 74), "V65": (59, 62, 67, 77),
    "vi": (57, 60, 64, 72), "i": (48, 55, 63, 72), "iv": (53, 56, 65, 72), "iv6": (56, 60, 65, 72),
    "VI": (56, 60, 63, 72),
}  # fmt: skip
KEYS = [Key.from_signature(0, mode).transpose(semitones) for mode in ("major", "minor") for semitones in range(12)]


def choir(*names: str, beats: int = 1, start: int = 0) -> Score:
    """Four tracks that sing the chords of these names, each for so many quarters."""
    voicings = [VOICINGS[name] for name in names]
    length = beats * QUARTER
    return Score(
        tuple(
            Track.from_notes([(start + n * length, length, chord[voice]) for n, chord in enumerate(voicings)])
            for voice in (3, 2, 1, 0)
        )
    )


def numerals(score: Score) -> list[str]:
    return [str(region.numeral) for region in analyse(score).chords]


PROGRESSIONS = {
    "major": ("I", "vi", "ii65", "V7", "I", "V65", "I", "I6", "IV", "V", "I", "I"),
    "minor": ("i", "iv", "V7", "i", "VI", "iv6", "V", "i", "V65", "i", "V", "i"),
}


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_known_progression_is_read_in_every_key(key):
    names = PROGRESSIONS[key.mode]
    score = transpose(choir(*names), (key.tonic_pitch_class + 5) % 12 - 5)
    found = analyse(score)
    assert found.key == key
    assert found.confidence > 0.8
    assert [region.key for region in found.keys] == [key]
    expected = [b for a, b in zip((None, *names), names, strict=False) if a != b]
    assert [str(region.numeral) for region in found.chords] == expected
    assert {region.key for region in found.chords} == {key}
    assert all(foreign.sum() == 0 for foreign in found.non_chord_tones)
    assert found.cadences[-1][1:] == ("perfect", key)


def test_regions_follow_one_another_from_start_to_end():
    found = analyse(choir(*PROGRESSIONS["major"]))
    for regions in (found.keys, found.chords):
        assert (regions[0].tick, regions[-1].end) == (0, 12 * QUARTER)
        assert all(before.end == after.tick for before, after in pairwise(regions))
        assert all(0 < region.confidence <= 1 for region in regions)
    assert all(before.chord != after.chord for before, after in pairwise(found.chords))


ENDINGS = {
    "perfect": ("I", "IV", "V7", "I"), "imperfect": ("I", "IV", "V7", "third"), "half": ("I", "IV", "I", "V"),
    "plagal": ("I", "V", "I", "IV", "I"), "deceptive": ("I", "IV", "V7", "vi"), "phrygian": ("V", "i", "iv6", "V"),
}  # fmt: skip


def test_every_kind_of_cadence_has_an_example():
    assert set(ENDINGS) == set(KINDS)


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_cadence_is_called_by_its_name(kind):
    tonic = "i" if kind == "phrygian" else "I"
    names = (tonic, "V7", tonic, *ENDINGS[kind])
    if kind == "phrygian":
        names = (*PROGRESSIONS["minor"], *names)
    (found,) = analyse(choir(*names)).cadences[-1:]
    assert (found.kind, found.tick) == (kind, (len(names) - 1) * QUARTER)
    assert found.key.tonic_pitch_class == 0


def test_fermatas_end_phrases():
    score = choir("I", "IV", "V7", "I", "I", "ii65", "I6", "V", "I", "IV", "V", "I")
    marked = score.replace(markers=(Marker(3 * QUARTER, FERMATA), Marker(7 * QUARTER, FERMATA)))
    found = analyse(marked)
    assert found.phrases == (4 * QUARTER, 8 * QUARTER, 12 * QUARTER)
    assert [(cadence.tick // QUARTER, cadence.kind) for cadence in found.cadences] == [
        (3, "perfect"), (7, "half"), (11, "perfect"),
    ]  # fmt: skip


def test_without_fermatas_a_rest_after_a_long_note_ends_a_phrase():
    phrase = [(60, 1), (62, 1), (64, 1), (65, 1), (64, 1), (62, 1), (60, 3)]
    notes, tick = [], 0
    for _ in range(4):
        for pitch, quarters in phrase:
            notes.append((tick, quarters * QUARTER, pitch))
            tick += quarters * QUARTER
        tick += QUARTER
    assert analyse(Score.from_notes(notes)).phrases == tuple((9 + 10 * n) * QUARTER for n in range(4))


def test_a_modulation_is_heard_where_it_happens():
    there = transpose(choir(*PROGRESSIONS["major"] * 2), 7)
    home = choir(*PROGRESSIONS["major"] * 2)
    tracks = [
        Track.from_notes([*a, *(note._replace(onset=note.onset + home.end) for note in b)])
        for a, b in zip(home.tracks, there.tracks, strict=True)
    ]
    keys = analyse(Score(tuple(tracks))).keys
    assert [str(region.key) for region in keys] == ["C major", "G major"]
    assert abs(keys[1].tick - home.end) <= 4 * QUARTER


def test_passing_notes_are_foreign_and_do_not_change_the_chord():
    score = choir("I", "V7", "I", "IV", "V7", "I", beats=2)
    soprano = Track.from_notes(
        [
            (0, 720, 72),
            (720, 240, 74),
            (960, 960, 74),
            (1920, 720, 72),
            (2640, 240, 71),
            (2880, 960, 72),
            (4800, 960, 72),
        ]
    )
    found = analyse(score.replace(tracks=(soprano, *score.tracks[1:])))
    assert [str(region.numeral) for region in found.chords] == ["I", "V7", "I", "IV", "V7", "I"]
    assert found.non_chord_tones[0].tolist() == [False, True, False, False, True, False, False]


def test_an_upbeat_is_the_end_of_a_bar_before():
    names = ("V7", "I", "IV", "I", "V", "I", "vi", "ii65", "V7", "I")
    meters = (MeterEvent(0, Meter(1, 4)), MeterEvent(QUARTER, Meter(3, 4)))
    score = choir(*names).replace(meters=meters)
    assert numerals(score) == list(names)
    assert [event.tick // QUARTER for event in chord_events(score)] == list(range(10))


@pytest.mark.parametrize("meter", ["2/4", "3/4", "4/4", "2/2", "6/8", "9/8", "5/4", "7/8", "3/8"])
def test_chords_are_found_in_any_meter(meter):
    bar = int(Meter.parse(meter).bar_quarters * QUARTER)
    names = ("I", "IV", "V7", "I", "vi", "ii65", "V7", "I")
    score = Score(
        tuple(
            Track.from_notes([(n * bar, bar, VOICINGS[name][voice]) for n, name in enumerate(names)])
            for voice in range(4)
        ),
        meters=(MeterEvent(0, Meter.parse(meter)),),
    )
    assert numerals(score) == list(names)
    assert [event.tick for event in chord_events(score)] == [n * bar for n in range(8)]


def test_meter_changes_move_the_beats():
    names = ("I", "IV", "V7", "I", "vi", "ii65", "V7", "I")
    score = choir(*names, beats=3).replace(
        meters=(
            MeterEvent(0, Meter(3, 4)),
            MeterEvent(12 * QUARTER, Meter(6, 8)),
            MeterEvent(18 * QUARTER, Meter(5, 4)),
        )
    )
    assert numerals(score) == list(names)


def test_drums_say_nothing():
    score = choir(*PROGRESSIONS["major"])
    drums = Track.from_notes([(120 * n, 120, 35 + n % 40) for n in range(48)], is_drum=True)
    found, plain = analyse(score.replace(tracks=(drums, *score.tracks))), analyse(score)
    assert (found.key, found.keys, found.chords, found.phrases) == (plain.key, plain.keys, plain.chords, plain.phrases)
    assert not found.non_chord_tones[0].any()


@pytest.mark.parametrize(
    "score",
    [
        Score(), Score((Track.empty(),)), Score((Track.empty(),), end=10 * QUARTER),
        Score.from_notes([(0, 480, 36), (480, 480, 38)], is_drum=True),
    ],
)  # fmt: skip
def test_without_notes_there_is_nothing_to_hear(score):
    found = analyse(score)
    assert (found.key, found.confidence) == (Key(0), 0.0)
    assert all(region.chord is None for region in found.chords)
    assert (found.cadences, found.phrases) == ((), ())
    assert chord_events(score) == ()
    assert not any(foreign.any() for foreign in found.non_chord_tones)


@pytest.mark.parametrize("onset", [0, 100, 5000])
def test_one_note_is_a_piece(onset):
    found = analyse(Score.from_notes([(onset, 480, 67)]))
    assert 7 in found.key.pitch_classes
    assert found.phrases == (onset + 480,)
    assert [7 in region.chord.pitch_classes for region in found.chords if region.chord] == [True]


def test_a_long_silence_has_no_chord():
    score = choir("I", "IV", "V7", "I")
    later = choir("I", "IV", "V7", "I", start=64 * QUARTER)
    tracks = [Track.from_notes([*a, *b]) for a, b in zip(score.tracks, later.tracks, strict=True)]
    events = chord_events(Score(tuple(tracks)))
    cadence = ["C", "F", "G7", "C"]
    assert [event.chord and str(event.chord) for event in events] == [*cadence, None, *cadence]
    assert 4 * QUARTER <= events[4].tick < 64 * QUARTER


def test_a_performance_beside_the_stated_beats_keeps_its_chords():
    late = choir("I", "IV", "V7", "I", "vi", "ii65", "V7", "I", beats=2, start=170)
    assert [event.tick for event in chord_events(late)] == pytest.approx([170 + 960 * n for n in range(8)], abs=30)


def test_chord_events_change_on_beats_and_name_the_bass():
    events = chord_events(choir("I", "V65", "I", "ii65", "V7", "I"))
    assert [str(event.chord) for event in events] == ["C", "G7/B", "C", "Dm7/F", "G7", "C"]
    halves = choir("I", "IV", "V7", "I").replace(ticks_per_quarter=960)  # now eighths
    assert all(event.tick % 960 == 0 for event in chord_events(halves))


@pytest.mark.parametrize(("written", "expected"), [("Gb major", "Gb major"), ("F# major", "F# major")])
def test_a_written_key_decides_how_to_spell(written, expected):
    score = transpose(choir(*PROGRESSIONS["major"]), 6).replace(keys=(KeyEvent(0, Key.parse(written)),))
    assert str(analyse(score).key) == expected
    assert chord_events(score)[0].chord == Chord.parse(expected.split()[0])


@st.composite
def progressions(draw: st.DrawFn) -> Score:
    names = draw(st.lists(st.sampled_from(PROGRESSIONS["major"] + PROGRESSIONS["minor"]), min_size=4, max_size=12))
    return choir("I", "V7", *names, "V7", "I", beats=draw(st.integers(1, 3)))


@given(progressions(), st.integers(-11, 11))
@settings(max_examples=40)
def test_a_transposed_piece_is_analysed_alike(score, semitones):
    before, after = analyse(score), analyse(transpose(score, semitones))
    assert after.key.tonic_pitch_class == (before.key.tonic_pitch_class + semitones) % 12
    assert after.key.mode == before.key.mode
    assert estimate_key(score) == before.key
    assert [region[:2] for region in after.keys] == [region[:2] for region in before.keys]
    assert [(tick, end) for tick, end, *_ in after.chords] == [(tick, end) for tick, end, *_ in before.chords]
    for old, new in zip(before.chords, after.chords, strict=True):
        assert new.chord.quality == old.chord.quality
        assert new.chord.root_pitch_class == (old.chord.root_pitch_class + semitones) % 12
        assert new.chord.inversion == old.chord.inversion
    assert [cadence[:2] for cadence in after.cadences] == [cadence[:2] for cadence in before.cadences]
    assert before.phrases == after.phrases
    for old, new in zip(before.non_chord_tones, after.non_chord_tones, strict=True):
        assert np.array_equal(old, new)


@st.composite
def any_scores(draw: st.DrawFn) -> Score:
    resolution = draw(st.sampled_from([4, 24, 96, 480]))
    notes = st.tuples(st.integers(0, 20 * resolution), st.integers(1, 4 * resolution), st.integers(0, 127))
    tracks = st.builds(Track.from_notes, st.lists(notes, max_size=20), is_drum=st.booleans())
    meters = st.builds(Meter, st.integers(1, 9), st.sampled_from([2, 4, 8]))
    events = [MeterEvent(0, draw(meters)), MeterEvent(draw(st.integers(1, 9 * resolution)), draw(meters))]
    markers = [Marker(draw(st.integers(0, 20 * resolution)), FERMATA)] if draw(st.booleans()) else []
    score = Score(draw(st.lists(tracks, max_size=3)), resolution, meters=events, markers=markers)
    return score.replace(end=score.end + draw(st.integers(0, 40 * resolution)))


@given(any_scores())
def test_whatever_the_notes_regions_cover_the_piece(score):
    found = analyse(score)
    for regions in (found.keys, found.chords):
        edges = [region.tick for region in regions] + [region.end for region in regions[-1:]]
        assert edges == sorted(set(edges))
        assert edges[:1] + edges[-1:] == ([0, score.end] if score.end else [])
    assert [len(foreign) for foreign in found.non_chord_tones] == [len(track) for track in score.tracks]
    assert list(found.phrases) == sorted(set(found.phrases))
    assert score.replace(chords=chord_events(score)).chords == chord_events(score)


def test_the_same_notes_give_the_same_chords_in_any_order_of_tracks():
    score = choir(*PROGRESSIONS["minor"])
    assert chord_events(score) == chord_events(score.replace(tracks=score.tracks[::-1]))


@pytest.mark.parametrize(("told", "strong"), [(None, 3), ((3, 2), 3), ((2, 3), 2)])
def test_a_grouping_tells_where_the_strong_beats_of_a_bar_are(told, strong):
    score = choir("I", "V", beats=5).replace(meters=(MeterEvent(0, Meter(5, 4)),))
    grid = grid_of(score, Notes.of(score), told)
    marks = dict(zip((grid.ticks[:-1] / QUARTER).tolist(), grid.strength.tolist(), strict=True))
    assert [marks[beat] for beat in range(5)] == [3, *(2 if beat == strong else 1 for beat in range(1, 5))]
    assert (marks[0.5], marks[5]) == (0, 3)


def test_a_grouping_that_cannot_be_is_an_error():
    with pytest.raises(MeterError, match="does not group"):
        analyse(choir("I", "V").replace(meters=(MeterEvent(0, Meter(5, 4)),)), grouping=(2, 0, 3))


def test_chorales_are_read_as_theorists_read_them():
    pytest.importorskip("music21", reason="its corpus holds the chorales")
    from data.corpora import chorales

    score = chorales.read("bach/bwv269")
    found = analyse(score)
    assert str(found.key) == "G major"
    by_quarter = {region.tick / score.ticks_per_quarter: str(region.numeral) for region in found.chords}
    # A. Jones's analysis of Riemenschneider 1 (music21's corpus), its first phrase.
    assert [by_quarter.get(quarter) for quarter in (2, 4, 5, 6, 9, 10)] == ["vi", "I", "V", "vi", "I", "V"]
    assert [cadence.kind for cadence in found.cadences][:2] == ["half", "perfect"]


def test_neighbours_never_say_the_same():
    # The chord begins over a passing note; its root follows in the bass.
    chord = [(0, 4 * QUARTER, pitch) for pitch in (60, 64, 67, 72)]
    score = Score.from_notes([*chord, (0, QUARTER, 50), (QUARTER, 3 * QUARTER, 48)])
    assert [(region.tick, str(region.chord)) for region in analyse(score).chords] == [(0, "C")]


@pytest.mark.parametrize("wrong", [5, None, "song.mid"])
def test_what_is_no_score_is_refused_in_one_line(wrong):
    for analysis in (analyse, chord_events, estimate_key):
        with pytest.raises(RequestError, match=f"^{type(wrong).__name__} is no Score: .*$"):
            analysis(wrong)


@pytest.mark.parametrize("cadence", [("I", "IV", "I", "V"), ("V7", "I", "IV", "I")], ids=" ".join)
def test_phrases_end_where_all_voices_rest_on_a_triad(cadence):
    steps, tick, voices = ("I", "vi", "ii65", *cadence), 0, ([], [], [], [])
    ends = []
    for _ in range(4):
        score = choir(*steps)
        for voice, track in zip(voices, score.tracks, strict=True):
            notes = [(note.onset + tick, note.duration, note.pitch) for note in track]
            onset, _, pitch = notes[-1]
            voice += [*notes[:-1], (onset, 2 * QUARTER, pitch)]
        tick += score.end + QUARTER
        ends.append(tick)
    found = analyse(Score(tuple(Track.from_notes(voice) for voice in voices))).phrases
    assert found == tuple(ends)
