"""ABC files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from data import abc
from theory.chord import Chord
from theory.errors import FileFormatError, InputFileError, UnknownNameError
from theory.key import Key
from theory.pitch import name_of
from theory.score import Score

SHARED = Path(__file__).parents[3] / "shared"

BOOK = """% a book
M:6/8
L:1/8

X:1
T:The First
K:D
A|"D"d2d fdA|"A7/c+"G3 (3EFG A-|"G"A3 "^slowly"B3|{c}d6:|

X:7
T:The Second
M:4/4
K:Gm
"Gm"G2 ^F2 _A2 [Bd]2|z8|

X:7
T:Its Double
M:2/4
K:C
c4|
"""


def times(score: Score) -> list[tuple[str, Fraction, Fraction]]:
    """(name, onset and duration in quarters) of the first track's notes."""
    quarter = score.ticks_per_quarter
    return [
        (name_of(note.spelling or 0), Fraction(note.onset, quarter), Fraction(note.duration, quarter))
        for note in score.tracks[0]
    ]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.abc"
    path.write_text(BOOK, encoding="utf-8")
    return path


def test_a_tune_with_pickup_chords_triplet_and_tie(book: Path) -> None:
    score, left_out = abc.read_with_report(book)
    half = Fraction(1, 2)
    assert score.title == "The First"
    assert times(score)[:4] == [("A", 0, half), ("D", half, 1), ("D", Fraction(3, 2), half), ("F#", 2, half)]
    assert [duration for _, _, duration in times(score)[7:10]] == [Fraction(1, 3)] * 3
    assert times(score)[10] == ("A", Fraction(6), Fraction(2))  # A- | A3
    assert [str(event.meter) for event in score.meters] == ["1/8", "6/8"]
    assert score.pickup
    assert [event.key for event in score.keys] == [Key.parse("D major")]
    chords = [(event.chord, Fraction(event.tick, score.ticks_per_quarter)) for event in score.chords]
    assert chords == [
        (Chord.parse("D"), half),
        (Chord.parse("A7/C#"), Fraction(7, 2)),
        (Chord.parse("G"), Fraction(13, 2)),
    ]
    assert left_out == {"annotation": 1, "grace note": 1, "repeat": 1, "tune": 2}
    assert times(score)[11][0] == "B"  # the note under the annotation is there


def test_numbers_that_come_again_stay_apart(book: Path) -> None:
    assert list(abc.tunes(book)) == ["1", "7", "7.2"]
    second, double = (abc.read_with_report(book, number)[0] for number in ("7", "7.2"))
    assert [name for name, _, _ in times(second)] == ["G", "F#", "Ab", "Bb", "D"]
    assert second.keys[0].key == Key.parse("G minor")
    assert second.bars == 2
    assert double.title == "Its Double"
    assert str(double.meters[0].meter) == "2/4"
    with pytest.raises(UnknownNameError, match=r"1, 7, 7\.2"):
        abc.read_with_report(book, "8")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b" \n", "empty"), (b"MThd\0\0\0\6", "no text"), (b"Dear Sir,\nno tune.", "K: field"),
     (b"X:1\nT:Only a title\n", "K: field")],
)  # fmt: skip
def test_what_is_no_abc_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.abc"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message) as caught:
        abc.read(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"none\.abc"):
        abc.read(tmp_path / "none.abc")


def test_latin_1_of_old_transcriptions(tmp_path: Path) -> None:
    path = tmp_path / "old.abc"
    path.write_bytes("X:1\nT:Näcken\nL:1/4\nK:C\nCDEF|".encode("latin-1"))
    assert abc.read(path).title == "Näcken"


def test_real_tunes(capfd: pytest.CaptureFixture[str]) -> None:
    folder = SHARED / "corpora" / "nottingham" / "ABC_cleaned"
    if not folder.is_dir():
        pytest.skip("the Nottingham database is not beside the repository")
    path = folder / "ashover.abc"
    assert len(abc.tunes(path)) == 46
    score, _ = abc.read_with_report(path, "1")
    assert str(score.meters[0].meter) == "1/4"
    assert [str(event.chord) for event in score.chords[:5]] == ["G", "D", "G", "D", "G"]
    for number in list(abc.tunes(path))[::6]:
        score, left_out = abc.read_with_report(path, number)
        assert score.notes > 20
        assert "chord symbol" not in left_out
    assert capfd.readouterr() == ("", "")


def test_other_real_tunes() -> None:
    folder = SHARED / "testcases" / "midi" / "abc_files"
    if not folder.is_dir():
        pytest.skip("the test cases are not beside the repository")
    for path in sorted(folder.glob("*.abc")):
        assert abc.read(path).notes > 40


@pytest.mark.parametrize("content", ["X:1\nT:No key\n", "K:C\nX:1\nT:The key stands before\nX:2\n"])
def test_a_book_without_a_whole_tune_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.abc"
    path.write_text(content)
    for use in (abc.tunes, abc.read):
        with pytest.raises(FileFormatError, match="K: field"):
            use(path)


@pytest.mark.parametrize(
    "meter", ["M:1000/4", "M:99999/4", "M: 600 + 1/8", "M:6 0 0/4", "M:4/65536", "M:40/4+40/4", "  M:1000/4"]
)
def test_meters_beyond_all_bounds_are_left_out(tmp_path: Path, meter: str) -> None:
    path = tmp_path / "x.abc"  # music21 divides such bars for minutes, or without end
    path.write_text(f"X:1\nT:x\n{meter}\nL:1/4\nK:C\nCDEF|[M:99999/4]CDEF|\n")
    score, left_out = abc.read_with_report(path)
    assert (score.notes, left_out) == (8, {"meter": 2})
    path.write_text(
        "X:1\nT:x\nM:99999/4\nK:C\nC|\n"
    )  # neither meter nor length is left: an eighth, as the standard says
    assert times(abc.read(path)) == [("C", 0, Fraction(1, 2))]


@pytest.mark.parametrize(("said", "meter"), [("64/4", "64/4"), ("3+2/8", "5/8"), ("(2 + 3)/8", "5/8"), ("C|", "2/2")])
def test_meters_that_can_be(tmp_path: Path, said: str, meter: str) -> None:
    path = tmp_path / "x.abc"
    length = Fraction(meter) * 8
    path.write_text(f"X:1\nT:x\nM:{said}\nL:1/8\nK:C\nC{length}|D{length}|\n")
    score, left_out = abc.read_with_report(path)
    assert ([str(event.meter) for event in score.meters], left_out) == ([meter], {})
