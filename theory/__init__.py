"""Music theory: pitch, rhythm, harmony, the score and its tokens. Standard library and NumPy, nothing else."""

from theory.chord import Chord
from theory.key import Key
from theory.meter import Meter
from theory.pitch import Pitch
from theory.score import (
    ChordEvent,
    KeyEvent,
    Marker,
    MeterEvent,
    Note,
    Score,
    TempoEvent,
    Track,
)

__all__ = [
    "Chord",
    "ChordEvent",
    "Key",
    "KeyEvent",
    "Marker",
    "Meter",
    "MeterEvent",
    "Note",
    "Pitch",
    "Score",
    "TempoEvent",
    "Track",
]
