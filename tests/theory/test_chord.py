"""Chord symbols: common spellings, round trips, and music21 as the oracle."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import pitch
from theory.chord import DEGREES, PLACES, QUALITIES, Chord
from theory.errors import ChordNameError

NOTES = st.sampled_from(PLACES)
CHORDS = st.builds(
    Chord, NOTES, st.sampled_from(list(QUALITIES)), st.lists(st.sampled_from(list(DEGREES))).map(tuple), NOTES
)

# The canonical symbol, other spellings of the same chord, and its notes over C.
SYMBOLS = {
    "C": ("C E G", ["CM", "Cmaj", "CMaj", "C major"]),
    "Cm": ("C Eb G", ["C-", "Cmin", "Cmi", "c", "cm", "CMIN"]),
    "Cdim": ("C Eb Gb", ["C°", "Co", "Cdim", "Cm(b5)", "CDim"]),
    "Caug": ("C E G#", ["C+", "C(#5)", "C(♯5)"]),
    "C5": ("C G", ["Cno3", "C(no3)", "C(omit3)", "Cm(no3)"]),
    "Csus2": ("C D G", []),
    "Csus4": ("C F G", ["Csus"]),
    "C6": ("C E G A", ["CM6", "Cmaj6", "Cadd13", "Cadd6"]),
    "Cm6": ("C Eb G A", ["C-6", "Cmin6"]),
    "C6/9": ("C E G A D", ["C69", "C6(9)", "C6add9"]),
    "C7": ("C E G Bb", ["Cdom7", "C⁷"]),
    "Cmaj7": ("C E G B", ["CM7", "CΔ", "CΔ7", "C△7", "Cma7", "CMaj7", "C^7", "C(maj7)", "C maj7"]),
    "Cm7": ("C Eb G Bb", ["C-7", "Cmin7", "Cmi7", "CMin7"]),
    "Cm(maj7)": ("C Eb G B", ["CmM7", "Cmmaj7", "CminMaj7", "C-Δ7", "CmΔ", "C-maj7"]),
    "Cm7b5": ("C Eb Gb Bb", ["Cø", "Cø7", "CØ7", "C-7b5", "Cmin7(b5)", "Cm7♭5", "Chalf-dim7"]),
    "Cdim7": ("C Eb Gb Bbb", ["C°7", "Co7"]),
    "C7#5": ("C E G# Bb", ["C+7", "Caug7", "C7+", "C7+5", "C7aug"]),
    "C7b5": ("C E Gb Bb", ["C7-5", "C7(b5)"]),
    "Cmaj7#5": ("C E G# B", ["C+maj7", "CaugM7", "CΔ7#5"]),
    "C7sus4": ("C F G Bb", ["C7sus"]),
    "C9": ("C E G Bb D", ["C7add9", "C7(9)"]),
    "Cmaj9": ("C E G B D", ["CM9", "CΔ9", "Cmaj7(9)"]),
    "Cm9": ("C Eb G Bb D", ["C-9"]),
    "C9sus4": ("C F G Bb D", ["C9sus"]),
    "C11": ("C E G Bb D F", []),
    "Cm11": ("C Eb G Bb D F", ["C-11"]),
    "C13": ("C E G Bb D A", ["C9(13)"]),
    "Cmaj13": ("C E G B D A", ["CM13"]),
    "C13b9": ("C E G Bb Db A", ["C13(b9)", "C7b9add13", "C7(b9,13)"]),
    "C7b9": ("C E G Bb Db", ["C7-9", "C7(b9)", "C7addb9", "C7 ♭9"]),
    "C7#9": ("C E G Bb D#", ["C7+9", "C7(#9)"]),
    "C7b9#11": ("C E G Bb Db F#", ["C7(b9,#11)", "C7(b9)(#11)", "C7#11b9", "C7b9#4"]),
    "C7b5#5b9#9": ("C E Gb G# Bb Db D#", ["C7alt", "Calt"]),
    "Cmaj7#11": ("C E G B F#", ["CM7(#11)", "CΔ7#11"]),
    "C7b13": ("C E G Bb Ab", ["C7(b6)"]),
    "Cadd9": ("C E G D", ["C(add9)", "Cadd2", "C(9)"]),
    "Cmadd9": ("C Eb G D", ["Cm(add9)", "C-add9"]),
    "C(b9)": ("C E G Db", ["Cadd(b9)", "Caddb9"]),
    "C(b5)": ("C E Gb", []),
    "C7no5": ("C E Bb", ["C7(omit5)", "C7no5th"]),
}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_symbols_and_their_spellings(symbol: str) -> None:
    notes, others = SYMBOLS[symbol]
    chord = Chord.parse(symbol)
    assert str(chord) == symbol
    assert " ".join(map(pitch.name_of, chord.spelled)) == notes
    for other in others:
        assert Chord.parse(other) == chord, other


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_combination_of_the_tables_reads_back(quality: str) -> None:
    seen: dict[str, Chord] = {}
    for count in range(4):
        for degrees in combinations(DEGREES, count):
            chord = Chord(0, quality, degrees, 0)
            assert Chord.parse(str(chord)) == chord
            assert seen.setdefault(str(chord), chord) == chord


@given(CHORDS)
def test_any_chord_reads_back_and_stands_for_its_fields(chord: Chord) -> None:
    same = Chord.parse(str(chord))
    assert same == chord
    assert hash(same) == hash(chord)
    assert Chord(chord.root, chord.quality, chord.degrees[::-1], chord.bass) == chord
    assert str(chord).isascii()


@given(CHORDS)
def test_notes_are_spelled_and_distinct(chord: Chord) -> None:
    assert len(set(chord.spelled)) == len(chord.spelled) >= 1
    assert chord.spelled[0] == chord.root
    assert set(chord.pitch_classes) == {pitch.pitch_class_of(place) for place in chord.spelled}
    assert chord.pitch_classes[0] == chord.root_pitch_class
    if chord.inversion is not None:
        assert chord.pitch_classes[chord.inversion] == chord.bass_pitch_class
    assert chord.is_inverted == (chord.inversion != 0)


@given(CHORDS, st.integers(-14, 14), st.integers(-7, 7))
def test_transposing_moves_every_note(chord: Chord, semitones: int, signature: int) -> None:
    moved = chord.transpose(semitones, signature)
    assert (moved.quality, moved.degrees) == (chord.quality, chord.degrees)
    assert moved.pitch_classes == tuple((p + semitones) % 12 for p in chord.pitch_classes)
    assert moved.bass_pitch_class == (chord.bass_pitch_class + semitones) % 12
    assert -5 <= moved.root - signature <= 6


def test_transposing_spells_as_the_key_does() -> None:
    assert str(Chord.parse("C/E").transpose(1)) == "Db/F"
    assert str(Chord.parse("Am7/G").transpose(4, signature=4)) == "C#m7/B"
    assert str(Chord.parse("G7").transpose_fifths(-7)) == "Gb7"


ORACLE_FIGURES = [
    "C", "Cm", "Cdim", "C+", "C7", "Cmaj7", "Cm7", "CmM7", "C+7", "C+M7", "Cm7b5", "Cdim7", "C6", "Cm6", "C9", "CM9",
    "Cm9", "C11", "CM11", "Cm11", "Csus2", "Csus4", "C7sus4", "F#m7", "E7", "Gm9", "Dsus4", "A/C#", "G7/B", "Ddim7",
]  # fmt: skip


@pytest.mark.parametrize("figure", ORACLE_FIGURES)
def test_notes_agree_with_music21(figure: str) -> None:
    from music21.harmony import ChordSymbol

    theirs = ChordSymbol(figure)
    ours = Chord.parse(figure)
    assert {pitch.name_of(place) for place in ours.spelled} == {p.name.replace("-", "b") for p in theirs.pitches}
    assert ours.bass_pitch_class == theirs.bass().pitchClass
    assert ours.root_pitch_class == theirs.root().pitchClass


def test_inversions() -> None:
    assert [Chord.parse(s).inversion for s in ("C", "C/E", "C/G", "C7/Bb", "C/D", "C/e")] == [0, 1, 2, 3, None, 1]
    assert [Chord.parse(s).is_inverted for s in ("C", "C/C", "C/E", "C/D")] == [False, False, True, True]
    assert str(Chord.parse("C6/9/E")) == "C6/9/E"
    assert Chord.parse("Dm7/G").pitch_classes == (2, 5, 9, 0)  # a foreign bass is no chord note


def test_a_flat_after_the_root_belongs_to_it() -> None:
    assert Chord.parse("Cb9").root == pitch.fifths_of("Cb")
    assert Chord.parse("Bb5").quality == "5"
    assert Chord.parse("C(b9)").root == 0


@pytest.mark.parametrize(
    "text",
    ["", " ", "H", "Cmaj99", "Cfoo", "C/", "C//E", "C/H", "C7/E/G", "Cm5", "Cdim6", "C79", "C7/13", "N.C.", "maj7",
     "/E", "Cb15", "Cmmaj6", "C7b7", "Csus3", "C" * 500, "C\nm", "Dm | G7"],
)  # fmt: skip
def test_bad_symbols_say_so_in_one_line(text: str) -> None:
    if text == "C\nm":
        assert Chord.parse(text) == Chord.parse("Cm")  # white space counts for nothing
        return
    with pytest.raises(ChordNameError, match="is no chord symbol") as caught:
        Chord.parse(text)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="CDEGABcmMajindsu#b+-°ø/()679135,24Δ ", max_size=12))
def test_any_text_is_a_chord_or_a_clear_error(text: str) -> None:
    try:
        chord = Chord.parse(text)
    except ChordNameError:
        return
    assert Chord.parse(str(chord)) == chord


@pytest.mark.parametrize(
    ("symbol", "third", "seventh"),
    [("C", 4, None), ("Fm7/Eb", 8, 3), ("C7no3", None, 10), ("C5", None, None), ("Gsus4", 0, None), ("G7sus2", 9, 5),
     ("C#dim7", 4, 10), ("Am6", 0, None), ("Bbmaj7no5", 2, 9), ("C7b9no3", None, 10), ("Dadd9", 6, None)],
)  # fmt: skip
def test_third_and_seventh_are_found_by_their_place(symbol: str, third: int | None, seventh: int | None) -> None:
    chord = Chord.parse(symbol)
    assert (chord.third, chord.seventh) == (third, seventh)


@pytest.mark.parametrize("fields", [(0, "major", (), 0), (0, "7", ("b7",), 0), (40, "7", (), 0), (0, "7", (), -16)])
def test_fields_outside_the_tables_are_refused(fields: tuple[int, str, tuple[str, ...], int]) -> None:
    with pytest.raises(ChordNameError):
        Chord(*fields)


def test_the_tables_keep_their_order() -> None:
    """Their places are token ids: names may be appended, never moved."""
    assert list(QUALITIES)[:19] == [
        "maj", "min", "dim", "aug", "sus2", "sus4", "5", "6", "m6", "7", "maj7", "m7", "mmaj7", "m7b5", "dim7", "7sus4",
        "maj7sus4", "7sus2", "maj7sus2",
    ]  # fmt: skip
    assert list(DEGREES)[:11] == ["b5", "#5", "b9", "9", "#9", "11", "#11", "b13", "13", "no3", "no5"]
