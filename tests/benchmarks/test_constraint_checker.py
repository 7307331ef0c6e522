"""The judge of written pieces: that it shares nothing with what it judges, and hears what is broken."""

from __future__ import annotations

import ast
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from benchmarks import constraint_checker, constraint_witness
from benchmarks.constraint_checker import check
from benchmarks.constraint_wish import CADENCES, Harmony, Wish, cadence_chords
from benchmarks.hearing import Heard, Note

FOLDER = Path(constraint_checker.__file__).parent
INDEPENDENT = ("checker", "wish", "chords", "requests", "witness")
C_MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})
RANGES = dict(enumerate(((57, 81), (52, 76), (46, 70), (35, 64))))
METERS = ("4/4", "3/4", "2/4", "6/8", "5/4")


@pytest.mark.parametrize("name", [*(f"constraint_{name}" for name in INDEPENDENT), "hearing"])
def test_it_imports_nothing_of_cadenza(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not {module.split(".")[0] for module in imported} & {"theory", "data", "synth", "composer"}
    ours = {module.removeprefix("benchmarks.") for module in imported if module.startswith("benchmarks.")}
    assert ours <= {*(f"constraint_{name}" for name in INDEPENDENT), "hearing"}


def wish(**asked: object) -> Wish:
    """Two bars of C major in 4/4."""
    return replace(Wish("4/4", 2, 0, "major", 0, C_MAJOR, dict(RANGES)), **asked)  # type: ignore[arg-type]


def piece(*parts: str) -> Heard:
    """Parts as in "0 4 72, 4 8 71": from, to (in quarters) and pitch."""
    notes = [[note.split() for note in part.split(",") if note.strip()] for part in parts]
    read = (tuple(Note(Fraction(a), Fraction(b), int(pitch)) for a, b, pitch in part) for part in notes)
    return Heard(frozenset({"4/4"}), frozenset({"C"}), Fraction(8), tuple(read))


CADENCE = ("0 3 72, 3 4 71, 4 8 72", "0 8 67", "0 3 64, 3 4 62, 4 8 64", "0 3 60, 3 4 55, 4 8 48")


def with_part(part: int, notes: str) -> tuple[str, ...]:
    return (*CADENCE[:part], notes, *CADENCE[part + 1 :])


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        (CADENCE, ""),
        (with_part(0, "0 3 72, 3 4 74, 4 8 72"), "no third in [74, 67, 62, 55]"),  # no leading tone
        (with_part(2, "0 3 64, 3 4 62, 4 8 60"), "no third in [72, 67, 60, 48]"),
        (with_part(0, "0 3 72, 3 4 71, 4 8 76"), "soprano 76"),
        (with_part(0, "0 3 74, 3 8 72"), "part 0 begins no note"),
        (with_part(2, "0 3 64, 3 4 62, 4 7 64"), "part 2 is silent while the arrival is held"),
        (with_part(2, "0 3 64, 3 4 62, 4 6 64, 6 8 65"), "part 2: 65 while the arrival is held"),
        (with_part(3, "0 3 60, 3 4 47, 4 8 48"), "bass 47"),
        (with_part(3, "0 3 60, 3 7/2 55, 7/2 4 59, 4 8 48"), "bass before"),
        (with_part(3, "0 3 60, 3 4 55, 4 6 48, 6 8 52"), "the arrival's bass is not there"),
    ],
)
def test_cadences_have_their_thirds_and_are_held(parts: tuple[str, ...], fault: str) -> None:
    found = check(piece(*parts), wish(cadences=[(2, "perfect")]))["cadence"]
    assert (not found) if not fault else any(fault in line for line in found), found


def test_endings_are_held_from_the_last_strong_beat() -> None:
    assert check(piece(*CADENCE), wish(ends=True))["final tonic"] == []
    late = with_part(2, "0 3 64, 3 7 62, 7 8 64")
    assert check(piece(*late), wish(ends=True))["final tonic"] == ["part 2: 62 after bar 2 quarter 2"]
    silent = with_part(1, "0 6 67, 7 8 67")
    assert check(piece(*silent), wish(ends=True))["final tonic"] == ["part 1 is silent after bar 2 quarter 2"]
    assert check(piece(*silent), wish(ends=True, polyphony=3))["final tonic"] == []


def test_a_chord_without_a_third_needs_none() -> None:
    chord = Harmony(Fraction(0), frozenset({0, 7, 10}), 0, 0)
    heard = piece("0 8 70", "0 8 60", "0 8 60", "0 8 48")
    asked = wish(harmonies=(chord,), four_part=True, no_parallels=True)
    assert check(heard, asked)["thirds"] == []
    assert check(heard, replace(asked, harmonies=(chord._replace(third=4),)))["thirds"] != []


@pytest.mark.parametrize("mode", CADENCES)
def test_the_chords_of_cadences_have_their_thirds(mode: str) -> None:
    for kind in CADENCES[mode]:
        for chord in cadence_chords(wish(mode=mode), 2, kind):
            assert len(set(chord.classes)) == 3
            root = next(tone for tone in chord.classes if {(tone + 7) % 12, chord.third} <= set(chord.classes))
            assert (chord.third - root) % 12 in (3, 4)


def test_witnesses_are_drawn_alike_and_keep_what_is_asked(tmp_path: Path) -> None:
    """That each piece keeps what is read off it the writer has the checker confirm, or raises."""
    kinds = set()
    for index in range(12):
        first, second = (constraint_witness.draw(Random(f"test {index}"), METERS, tmp_path) for _ in range(2))
        assert first == second
        kinds |= first.arguments.keys()
    assert {"chords", "cadences", "ranges", "leaps", "density", "durations", "locks", "rules", "polyphony"} <= kinds
