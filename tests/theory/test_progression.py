"""Progressions: bars of chords, functions, applied and borrowed chords, pivots; music21 as the oracle."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.chord import Chord
from theory.errors import ChordNameError, RequestError, RomanNumeralError
from theory.key import MODES, Key
from theory.meter import Meter
from theory.progression import (
    FUNCTIONS,
    borrowed_chords,
    diatonic_chords,
    function_of,
    parse_chord,
    parse_progression,
    pivot_chords,
    progression,
    secondary_dominants,
)

D_MINOR, C_MAJOR = Key.parse("d"), Key.parse("C")
KEYS = st.builds(Key.from_signature, st.integers(-7, 7), st.sampled_from(list(MODES)))
METERS = [Meter.parse(text) for text in ("2/4", "3/4", "4/4", "6/8", "5/4", "7/8", "12/8", "2/2", "1/4")]


def written(text: str, meter: str = "4/4", key: Key = D_MINOR) -> str:
    """Bars and beats as in "1 Dm, 1.3 Gm"."""
    placed = parse_progression(text, key, Meter.parse(meter))
    beat = Meter.parse(meter).beat_quarters
    return ", ".join(f"{bar + 1}.{quarters / beat + 1} {chord or 'N.C.'}" for bar, quarters, chord in placed)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Dm | Gm | A7 | Dm", "1.1 Dm, 2.1 Gm, 3.1 A7, 4.1 Dm"),
        ("i | iv | V7 | i", "1.1 Dm, 2.1 Gm, 3.1 A7, 4.1 Dm"),
        ("| Dm | iv | V7 | d |", "1.1 Dm, 2.1 Gm, 3.1 A7, 4.1 Dm"),
        ("Dm Gm | A7", "1.1 Dm, 1.3 Gm, 2.1 A7"),
        ("Dm Gm A7 | i", "1.1 Dm, 1.3 Gm, 1.4 A7, 2.1 Dm"),
        ("Dm Gm C F | i", "1.1 Dm, 1.2 Gm, 1.3 C, 1.4 F, 2.1 Dm"),
        ("Dm . . A7 | i", "1.1 Dm, 1.4 A7, 2.1 Dm"),
        ("Dm / Gm / | i", "1.1 Dm, 1.3 Gm, 2.1 Dm"),
        ("Dm A7 | % | %", "1.1 Dm, 1.3 A7, 2.1 Dm, 2.3 A7, 3.1 Dm, 3.3 A7"),
        ("Dm | . . Gm .", "1.1 Dm, 2.1 Dm, 2.3 Gm"),
        ("N.C. | b | bb | bVI | d | D", "1.1 N.C., 2.1 Bm, 3.1 Bbm, 4.1 Bb, 5.1 Dm, 6.1 D"),
        ("Dm | Gm\nA7 | Dm", "1.1 Dm, 2.1 Gm, 3.1 A7, 4.1 Dm"),
        ("| Dm | Gm |\n\n| A7 || Dm |]", "1.1 Dm, 2.1 Gm, 3.1 A7, 4.1 Dm"),
        ("N6 | Ger65 | Cad64 | V", "1.1 Eb/G, 2.1 Bb7, 3.1 Dm/A, 4.1 A"),
        ("Dm7b5 G7 Cm7 F7 Bb | i", "1.1 Dm7b5, 1.2 G7, 1.3 Cm7, 1.4 F7, 1.9/2 Bb, 2.1 Dm"),
    ],
)
def test_bars_as_typed(text: str, result: str) -> None:
    assert written(text) == result


@pytest.mark.parametrize(
    ("meter", "text", "beats"),
    [
        ("5/4", "Dm A7", "1 4"), ("5/4", "Dm Gm A7", "1 3 5"), ("3/4", "Dm A7", "1 3"), ("3/4", "Dm Gm A7", "1 2 3"),
        ("6/8", "Dm A7", "1 2"), ("6/8", "Dm Gm A7", "1 5/3 7/3"), ("6/8", "Dm Gm A7 d", "1 5/3 2 8/3"),
        ("12/8", "Dm A7", "1 3"), ("7/8", "Dm Gm A7", "1 3 5"), ("2/2", "Dm A7", "1 2"), ("4/4", "d g d g d g d g",
        "1 3/2 2 5/2 3 7/2 4 9/2"), ("5/4", "Dm . . A7 .", "1 4"),
    ],
)  # fmt: skip
def test_chords_share_the_beats_of_a_bar(meter: str, text: str, beats: str) -> None:
    placed = parse_progression(text, D_MINOR, Meter.parse(meter))
    assert [quarters / Meter.parse(meter).beat_quarters + 1 for _, quarters, _ in placed] == [
        Fraction(beat) for beat in beats.split()
    ]


@given(st.integers(1, 16), st.sampled_from(METERS))
def test_any_number_of_chords_fits_or_is_refused(count: int, meter: Meter) -> None:
    try:
        placed = parse_progression(" ".join(["Dm"] * count), D_MINOR, meter)
    except RequestError as error:
        assert "too many chords" in str(error)  # noqa: PT017
        assert count > 4 * meter.beats
        return
    starts = [quarters for _, quarters, _ in placed]
    lengths = [b - a for a, b in zip(starts, [*starts[1:], meter.bar_quarters], strict=True)]
    assert starts[0] == 0
    assert min(lengths) > 0
    assert sum(lengths) == meter.bar_quarters
    if count <= meter.beats and meter.beats % count == 0 and count != len(meter.grouping()):
        assert len(set(lengths)) == 1


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("Dm | | Gm", RequestError, "bar 2 is empty"),
        ("Dm | Gm | Hm", ChordNameError, "bar 3: 'Hm' is no chord symbol"),
        ("Dm | Gm | VX", ChordNameError, "bar 3: 'VX' is no Roman numeral"),
        ("% | Dm", RequestError, "bar 1"),
        (". Dm . .", RequestError, "bar 1: no chord stands before the dot"),
        ("Dm | Dm . A7", RequestError, "bar 2: chords and dots make 3 beats, 4/4 has 4"),
        ("Dm | Dm %", ChordNameError, "bar 2: '%'"),
        ("", RequestError, "without chords"),
        (" | ", RequestError, "without chords"),
        ("Dm " * 50, RequestError, "bar 1: too many chords for a bar of 4/4"),
        ("||: Dm :|", ChordNameError, "bar 1: ':'"),
    ],
)
def test_errors_name_the_bar_in_one_line(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        parse_progression(text, D_MINOR, Meter())
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="DGAdgab7m| .%/IViv\nN.C#", max_size=30))
def test_any_text_is_a_progression_or_a_clear_error(text: str) -> None:
    try:
        placed = parse_progression(text, D_MINOR, Meter())
    except RequestError:
        return
    assert placed[0][:2] == (0, 0)
    assert [chord[:2] for chord in placed] == sorted(chord[:2] for chord in placed)
    assert {chord.bar for chord in placed} == set(range(placed[-1].bar + 1))


def test_progressions_by_numeral_and_function() -> None:
    assert [str(chord) for chord in progression("ii V I", Key.parse("Eb"))] == ["Fm", "Bb", "Eb"]
    assert [str(chord) for chord in progression("ii7, V7/V, V7, Imaj7", C_MAJOR)] == ["Dm7", "D7", "G7", "Cmaj7"]
    assert [str(chord) for chord in progression(["I", "bVI", "iv", "C"], C_MAJOR)] == ["C", "Ab", "Fm", "C"]
    assert [str(c) for c in progression("tonic predominant dominant tonic", D_MINOR)] == ["Dm", "Gm", "A", "Dm"]
    with pytest.raises(ChordNameError, match="'subdominant' is no chord symbol"):
        progression("tonic subdominant", C_MAJOR)


def test_keys_by_name() -> None:
    assert [str(chord) for chord in progression("ii V", "Bb")] == ["Cm", "F"]
    assert str(parse_chord("V7", "D minor")) == "A7"
    assert str(parse_progression("V7", "D minor", Meter())[0].chord) == "A7"
    assert diatonic_chords("Bb") == diatonic_chords(Key.parse("Bb"))
    assert secondary_dominants("d") == secondary_dominants(D_MINOR)
    assert borrowed_chords("C") == borrowed_chords(C_MAJOR)
    assert pivot_chords("C", "a") == pivot_chords(C_MAJOR, Key.parse("a"))
    assert function_of(Chord.parse("G7"), "C") == "dominant"


@pytest.mark.parametrize(
    ("numerals", "key", "message"),
    [(5, "C", "a progression of 5: write numerals"), (["I", 5], "C", r"a progression of \['I', 5\]: write"),
     (None, "C", "a progression of None"), ("I", "H", "'H' is no key"), ("I", 5, "5 is no key: give one by name")],
)  # fmt: skip
def test_what_is_no_progression_or_no_key_is_one_line(numerals: object, key: object, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        progression(numerals, key)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_numeral_that_is_none_has_the_exit_code_of_the_table() -> None:
    with pytest.raises(RomanNumeralError, match="'VIII' is no Roman numeral") as caught:
        parse_progression("I | VIII", C_MAJOR, Meter())
    assert caught.value.exit_code == 16


@pytest.mark.parametrize("minor", FUNCTIONS)
def test_every_chord_of_the_table_has_its_function(minor: bool) -> None:
    key = Key.parse("e" if minor else "E")
    for name, numerals in FUNCTIONS[minor].items():
        assert {function_of(parse_chord(numeral, key), key) for numeral in numerals} == {name}
    assert function_of(Chord.parse("Bb"), key) is None
    assert function_of(parse_chord("i64" if minor else "I64", key), key) == "dominant"


def test_applied_and_borrowed_chords() -> None:
    assert [f"{n}: {c}" for n, c in secondary_dominants(C_MAJOR)] == [
        "V7/ii: A7", "V7/iii: B7", "V7/IV: C7", "V7/V: D7", "V7/vi: E7",
    ]  # fmt: skip
    assert [str(numeral) for numeral, _ in borrowed_chords(C_MAJOR)] == ["i", "ii°", "bIII", "iv", "v", "bVI", "bVII"]
    assert [str(numeral) for numeral, _ in borrowed_chords(D_MINOR)] == ["I", "ii", "#iii", "IV", "vi"]
    assert "iiø7" in [str(numeral) for numeral, _ in borrowed_chords(C_MAJOR, sevenths=True)]


def test_pivots() -> None:
    pivots = pivot_chords(C_MAJOR, Key.parse("a"))
    assert [f"{p.chord}: {p.first} = {p.second}" for p in pivots] == [
        "C: I = III", "Dm: ii = iv", "Em: iii = v", "F: IV = VI", "G: V = VII", "Am: vi = i", "Bdim: vii° = ii°",
    ]  # fmt: skip
    assert pivot_chords(C_MAJOR, Key.parse("F#")) == ()
    assert len(pivot_chords(Key.parse("C#"), Key.parse("Db"))) == 7  # as they sound
    assert [str(p.chord) for p in pivot_chords(C_MAJOR, Key.parse("G"), sevenths=True)] == ["Cmaj7", "Em7", "Am7"]


@given(KEYS, KEYS, st.booleans())
def test_pivots_belong_to_both_keys(first: Key, second: Key, sevenths: bool) -> None:
    for chord, one, other in pivot_chords(first, second, sevenths=sevenths):
        assert one.chord(first) == chord
        assert set(other.chord(second).pitch_classes) == set(chord.pitch_classes)
        leading = (second.tonic_pitch_class - 1) % 12
        assert set(chord.pitch_classes) <= {*second.pitch_classes, leading}


@pytest.mark.parametrize("sevenths", [False, True])
@pytest.mark.parametrize("name", ["C", "d", "F#", "Eb", "g#"])
def test_diatonic_chords_agree_with_music21(name: str, sevenths: bool) -> None:
    from music21.key import Key as Theirs

    key = Key.parse(name)
    scale = [p.pitchClass for p in Theirs(name.replace("b", "-")).pitches[:7]]
    for degree, (_, chord) in enumerate(diatonic_chords(key, sevenths=sevenths)[:7]):
        steps = (0, 2, 4, 6) if sevenths else (0, 2, 4)
        assert chord.pitch_classes == tuple(scale[(degree + step) % 7] for step in steps)
