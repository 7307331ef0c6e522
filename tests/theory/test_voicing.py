"""Voicings and the ways between them, against exhaustive search, the rules of four-part writing and music21."""

import time
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.chord import QUALITIES, Chord
from theory.errors import ChordNameError, KeyNameError, RequestError, UnknownNameError
from theory.event import ChordEvent, KeyEvent
from theory.instrument import Range
from theory.key import Key
from theory.pitch import Pitch
from theory.progression import progression
from theory.score import IntArray, Score, Track
from theory.voice_leading import violations
from theory.voicing import SATB, STYLES, lead, voicings

CHORDS = st.builds(
    lambda root, quality: Chord(root, quality, (), root), st.integers(-5, 6), st.sampled_from([*QUALITIES])
)
NUMERALS = {
    False: ["I", "I6", "ii", "ii6", "ii7", "ii65", "iii", "IV", "IV6", "V", "V6", "V7", "V65", "V42", "V43", "vi",
    "vii°6", "V7/V", "V65/ii", "iv", "bVI", "N6", "I64", "vii°7"],
    True: ["i", "i6", "ii°6", "iiø65", "III", "iv", "iv6", "V", "V6", "V7", "V65", "V42", "VI", "VII", "vii°7", "V7/V",
    "N6", "Ger65", "V7/iv", "i64"],
}  # fmt: skip
CONSECUTIVE = ("parallel_fifths", "parallel_octaves", "antiparallel")


def score_of(rows: IntArray, chords: Sequence[Chord], key: Key) -> Score:
    """One quarter for each chord."""
    tracks = [Track.from_notes([(480 * index, 480, int(p)) for index, p in enumerate(column)]) for column in rows.T]
    events = tuple(ChordEvent(480 * index, chord) for index, chord in enumerate(chords))
    return Score(tuple(tracks), keys=(KeyEvent(0, key),), chords=events)


@given(CHORDS, st.sampled_from([*STYLES]))
def test_every_voicing_is_its_chord(chord: Chord, style: str) -> None:
    rows = voicings(chord, style=style)
    assert rows.shape[1] == 4
    fifth = (chord.root_pitch_class + 7) % 12
    for row in rows.tolist():
        sounding = {number % 12 for number in row}
        assert row == sorted(row, reverse=True)
        assert row[-1] % 12 == chord.bass_pitch_class
        assert sounding <= set(chord.pitch_classes)
        assert set(chord.pitch_classes) - sounding <= {fifth}
        assert all(voice.lowest <= number <= voice.highest for voice, number in zip(SATB, row, strict=True))


@pytest.mark.parametrize("symbol", ["C", "Dm/F", "G7", "Bdim", "Csus4", "Fmaj7/C"])
def test_no_four_part_voicing_is_forgotten(symbol: str) -> None:
    chord = Chord.parse(symbol)
    fifth = (chord.root_pitch_class + 7) % 12
    spans = [range(voice.lowest, voice.highest + 1) for voice in SATB]
    own = [[n for n in span if n % 12 in chord.pitch_classes] for span in spans]
    expected = {
        (s, a, t, b)
        for s, a, t, b in product(*own)
        if b % 12 == chord.bass_pitch_class and 0 <= s - a <= 12 and 0 <= a - t <= 12 and 0 <= t - b <= 24
        and {*chord.pitch_classes} - {fifth} <= {s % 12, a % 12, t % 12, b % 12}
    }  # fmt: skip
    assert {tuple(row) for row in voicings(chord).tolist()} == expected
    split = [{tuple(row) for row in voicings(chord, style=style).tolist()} for style in ("close", "open")]
    assert split[0] | split[1] == expected
    assert not split[0] & split[1]
    assert all((row[0] - row[2] <= 12) == (row in split[0]) for row in expected)


def test_drop_2_is_a_close_position_with_its_second_note_lowered() -> None:
    rows = voicings(Chord.parse("Cmaj7/G"), [Range(40, 84, 1)] * 4, style="drop-2")
    assert [67 - 12, 60, 64, 71][::-1] in rows.tolist()  # B4 E4 C4 G3, of B4 G4 E4 C4
    for row in rows.tolist():
        close = sorted([*row[:3], row[3] + 12], reverse=True)
        assert close.index(row[3] + 12) == 1
        assert close[0] - close[-1] < 12
    assert {tuple(np.diff(row)) for row in rows.tolist()} == {(-7, -4, -5)}


@pytest.mark.parametrize("voices", range(1, 7))
def test_any_number_of_voices_takes_what_matters_most(voices: int) -> None:
    rows = voicings(Chord.parse("G13"), [Range(43, 80, 1)] * voices, style="four-part")
    assert len(rows)
    needed = [7, 11, 5, 9, 4][: max(1, voices)]  # bass, third, seventh, ninth, thirteenth
    assert all(set(needed) <= {number % 12 for number in row} for row in rows.tolist())


def test_a_foreign_bass_is_only_in_the_lowest_voice() -> None:
    rows = voicings(Chord.parse("C/D"))
    assert {number % 12 for number in rows[:, 3].tolist()} == {2}
    assert {number % 12 for number in rows[:, :3].ravel().tolist()} == {0, 4, 7}


def test_chords_and_keys_by_name() -> None:
    chords = [Chord.parse(symbol) for symbol in ("C", "G7", "C")]
    for given_chords in (["C", "G7", "C"], "C G7 C", chords):
        assert (lead(given_chords, key="C") == lead(chords, key=Key.parse("C"))).all()
    assert (voicings("Dm7/F") == voicings(Chord.parse("Dm7/F"))).all()
    for wrong in ("H", 5):
        with pytest.raises(ChordNameError, match="is no chord"):
            lead([wrong])  # type: ignore[list-item]
    with pytest.raises(KeyNameError, match="is no key"):
        lead(["C"], key="H")


@pytest.mark.parametrize("symbols", ["C G7 C", "C Dm Em", "F G Am", "C6/9 Dm7 G7"])
def test_the_path_has_the_fewest_consecutives_of_all(symbols: str) -> None:
    chords = [Chord.parse(symbol) for symbol in symbols.split()]
    ranges = [Range(64, 72, 1), Range(59, 67, 1), Range(52, 62, 1), Range(40, 50, 1)]
    key = Key.parse("C")

    def faults(rows: IntArray) -> int:
        return len(violations(score_of(rows, chords, key), CONSECUTIVE))

    everything = product(*(voicings(chord, ranges).tolist() for chord in chords))
    fewest = min(faults(np.array(rows)) for rows in everything)
    assert faults(lead(chords, ranges, key=key)) == fewest


@pytest.mark.parametrize("seed", range(8))
def test_four_parts_have_no_consecutive_fifths_or_octaves(seed: int) -> None:
    draw = np.random.default_rng(seed)
    key = Key.from_signature(int(draw.integers(-5, 6)), "minor" if seed % 2 else "major")
    chords = progression([str(word) for word in draw.choice(NUMERALS[key.is_minor], 64)], key)
    rows = lead(chords, key=key)
    score = score_of(rows, chords, key)
    assert violations(score, [*CONSECUTIVE, "crossing", "spacing", "doubling"]) == ()
    assert all(int(row[-1]) % 12 == chord.bass_pitch_class for row, chord in zip(rows, chords, strict=True))


def test_a_cadence_as_a_teacher_would_write_it() -> None:
    key = Key.parse("C")
    chords = progression("I vi IV ii V7 I V65 I V42 I6 IV I64 V7 I", key)
    assert violations(score_of(lead(chords, key=key), chords, key)) == ()


def test_voices_move_little() -> None:
    chords = [Chord.parse(symbol) for symbol in ("Dm7", "G7", "Cmaj7", "Fmaj7") * 4]
    rows = lead(chords)
    assert np.abs(np.diff(rows[:, :3], axis=0)).mean() < 2
    assert (lead(chords[:1] * 3) == lead(chords[:1])).all()
    assert lead(()).shape == (0, 4)


def test_many_voicings_are_thinned_without_new_faults() -> None:
    wide = [Range(28, 100, 1)] * 4
    chords = progression("I IV V7 vi ii V I", Key.parse("D"))
    assert max(len(voicings(chord, wide)) for chord in chords) > 200
    assert violations(score_of(lead(chords, wide), chords, Key.parse("D")), CONSECUTIVE) == ()


def test_sixty_four_chords_take_less_than_a_fifth_of_a_second() -> None:
    draw = np.random.default_rng(0)
    chords = progression([str(word) for word in draw.choice(NUMERALS[False], 64)], Key.parse("C"))
    lead(chords)
    start = time.process_time()
    lead(chords)
    assert time.process_time() - start < 0.2


@pytest.mark.parametrize("symbol", ["C", "Dm/F", "G7/D", "Bdim/D", "Fmaj7", "Am7/G", "F#m7b5", "Caug"])
def test_music21_hears_the_same_chord(symbol: str) -> None:
    from music21.chord import Chord as Theirs

    chord = Chord.parse(symbol)
    names = dict(zip(chord.pitch_classes, chord.spelled, strict=True))
    for row in voicings(chord).tolist():
        theirs = Theirs([str(Pitch(n, names[n % 12])).replace("b", "-") for n in row])
        if len(set(theirs.pitchClasses)) == len(chord.pitch_classes):
            assert theirs.root().pitchClass == chord.root_pitch_class
            assert theirs.inversion() == chord.inversion


def test_unfit_requests_say_so_in_one_line() -> None:
    with pytest.raises(UnknownNameError, match="no style of voicing is called 'wide': choose one of close, open"):
        voicings(Chord.parse("C"), style="wide")
    with pytest.raises(RequestError, match="G7 has no four-part voicing for 4 voices in these ranges"):
        lead([Chord.parse("G7")], [Range(60, 62, 1)] * 4)
    with pytest.raises(RequestError, match="one voice at least"):
        voicings(Chord.parse("C"), ())
