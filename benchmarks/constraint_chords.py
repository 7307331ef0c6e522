"""Random chords for requests, each with the notes that it stands for; nothing of Cadenza is imported."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

from benchmarks.constraint_wish import BEATS, MINOR_THIRD, Harmony, Wish

_LETTERS = "FCGDAEB"  # on the line of fifths, C in place 0
_QUALITIES = {
    "": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11), "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10), "dim7": (0, 3, 6, 9), "aug": (0, 4, 8), "sus4": (0, 5, 7), "sus2": (0, 2, 7),
    "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "9": (0, 4, 7, 10, 2), "7sus4": (0, 5, 7, 10), "5": (0, 7),
    "7no3": (0, 7, 10),
}  # fmt: skip
_PLAIN_CHORDS = {
    "major": ("0", "2m", "4m", "5", "7", "7", "77", "9m", "27", "2m7", "11dim"),
    "minor": ("0m", "0m", "2dim", "3", "5m", "7", "77", "8", "10", "2m7b5", "11dim7"),
    "dorian": ("0m", "2m", "3", "5", "7m", "10"), "phrygian": ("0m", "1", "3", "5m", "8", "10m"),
    "mixolydian": ("0", "2m", "5", "7m", "9m", "10"),
}  # fmt: skip
# Numerals: semitones from the tonic, quality, which note of the chord is its bass.
_NUMERALS = {
    "major": {
        "I": (0, "", 0), "ii": (2, "m", 0), "iii": (4, "m", 0), "IV": (5, "", 0), "V": (7, "", 0), "vi": (9, "m", 0),
        "I6": (0, "", 1), "ii6": (2, "m", 1), "IV6": (5, "", 1), "V6": (7, "", 1), "vii°6": (11, "dim", 1),
        "V7": (7, "7", 0), "V65": (7, "7", 1), "V43": (7, "7", 2), "V42": (7, "7", 3), "ii7": (2, "m7", 0),
        "ii65": (2, "m7", 1), "vi7": (9, "m7", 0), "Imaj7": (0, "maj7", 0), "viiø7": (11, "m7b5", 0),
        "V7/V": (2, "7", 0), "V/vi": (4, "", 0), "V7/IV": (0, "7", 0), "vii°7/V": (6, "dim7", 0), "bVII": (10, "", 0),
        "iv": (5, "m", 0), "N6": (1, "", 1), "Cad64": (0, "", 2),
    },
    "minor": {
        "i": (0, "m", 0), "III": (3, "", 0), "iv": (5, "m", 0), "V": (7, "", 0), "v": (7, "m", 0), "VI": (8, "", 0),
        "VII": (10, "", 0), "i6": (0, "m", 1), "iv6": (5, "m", 1), "ii°6": (2, "dim", 1), "V6": (7, "", 1),
        "V7": (7, "7", 0), "V65": (7, "7", 1), "V42": (7, "7", 3), "iiø7": (2, "m7b5", 0), "iiø65": (2, "m7b5", 1),
        "iv7": (5, "m7", 0), "VII7": (10, "7", 0), "vii°7": (11, "dim7", 0), "V7/iv": (0, "7", 0), "V/V": (2, "", 0),
        "N6": (1, "", 1), "IV": (5, "", 0), "Cad64": (0, "m", 2),
    },
}  # fmt: skip
# How long each of so many chords in a bar lasts, in quarters.
_SHARES: dict[tuple[str, int], tuple[str, ...]] = {
    ("2/4", 1): ("2",), ("2/4", 2): ("1", "1"), ("2/4", 3): ("1", "1/2", "1/2"),
    ("3/4", 1): ("3",), ("3/4", 2): ("2", "1"), ("3/4", 3): ("1", "1", "1"),
    ("4/4", 1): ("4",), ("4/4", 2): ("2", "2"), ("4/4", 3): ("2", "1", "1"),
    ("6/8", 1): ("3",), ("6/8", 2): ("3/2", "3/2"), ("6/8", 3): ("1", "1", "1"),
    ("5/4", 1): ("5",), ("5/4", 2): ("3", "2"), ("5/4", 3): ("2", "2", "1"),
}  # fmt: skip


def name_of(place: int) -> str:
    """Name of a note by its place on the line of fifths."""
    octave, letter = divmod(place + 1, 7)
    return _LETTERS[letter] + ("#" * octave if octave > 0 else "b" * -octave)


def name_near(pitch_class: int, signature: int) -> str:
    """Name of a pitch class near a signature."""
    return name_of((pitch_class * 7 - signature + 5) % 12 - 5 + signature)


def progression(rng: Random, wish: Wish, length: int) -> tuple[str, list[Harmony]]:
    """Chords for so many bars, as text and as they lie in time; often the last two bars are a dominant and a tonic."""
    word, closes = _word_of(rng, wish), length > 1 and rng.random() < 0.6
    texts, placed = [], list[Harmony]()
    for bar in range(length):
        start, closing = bar * wish.bar, closes and bar >= length - 2
        if bar and not closing and rng.random() < 0.05:
            again = [chord for chord in placed if chord.start >= start - wish.bar]
            texts.append("%")
            placed += [chord._replace(start=chord.start + wish.bar) for chord in again]
            continue
        shares = tuple(map(Fraction, _SHARES[wish.meter, rng.choices((1, 2, 3), (6, 3, 1))[0]]))
        chords = [word() if rng.random() > 0.03 else ("N.C.", Harmony(Fraction(0))) for _ in shares]
        if closing:
            arrives = bar == length - 1
            chords[0 if arrives else -1] = _closing(rng, wish, arrives)
        texts.append(_bar([text for text, _ in chords], [share / BEATS[wish.meter] for share in shares], rng))
        for (_, chord), share in zip(chords, shares, strict=True):
            placed.append(chord._replace(start=start))
            start += share
    return " | ".join(texts), placed


def _bar(texts: list[str], beats: list[Fraction], rng: Random) -> str:
    """The chords of a bar, now and then with dots for the beats that they go on."""
    if rng.random() < 0.9 or any(beat.denominator > 1 for beat in beats):
        return " ".join(texts)
    return " ".join(" ".join((text, *"." * (int(beat) - 1))) for text, beat in zip(texts, beats, strict=True))


def _word_of(rng: Random, wish: Wish) -> Callable[[], tuple[str, Harmony]]:
    """How the chords of a progression are drawn: by numeral, by symbol, or at random."""
    if wish.mode in _NUMERALS and rng.random() < 0.4:
        return lambda: _numeral(rng, wish)
    if rng.random() < 0.15:
        return lambda: _symbol(rng, wish, rng.randrange(12), rng.choice(tuple(_QUALITIES)))
    return lambda: _plain_symbol(rng, wish)


def _closing(rng: Random, wish: Wish, arrives: bool) -> tuple[str, Harmony]:
    """The dominant before a last bar, the tonic in it."""
    minor = "m" if wish.mode in MINOR_THIRD else ""
    root, quality = (wish.tonic, minor) if arrives else (wish.tonic + 7, rng.choice(("", "7")))
    notes = [(root + note) % 12 for note in _QUALITIES[quality]]
    return name_near(root % 12, wish.signature) + quality, _harmony(notes, notes[0])


def _numeral(rng: Random, wish: Wish) -> tuple[str, Harmony]:
    text, (root, quality, bass) = rng.choice(tuple(_NUMERALS[wish.mode].items()))
    notes = [(wish.tonic + root + note) % 12 for note in _QUALITIES[quality]]
    return text, _harmony(notes, notes[bass])


def _plain_symbol(rng: Random, wish: Wish) -> tuple[str, Harmony]:
    text = rng.choice(_PLAIN_CHORDS[wish.mode])
    size = 2 if text[:2] in ("10", "11") else 1
    return _symbol(rng, wish, (wish.tonic + int(text[:size])) % 12, text[size:])


def _symbol(rng: Random, wish: Wish, root: int, quality: str) -> tuple[str, Harmony]:
    notes = [(root + note) % 12 for note in _QUALITIES[quality]]
    text, bass = name_near(root, wish.signature) + quality, root
    if rng.random() < 0.25:
        bass = rng.choice(notes[1:]) if rng.random() < 0.8 else rng.choice(sorted(wish.key_scale))
        text += f"/{name_near(bass, wish.signature)}"
    return text, _harmony(notes, bass)


def _harmony(notes: list[int], bass: int) -> Harmony:
    stands_for_third = (notes[1] - notes[0]) % 12 in range(2, 6)
    return Harmony(Fraction(0), frozenset(notes), notes[0], bass, notes[1] if stands_for_third else None)
