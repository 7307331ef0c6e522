"""Chord symbols between MusicXML's words (kind and degrees, as music21 holds them) and `theory.Chord`."""

from __future__ import annotations

from typing import Any

from theory.chord import DEGREES, Chord
from theory.errors import ChordNameError
from theory.pitch import fifths_of, name_of

# Kinds of MusicXML 4.0, in music21's spelling -> quality and degrees. A 13th is written without the 11th, as players
# understand it.
_OFFICIAL: dict[str, tuple[str, tuple[str, ...]]] = {
    "major": ("maj", ()), "minor": ("min", ()), "augmented": ("aug", ()), "diminished": ("dim", ()),
    "dominant-seventh": ("7", ()), "major-seventh": ("maj7", ()), "minor-seventh": ("m7", ()),
    "minor-major-seventh": ("mmaj7", ()), "diminished-seventh": ("dim7", ()),
    "augmented-seventh": ("7", ("#5",)), "half-diminished-seventh": ("m7b5", ()),
    "major-sixth": ("6", ()), "minor-sixth": ("m6", ()),
    "dominant-ninth": ("7", ("9",)), "major-ninth": ("maj7", ("9",)), "minor-ninth": ("m7", ("9",)),
    "dominant-11th": ("7", ("9", "11")), "major-11th": ("maj7", ("9", "11")), "minor-11th": ("m7", ("9", "11")),
    "dominant-13th": ("7", ("9", "13")), "major-13th": ("maj7", ("9", "13")), "minor-13th": ("m7", ("9", "13")),
    "suspended-second": ("sus2", ()), "suspended-fourth": ("sus4", ()), "power": ("5", ()),
}  # fmt: skip
# Kinds that only music21 knows, from its reading of ABC's symbols.
_OTHER: dict[str, tuple[str, tuple[str, ...]]] = {
    "augmented-major-seventh": ("maj7", ("#5",)), "seventh-flat-five": ("7", ("b5",)),
    "minor-major-ninth": ("mmaj7", ("9",)), "augmented-dominant-ninth": ("7", ("#5", "9")),
    "half-diminished-ninth": ("m7b5", ("9",)), "diminished-ninth": ("dim7", ("9",)),
    "suspended-fourth-seventh": ("7sus4", ()),
}  # fmt: skip
_QUALITIES = _OFFICIAL | _OTHER
_KINDS = {chord: kind for kind, chord in _OFFICIAL.items()}
# Qualities that are no kind: a kind and the seventh added to it (semitones from a major seventh).
_SEVENTHS = {"7sus4": ("sus4", -1), "maj7sus4": ("sus4", 0), "7sus2": ("sus2", -1), "maj7sus2": ("sus2", 0)}
_WITH_SEVENTH = {added: quality for quality, added in _SEVENTHS.items()}
_OCTAVE_UP = {2: 9, 4: 11, 6: 13}
_SIGNS = {-1: "b", 0: "", 1: "#"}


def chord_of(symbol: Any) -> Chord | None:
    """Chord of a `music21.harmony.ChordSymbol`; None is "no chord".

    Raises:
        ChordNameError: a chord that `theory.Chord` has no words for.
    """
    if "NoChord" in symbol.classes:
        return None
    if symbol.chordKind not in _QUALITIES or symbol.root() is None:
        raise ChordNameError(f"{symbol.figure!r} is no chord symbol that is known")
    quality, degrees = _QUALITIES[symbol.chordKind]
    for change in symbol.chordStepModifications:
        alter = int(change.interval.semitones) if change.interval else 0
        if change.degree == 7 and (quality, alter) in _WITH_SEVENTH:
            quality = _WITH_SEVENTH[quality, alter]
        else:
            degrees = _changed(degrees, change.modType, change.degree, alter)
    root, bass = (fifths_of(note.name.replace("-", "b")) for note in (symbol.root(), symbol.bass() or symbol.root()))
    return Chord(root, quality, degrees, bass)


def _changed(degrees: tuple[str, ...], change: str, degree: int, alter: int) -> tuple[str, ...]:
    """Degrees after one of MusicXML's changes: add, alter or subtract a degree."""
    natural = str(_OCTAVE_UP.get(degree, degree))
    name = f"no{degree}" if change == "subtract" else _SIGNS.get(alter, "?") + natural
    if name not in DEGREES:
        raise ChordNameError(f"a chord with {change} {degree} has no symbol here")
    return (*(held for held in degrees if change == "add" or held != natural), name)


def symbol_of(chord: Chord | None) -> Any:
    """The `music21.harmony.ChordSymbol` of a chord."""
    from music21 import harmony

    if chord is None:
        return harmony.NoChord()
    quality, degrees = chord.quality, chord.degrees
    kind = _KINDS.get((quality, degrees))
    changes = []
    if kind is None:
        quality, seventh = _SEVENTHS.get(quality, (quality, None))
        kind = _KINDS[quality, ()]
        changes = [] if seventh is None else [("add", 7, seventh)]
        changes += [_change(degree) for degree in degrees]
    root, bass = (name_of(place).replace("b", "-") for place in (chord.root, chord.bass))
    symbol: Any = harmony.ChordSymbol(root=root, bass=bass, kind=kind, updatePitches=False)
    for change in changes:
        symbol.addChordStepModification(harmony.ChordStepModification(*change), updatePitches=False)
    return symbol


def _change(degree: str) -> tuple[str, int, int]:
    """MusicXML's words for a degree: ("add", 9, -1) for b9."""
    if degree.startswith("no"):
        return "subtract", int(degree[2:]), 0
    sign, number = (degree[0], degree[1:]) if degree[0] in "b#" else ("", degree)
    kind = "alter" if number == "5" else "add"
    return kind, int(number), {"b": -1, "": 0, "#": 1}[sign]
