"""Roman numerals: what they mean in major and minor, round trips, and music21 as the oracle."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import pitch
from theory.chord import DEGREES, QUALITIES, Chord
from theory.errors import ChordNameError, KeyNameError
from theory.key import MODES, Key
from theory.roman_numeral import RomanNumeral, RomanNumeralError

C_MAJOR, C_MINOR = Key.parse("C"), Key.parse("c")
KEYS = st.builds(Key.from_signature, st.integers(-7, 7), st.sampled_from(list(MODES)))


@st.composite
def stacked_chords(draw: st.DrawFn) -> Chord:
    """Any quality, in root position or with one of its stacked thirds in the bass."""
    root, quality = draw(st.integers(-6, 10)), draw(st.sampled_from(list(QUALITIES)))
    notes = QUALITIES[quality][: 3 if quality in ("6", "m6") else 4]
    return Chord(root, quality, (), root + draw(st.sampled_from(notes)))


@pytest.mark.parametrize(
    ("numeral", "in_major", "in_minor"),
    [
        ("I", "C", "C"), ("i", "Cm", "Cm"), ("ii", "Dm", "Dm"), ("IV", "F", "F"), ("V", "G", "G"), ("v", "Gm", "Gm"),
        ("iii", "Em", "Ebm"), ("III", "E", "Eb"), ("bIII", "Eb", "Eb"), ("vi", "Am", "Am"), ("VI", "A", "Ab"),
        ("bVI", "Ab", "Ab"), ("VII", "B", "Bb"), ("bVII", "Bb", "Bb"), ("vii°", "Bdim", "Bdim"),
        ("#iv°", "F#dim", "F#dim"),
        ("I7", "Cmaj7", "C7"), ("IV7", "Fmaj7", "F7"), ("IVd7", "F7", "F7"), ("Imaj7", "Cmaj7", "Cmaj7"),
        ("imaj7", "Cm(maj7)", "Cm(maj7)"), ("V7", "G7", "G7"), ("ii65", "Dm7/F", "Dm7/F"),
        ("iiø43", "Dm7b5/Ab", "Dm7b5/Ab"),
        ("vii°42", "Bdim7/Ab", "Bdim7/Ab"), ("V9", "G9", "G7b9"), ("III+6", "Eaug/G#", "Ebaug/G"),
        ("V+7", "G7#5", "G7#5"),
        ("V7/V", "D7", "D7"), ("V65/ii", "A7/C#", "A7/C#"), ("vii°7/ii", "C#dim7", "C#dim7"), ("V/V/V", "A", "A"),
        ("V7/bII", "Ab7", "Ab7"), ("N6", "Db/F", "Db/F"), ("Cad64", "C/G", "Cm/G"), ("V7sus4", "G7sus4", "G7sus4"),
        ("Iadd9", "Cadd9", "Cadd9"), ("V7b9", "G7b9", "G7b9"), ("I64", "C/G", "C/G"),
    ],
)  # fmt: skip
def test_what_numerals_mean(numeral: str, in_major: str, in_minor: str) -> None:
    read = RomanNumeral.parse(numeral)
    assert (str(read.chord(C_MAJOR)), str(read.chord(C_MINOR))) == (in_major, in_minor)
    assert str(read) == numeral


SPELLINGS = {
    "vii°7": ["viio7", "viidim7", "viiº7", "vii °7"],
    "viiø7": ["vii%7", "vii/o7", "viiØ7", "viiø", "vii/o"],
    "viiø65/V": ["vii/o6/5/V"],
    "I64": ["I6/4", "Ⅰ64"],
    "V42": ["V2", "V4/2"],
    "Imaj7": ["IM7", "IΔ7", "IΔ"],
    "ii7": ["IIm7", "II-7", "iim7"],
    "bVI": ["♭VI"],
    "N6": ["N", "bII6"],
    "bII": ["N53"],
    "Ger65": ["Ger", "Ger+6", "Ger6/5"],
    "It6": ["It", "It+6"],
    "Fr43": ["Fr", "Fr4/3"],
    "V7no3": ["V7[no3]"],
    "V7b9#11": ["V7(b9)(#11)"],
}


@pytest.mark.parametrize("numeral", SPELLINGS)
def test_other_spellings(numeral: str) -> None:
    assert str(RomanNumeral.parse(numeral)) == numeral
    for other in SPELLINGS[numeral]:
        assert RomanNumeral.parse(other) == RomanNumeral.parse(numeral), other


@pytest.mark.parametrize(
    ("chord", "in_major", "in_minor"),
    [
        ("C", "I", "I"), ("Cm", "i", "i"), ("D7", "V7/V", "V7/V"), ("D", "V/V", "V/V"), ("E7/G#", "V65/vi", "#III65"),
        ("C7", "V7/IV", "V7/iv"), ("F", "IV", "IV"), ("F#dim7", "vii°7/V", "vii°7/V"),
        ("C#dim/E", "vii°6/ii", "vii°6/ii"),
        ("Bb", "bVII", "VII"), ("Bb7", "bVIId7", "VII7"), ("Ab", "bVI", "VI"), ("Abmaj7", "bVI7", "VI7"),
        ("Fm", "iv", "iv"),
        ("Db/F", "N6", "N6"), ("Ab7", "Ger65", "Ger65"), ("Ab7no5", "It6", "It6"), ("D7b5/Ab", "Fr43", "Fr43"),
        ("Bdim/D", "vii°6", "vii°6"), ("Dm7b5/F", "iiø65", "iiø65"), ("Am", "vi", "vi"), ("Adim", "vi°", "vi°"),
        ("G7b9", "V7b9", "V9"), ("G9", "V9", "V7add9"), ("Ebaug", "bIII+", "III+"), ("C/D", "I", "I"),
        ("C6/A", "vi7", "vi7"),
        ("C5/G", "I64no3", "i64no3"),
    ],
)  # fmt: skip
def test_which_numeral_a_chord_takes(chord: str, in_major: str, in_minor: str) -> None:
    read = Chord.parse(chord)
    assert (str(RomanNumeral.of(read, C_MAJOR)), str(RomanNumeral.of(read, C_MINOR))) == (in_major, in_minor)


@pytest.mark.parametrize(
    ("chord", "numeral"),
    [("F#m7b5", "viø7"), ("F#m7b5/A", "viø65"), ("F#dim", "vi°"), ("D7", "V7/VII"), ("G#dim7", "vii°7"), ("D", "IV")],
)
def test_raised_degrees_of_minor_are_its_own(chord: str, numeral: str) -> None:
    assert str(RomanNumeral.of(chord, "A minor")) == numeral
    assert str(RomanNumeral.parse(numeral).chord("A minor")) == chord


def test_keys_and_chords_by_name() -> None:
    assert RomanNumeral.of("F7/A", "Bb") == RomanNumeral.of(Chord.parse("F7/A"), Key.parse("Bb"))
    assert RomanNumeral.parse("V65").spelled("Bb") == Chord.parse("F7/A").spelled
    with pytest.raises(KeyNameError, match="'H minor' is no key"):
        RomanNumeral.parse("V").chord("H minor")
    with pytest.raises(KeyNameError, match="5 is no key: give one by name"):
        RomanNumeral.parse("V").chord(5)  # type: ignore[arg-type]


ORACLE_FIGURES = [
    "I", "i", "ii", "iii", "IV", "iv", "V", "v", "vi", "VI", "viio", "VII", "bVI", "bVII", "#vi", "#ivo", "#ivo7",
    "iio7",
    "I7", "i7", "ii7", "iiø7", "IV7", "V7", "vi7", "VI7", "bII7", "viio7", "viiø7", "III+", "III+6", "V+7", "IVd7",
    "bVId7",
    "V9", "I9", "ii9", "I6", "I64", "V65", "V43", "V42", "ii65", "viio42/V", "V7/V", "V65/ii", "V/vi", "V/VI", "V7/IV",
    "viio7/vi", "V/V/V", "N6", "Cad64", "Fr43", "Ger65", "It6", "io7", "Ger65/IV",
]  # fmt: skip


@pytest.mark.parametrize("key", ["C", "c", "A", "f#", "E-"])
@pytest.mark.parametrize("figure", ORACLE_FIGURES)
def test_notes_agree_with_music21(figure: str, key: str) -> None:
    from music21.roman import Minor67Default
    from music21.roman import RomanNumeral as Theirs

    cautionary = Minor67Default.CAUTIONARY
    theirs = Theirs(figure, key, sixthMinor=cautionary, seventhMinor=cautionary)
    ours = RomanNumeral.parse(figure)
    local = Key.parse(key.replace("-", "b"))
    names = {pitch.name_of(place) for place in ours.spelled(local)}
    assert names == {p.name.replace("-", "b") for p in theirs.pitches}
    assert ours.chord(local).bass_pitch_class == theirs.bass().pitchClass


@given(stacked_chords(), KEYS)
def test_a_chord_comes_back_from_its_numeral(chord: Chord, key: Key) -> None:
    numeral = RomanNumeral.of(chord, key)
    same = numeral.chord(key)
    assert same.pitch_classes == chord.pitch_classes
    assert same.bass_pitch_class == chord.bass_pitch_class
    assert RomanNumeral.parse(str(numeral)) == numeral


@pytest.mark.parametrize("mode", MODES)
def test_every_quality_on_every_root_comes_back_from_its_numeral(mode: str) -> None:
    for signature, quality, root in product((-5, 0, 4), QUALITIES, range(-6, 10)):
        key = Key.from_signature(signature, mode)
        for bass in (root, *(root + note for note in QUALITIES[quality][1:]), root + 10):  # the last may be foreign
            comes_back(Chord(root, quality, (), bass), key)


@pytest.mark.parametrize("key", ["C", "a", "D dorian"])
def test_every_pair_of_degrees_comes_back_from_its_numeral(key: str) -> None:
    for quality, pair in product(QUALITIES, combinations(DEGREES, 2)):
        comes_back(Chord(1, quality, pair, 1), Key.parse(key))
        comes_back(Chord(2, quality, pair, 2), Key.parse(key))


def comes_back(chord: Chord, key: Key) -> None:
    numeral = RomanNumeral.of(chord, key)
    same = numeral.chord(key)
    assert set(same.pitch_classes) == set(chord.pitch_classes), (str(chord), str(key), str(numeral))
    if chord.inversion in (0, 1, 2, 3):
        assert same.bass_pitch_class == chord.bass_pitch_class, (str(chord), str(key), str(numeral))
    assert RomanNumeral.parse(str(numeral)) == numeral


@given(st.sampled_from(ORACLE_FIGURES), KEYS)
def test_transposing_the_key_transposes_the_chord(figure: str, key: Key) -> None:
    numeral = RomanNumeral.parse(figure)
    moved = numeral.chord(key)
    home = numeral.chord(Key(0, key.mode))
    semitones = key.tonic_pitch_class
    assert moved.pitch_classes == tuple((p + semitones) % 12 for p in home.pitch_classes)


@pytest.mark.parametrize(
    "text",
    ["", " ", "C", "VIII", "iV", "I8", "V7/", "V7/H", "/V", "V4", "I54", "bbbVI", "VIIo", "i+", "V7/Ger65", "Ger43",
     "N7/",
     "vii°sus4", "V7foo", "V/" * 500 + "V", "I\x00", "Cad"],
)  # fmt: skip
def test_bad_numerals_say_so_in_one_line(text: str) -> None:
    with pytest.raises(RomanNumeralError, match="is no Roman numeral") as caught:
        RomanNumeral.parse(text)
    assert isinstance(caught.value, ChordNameError)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="IViv/o°ø+b#6543279majdsusNGerFtC()[]1 ", max_size=12))
def test_any_text_is_a_numeral_or_a_clear_error(text: str) -> None:
    try:
        numeral = RomanNumeral.parse(text)
    except RomanNumeralError:
        return
    assert RomanNumeral.parse(str(numeral)) == numeral
    assert set(numeral.chord(C_MINOR).pitch_classes)


@pytest.mark.parametrize(
    "fields",
    [(0,), (8,), (1, 3), (1, 0, "major"), (1, 0, "hdim"), (1, 0, "dim", 7, "d"), (1, 0, "maj", 0, "", 3),
     (1, 0, "maj", 0, "", 0, ("b7",))],
)  # fmt: skip
def test_fields_outside_the_tables_are_refused(fields: tuple[int, ...]) -> None:
    with pytest.raises(RomanNumeralError):
        RomanNumeral(*fields)
