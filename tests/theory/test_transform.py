"""Scores into other scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import pitch
from theory.chord import DEGREES, QUALITIES, Chord
from theory.errors import RequestError, ScoreError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import PAN, SUSTAIN, Note, Score, Track
from theory.transform import concatenate, excerpt, resample, transpose

TICKS = st.integers(0, 6_000)
CHORDS = st.none() | st.builds(
    Chord,
    st.integers(-5, 6),
    st.sampled_from(list(QUALITIES)),
    st.lists(st.sampled_from(list(DEGREES)), max_size=2).map(tuple),
    st.integers(-5, 6),
)
KEYS = st.builds(Key.from_signature, st.integers(-5, 5), st.sampled_from(["major", "minor", "dorian"]))


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    spelled = draw(st.booleans())
    rows = draw(st.lists(st.tuples(TICKS, st.integers(1, 900), st.integers(24, 100), st.integers(1, 127)), max_size=12))
    notes = [Note(*row, spelling=int(pitch.spell(row[2], 0)) if spelled else None) for row in rows]
    controls = draw(st.lists(st.tuples(TICKS, st.sampled_from([SUSTAIN, PAN, 1]), st.integers(0, 127)), max_size=6))
    return Track.from_notes(notes, controls=controls, program=draw(st.integers(0, 127)), is_drum=draw(st.booleans()))


@st.composite
def scores(draw: st.DrawFn) -> Score:
    def events(kind: type, values: st.SearchStrategy[object]) -> tuple[object, ...]:
        found = draw(st.dictionaries(TICKS, values, max_size=3))
        return tuple(kind(tick, found[tick]) for tick in sorted(found))

    meters = st.sampled_from([Meter(4, 4), Meter(3, 4), Meter(6, 8)])
    return Score(
        tracks=tuple(draw(st.lists(tracks(), max_size=3))),
        tempos=events(TempoEvent, st.integers(200_000, 900_000)),
        meters=events(MeterEvent, meters),
        keys=events(KeyEvent, KEYS),
        chords=events(ChordEvent, CHORDS),
        markers=events(Marker, st.sampled_from(["fermata", "A"])),
        title="t",
        end=draw(st.integers(6_900, 9_000)),
    )


SONG = Score(
    tracks=(
        Track.from_notes(
            [Note(0, 1440, 62, 80, 0, 2), Note(1440, 960, 66, 80, 0, 6), Note(2400, 1440, 69, 80, 0, 3)],
            controls=[(0, SUSTAIN, 127), (0, PAN, 30), (960, PAN, 90), (2880, SUSTAIN, 0)],
        ),
        Track.from_notes([(0, 480, 36), (1920, 480, 38)], is_drum=True),
    ),
    tempos=(TempoEvent(0, 500_000), TempoEvent(960, 400_000)),
    keys=(KeyEvent(0, Key.parse("D major")), KeyEvent(1920, Key.parse("F# minor"))),
    chords=(ChordEvent(0, Chord.parse("D")), ChordEvent(1920, Chord.parse("F#m/C#")), ChordEvent(2880, None)),
    markers=(Marker(0, "A"), Marker(1920, "B"), Marker(3840, "end")),
    title="Song",
)


@given(scores(), st.integers(1, 8))
def test_resampling_finer_is_exact(score: Score, factor: int) -> None:
    finer = resample(score, 480 * factor)
    assert resample(finer, 480) == score
    assert finer.duration == pytest.approx(score.duration)
    for old, new in zip(score.tracks, finer.tracks, strict=True):
        assert (new.onset == factor * old.onset).all()
        assert (new.duration == factor * old.duration).all()


@given(scores(), st.integers(1, 32767))
def test_resampling_goes_to_the_nearest_tick_and_loses_no_note(score: Score, ticks_per_quarter: int) -> None:
    moved = resample(score, ticks_per_quarter)
    scale = ticks_per_quarter / 480
    assert moved.ticks_per_quarter == ticks_per_quarter
    assert abs(moved.end - score.end * scale) <= 1.5
    for old, new in zip(score.tracks, moved.tracks, strict=True):
        assert len(new) == len(old)
        assert sorted(new.pitch) == sorted(old.pitch)
        assert np.abs(np.sort(new.onset) - np.sort(old.onset) * scale).max(initial=0) <= 0.5
        assert len(new.controls) == len(old.controls)
    assert [marker.text for marker in moved.markers] == [marker.text for marker in score.markers]
    assert moved.keys[-1:] == () if not score.keys else moved.keys[-1].key == score.keys[-1].key


def test_resampling_keeps_touching_notes_touching() -> None:
    score = Score.from_notes([(0, 7, 60), (7, 7, 62), (14, 1, 64)], ticks_per_quarter=10)
    notes = list(resample(score, 4).tracks[0])
    assert [(note.onset, note.end) for note in notes] == [(0, 3), (3, 6), (6, 7)]


@pytest.mark.parametrize("ticks_per_quarter", [0, -1, 32768])
def test_bad_resolutions_are_refused(ticks_per_quarter: int) -> None:
    with pytest.raises(ScoreError, match="ticks a quarter"):
        resample(SONG, ticks_per_quarter)


def test_a_piece_too_long_for_the_resolution_is_refused() -> None:
    with pytest.raises(ScoreError, match="too long"):
        resample(Score(ticks_per_quarter=1, end=2**30), 480)


@given(scores(), st.integers(-12, 12))
def test_transposing_moves_everything_but_drums(score: Score, semitones: int) -> None:
    moved = transpose(score, semitones)
    for old, new in zip(score.tracks, moved.tracks, strict=True):
        if old.is_drum:
            assert new == old
            continue
        assert (new.pitch.astype(int) == old.pitch.astype(int) + semitones).all()
        if new.spelling is not None:
            assert (7 * new.spelling.astype(int) % 12 == new.pitch % 12).all()
    for (_, old_key), (_, new_key) in zip(score.keys, moved.keys, strict=True):
        assert (new_key.tonic_pitch_class - old_key.tonic_pitch_class - semitones) % 12 == 0
    for (_, chord), (_, new_chord) in zip(score.chords, moved.chords, strict=True):
        assert (chord is None) == (new_chord is None)
        if chord and new_chord:
            assert new_chord.pitch_classes == tuple((p + semitones) % 12 for p in chord.pitch_classes)
    assert (moved.tempos, moved.meters, moved.markers, moved.end) == (
        score.tempos, score.meters, score.markers, score.end
    )  # fmt: skip


@given(scores(), st.integers(-12, 12))
def test_transposing_there_and_back_is_no_change(score: Score, semitones: int) -> None:
    score = score.replace(keys=score.keys or (KeyEvent(0, Key(0)),))
    assert transpose(transpose(score, semitones), -semitones) == score


def test_spelling_moves_with_the_key() -> None:
    moved = transpose(SONG, 1)
    assert [str(event.key) for event in moved.keys] == ["Eb major", "G minor"]
    assert [str(event.chord) for event in moved.chords] == ["Eb", "Gm/D", "None"]
    spelling = moved.tracks[0].spelling
    assert spelling is not None
    assert [pitch.name_of(int(place)) for place in spelling] == ["Eb", "G", "Bb"]


def test_without_keys_spelling_moves_around_itself() -> None:
    score = Score(chords=(ChordEvent(0, Chord.parse("C")), ChordEvent(480, Chord.parse("G7/B"))), end=960)
    moved = transpose(score, 6)
    assert [str(event.chord) for event in moved.chords] == ["F#", "C#7/E#"]
    assert transpose(moved, -6) == score
    assert transpose(Score(), 3) == Score()


def test_no_spelling_needs_three_accidentals() -> None:
    score = Score.from_notes([Note(0, 1, 65, 80, None, 11)], keys=[KeyEvent(0, Key.parse("B major"))])  # E#
    for semitones in range(-11, 12):
        spelling = transpose(score, semitones).tracks[0].spelling
        assert spelling is not None
        assert -15 <= spelling[0] <= 19


def test_pitches_outside_midi_are_refused() -> None:
    with pytest.raises(ScoreError, match=r"Bass.*-12 semitones"):
        transpose(Score.from_notes([(0, 1, 11)], name="Bass"), -12)
    assert transpose(Score.from_notes([(0, 1, 11)], is_drum=True), -12).tracks[0].pitch[0] == 11


@given(scores())
def test_an_excerpt_of_all_bars_is_the_piece(score: Score) -> None:
    assert excerpt(score, 0, score.bars) == score


@given(scores(), st.data())
def test_an_excerpt_sounds_as_the_piece_did(score: Score, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, score.bars - 1))
    last = data.draw(st.integers(first + 1, score.bars))
    lines = score.bar_lines()
    start, stop = int(lines[first]), min(int(lines[last]), score.end)
    part = excerpt(score, first, last)
    assert part.end == stop - start
    assert part.bars == last - first
    for tick in (0, (stop - start) // 2, stop - start - 1):
        for old, new in zip(score.tracks, part.tracks, strict=True):
            assert sounding(new, tick) == sounding(old, start + tick)
            for kind in (SUSTAIN, PAN, 1):
                assert control_at(new, kind, tick) == control_at(old, kind, start + tick)
        for name in ("tempos", "meters", "keys", "chords"):
            assert in_force(getattr(part, name), tick) == in_force(getattr(score, name), start + tick)
    assert [m.text for m in part.markers] == [
        m.text for m in score.markers if m.tick >= start and (m.tick < lines[last] or last == score.bars)
    ]


def sounding(track: Track, tick: int) -> list[tuple[int, int]]:
    return sorted((n.pitch, n.velocity) for n in track if n.onset <= tick < n.end)


def control_at(track: Track, kind: int, tick: int) -> int | None:
    values = [value for when, k, value in track.controls.tolist() if k == kind and when <= tick]
    return values[-1] if values else None


def in_force(events: tuple[tuple[int, object], ...], tick: int) -> object:
    values = [event[1] for event in events if event[0] <= tick]
    return values[-1] if values else None


def test_an_excerpt_cuts_notes_and_carries_what_holds() -> None:
    part = excerpt(SONG, 1, 2)
    assert [(n.onset, n.duration, n.pitch, n.spelling) for n in part.tracks[0]] == [(0, 480, 66, 6), (480, 1440, 69, 3)]
    assert part.tracks[0].controls.tolist() == [[0, SUSTAIN, 127], [0, PAN, 90], [960, SUSTAIN, 0]]
    assert part.tempos == (TempoEvent(0, 400_000),)
    assert part.keys == (KeyEvent(0, Key.parse("F# minor")),)
    assert part.markers == (Marker(0, "B"), Marker(1920, "end"))
    assert excerpt(SONG, 0, 1).markers == (Marker(0, "A"),)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (-1, 1), (0, 3), (2, 1), (2, 3)])
def test_bars_that_are_not_there_are_refused(first: int, last: int) -> None:
    with pytest.raises(RequestError, match="bars"):
        excerpt(SONG, first, last)


@given(scores(), st.data())
def test_two_halves_concatenated_sound_as_the_piece(score: Score, data: st.DataObject) -> None:
    if score.bars < 2 or any((np.diff(score.bar_lines()) != score.bar_lines()[1]).tolist()):
        return  # bars cut short have no line of their own once the piece ends there
    middle = data.draw(st.integers(1, score.bars - 1))
    joined = concatenate(excerpt(score, 0, middle), excerpt(score, middle, score.bars))
    assert joined.end == score.end
    assert joined.bar_lines().tolist() == score.bar_lines().tolist()
    for tick in range(0, score.end, 480):
        for old, new in zip(score.tracks, joined.tracks, strict=True):
            assert sounding(new, tick) == sounding(old, tick)
        for name in ("tempos", "meters", "keys", "chords"):
            assert in_force(getattr(joined, name), tick) == in_force(getattr(score, name), tick)


def test_concatenating_starts_at_the_last_bar_line() -> None:
    first = Score.from_notes([(0, 100, 60)], chords=[ChordEvent(0, Chord.parse("C"))])
    second = Score.from_notes([(0, 100, 62)], markers=[Marker(0, "B")])
    joined = concatenate(first, second)
    assert joined.tracks[0].onset.tolist() == [0, 1920]
    assert joined.chords == (*first.chords, ChordEvent(1920, None))
    assert joined.markers == (Marker(1920, "B"),)
    assert (joined.tempos, joined.meters, joined.end) == (first.tempos, first.meters, 2020)


def test_pieces_that_do_not_fit_are_refused() -> None:
    one = Score.from_notes([(0, 1, 60)])
    with pytest.raises(ScoreError, match="resample"):
        concatenate(one, resample(one, 96))
    with pytest.raises(ScoreError, match="tracks"):
        concatenate(one, Score.from_notes([(0, 1, 60)], program=4))
    with pytest.raises(ScoreError, match="tracks"):
        concatenate(one, Score())


def test_optional_columns_survive_a_silent_half() -> None:
    spelled = Score.from_notes([Note(0, 1, 60, 80, None, 0)])
    silent = Score(tracks=(Track.empty(),), end=1920)
    assert concatenate(spelled, silent).tracks[0].spelling is not None
    assert concatenate(spelled, Score.from_notes([(0, 1, 60)])).tracks[0].spelling is None
