"""What chords sound like and where they stand: tables of probabilities.

Counted, as relative frequencies with a little added to each cell, on the tuning half (by a hash of the piece's name) of
four sets that count about alike: chorales of Bach and madrigals of Monteverdi with Roman numerals (music21's corpus),
folk tunes with chord symbols (Nottingham Music Database) and arrangements of pop songs (POP909). They are facts of
common practice, the same in all keys: nothing in them tells one piece from another.

Columns are semitones: above the chord's root in `PITCHES` and `BASSES`, above the tonic in the others.
"""

from __future__ import annotations

from typing import Final

# Per mille of the time of a chord for which each interval above its root sounds (all intervals of a chord add up).
PITCHES: Final[dict[str, tuple[int, ...]]] = {
    "maj": (321, 2, 31, 5, 273, 26, 7, 286, 3, 22, 9, 16),
    "min": (320, 3, 35, 280, 3, 28, 2, 275, 9, 7, 35, 4),
    "dim": (280, 37, 2, 294, 8, 26, 258, 5, 41, 8, 36, 4),
    "aug": (333, 20, 33, 85, 113, 52, 22, 3, 294, 22, 8, 14),
    "7": (246, 3, 29, 12, 187, 44, 1, 220, 14, 22, 218, 2),
    "maj7": (256, 8, 31, 3, 213, 5, 16, 211, 2, 38, 27, 190),
    "m7": (258, 3, 16, 219, 8, 26, 3, 211, 15, 13, 226, 1),
    "m7b5": (273, 28, 4, 217, 2, 42, 208, 5, 19, 11, 191, 2),
    "dim7": (202, 21, 4, 239, 5, 9, 218, 4, 9, 203, 75, 10),
}
# Per mille of that time for which each interval above the root is the lowest.
BASSES: Final[dict[str, tuple[int, ...]]] = {
    "maj": (695, 11, 25, 11, 118, 20, 12, 46, 11, 16, 15, 20),
    "min": (646, 12, 29, 132, 11, 22, 10, 67, 14, 11, 34, 13),
    "dim": (289, 31, 10, 484, 14, 31, 48, 12, 17, 10, 37, 18),
    "aug": (524, 22, 22, 58, 115, 22, 40, 22, 100, 22, 22, 34),
    "7": (515, 13, 19, 11, 147, 17, 10, 53, 24, 13, 168, 10),
    "maj7": (523, 35, 25, 17, 95, 21, 35, 103, 17, 28, 17, 84),
    "m7": (522, 16, 15, 212, 11, 30, 11, 61, 16, 11, 84, 11),
    "m7b5": (634, 16, 16, 160, 16, 21, 21, 16, 21, 16, 45, 16),
    "dim7": (420, 43, 29, 145, 43, 29, 87, 29, 29, 72, 29, 43),
}
# Of ten thousand new chords of a key, so many of each quality on each degree.
CHORDS: Final[dict[str, dict[str, tuple[int, ...]]]] = {
    "major": {
        "maj": (2766, 4, 123, 12, 107, 1170, 8, 1776, 10, 82, 49, 14),
        "min": (38, 3, 581, 2, 242, 33, 2, 36, 3, 774, 2, 18),
        "dim": (2, 2, 3, 2, 9, 2, 31, 2, 5, 2, 3, 173),
        "aug": (4, 2, 2, 3, 2, 2, 4, 2, 4, 2, 2, 13),
        "7": (91, 2, 79, 2, 47, 2, 2, 877, 2, 29, 2, 4),
        "maj7": (77, 3, 2, 2, 2, 107, 2, 4, 4, 3, 3, 3),
        "m7": (3, 3, 166, 2, 96, 5, 5, 6, 3, 112, 2, 14),
        "m7b5": (2, 5, 2, 2, 3, 2, 6, 2, 2, 2, 2, 43),
        "dim7": (2, 2, 2, 5, 2, 2, 4, 2, 5, 2, 2, 5),
    },
    "minor": {
        "maj": (348, 56, 61, 609, 4, 215, 4, 1117, 689, 2, 959, 4),
        "min": (2485, 2, 91, 4, 10, 677, 2, 570, 3, 15, 3, 2),
        "dim": (2, 2, 113, 2, 9, 2, 8, 4, 2, 40, 2, 171),
        "aug": (2, 2, 2, 4, 2, 2, 2, 2, 2, 2, 2, 2),
        "7": (47, 2, 41, 40, 2, 75, 2, 633, 2, 2, 101, 2),
        "maj7": (3, 3, 2, 39, 2, 3, 2, 2, 100, 2, 2, 2),
        "m7": (55, 2, 22, 2, 2, 86, 2, 120, 2, 14, 4, 2),
        "m7b5": (2, 2, 75, 2, 2, 2, 11, 2, 2, 21, 2, 2),
        "dim7": (2, 2, 2, 2, 21, 3, 40, 2, 2, 2, 2, 59),
    },
}
# Of a thousand new chords after one on each degree (rows: semitones from tonic to root), so many on each degree.
MOVES: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "major": (
        (109, 1, 132, 2, 30, 244, 1, 340, 1, 105, 7, 29),
        (245, 1, 149, 1, 34, 95, 3, 304, 1, 120, 28, 19),
        (120, 1, 51, 1, 31, 57, 5, 614, 3, 51, 2, 66),
        (180, 1, 173, 60, 94, 97, 3, 182, 21, 58, 116, 16),
        (141, 1, 91, 2, 87, 207, 6, 55, 6, 380, 2, 21),
        (342, 1, 97, 3, 57, 50, 1, 357, 1, 40, 6, 46),
        (103, 1, 144, 1, 16, 190, 13, 396, 1, 33, 13, 90),
        (634, 1, 29, 1, 38, 67, 3, 129, 2, 89, 4, 4),
        (193, 35, 83, 1, 24, 68, 2, 235, 53, 186, 106, 14),
        (128, 1, 216, 1, 92, 163, 20, 249, 2, 105, 4, 20),
        (347, 1, 83, 8, 11, 201, 9, 158, 1, 89, 25, 69),
        (697, 9, 10, 1, 117, 22, 3, 42, 3, 94, 1, 5),
    ),
    "minor": (
        (130, 1, 56, 47, 1, 169, 6, 335, 89, 8, 137, 23),
        (562, 50, 14, 25, 1, 69, 17, 145, 53, 3, 53, 7),
        (153, 1, 27, 52, 10, 30, 20, 640, 9, 1, 13, 45),
        (162, 48, 72, 26, 10, 102, 3, 171, 206, 26, 140, 34),
        (269, 2, 17, 31, 1, 403, 2, 180, 35, 4, 47, 9),
        (198, 4, 47, 49, 9, 56, 13, 320, 64, 10, 191, 39),
        (115, 2, 27, 24, 1, 84, 2, 670, 28, 3, 37, 7),
        (615, 2, 20, 33, 3, 99, 2, 103, 79, 5, 32, 8),
        (70, 2, 58, 119, 1, 140, 11, 260, 49, 20, 270, 1),
        (194, 1, 82, 37, 1, 69, 1, 209, 108, 2, 290, 5),
        (372, 3, 11, 267, 2, 82, 1, 143, 77, 3, 26, 15),
        (727, 1, 5, 9, 1, 14, 1, 143, 15, 1, 13, 71),
    ),
}
# Per mille of the time of a key for which each degree sounds.
KEYS: Final[dict[str, tuple[int, ...]]] = {
    "major": (213, 2, 125, 4, 165, 86, 6, 206, 5, 96, 6, 85),
    "minor": (192, 2, 126, 140, 15, 99, 5, 220, 52, 15, 85, 48),
}
# How likely a new chord begins at a place of each strength (`Meter.strength`), from between beats to the bar line:
# between what the sets say, which differ (Bach changes chords on two beats of three, folk tunes hardly within a bar).
CHANGE: Final = (0.03, 0.25, 0.52, 0.78)
