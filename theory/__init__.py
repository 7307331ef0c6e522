"""Music theory: pitch, rhythm, harmony, the score and its tokens. Standard library and NumPy, nothing else."""

from theory.chord import Chord
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.interval import Interval
from theory.key import Key
from theory.meter import Meter
from theory.pitch import Pitch
from theory.rhythm import Grid, NoteValue
from theory.scale import Scale
from theory.score import Note, Score, Track

__all__ = [
    "Chord", "ChordEvent", "Grid", "Interval", "Key", "KeyEvent", "Marker", "Meter", "MeterEvent", "Note", "NoteValue",
    "Pitch", "Scale", "Score", "TempoEvent", "Track",
]  # fmt: skip
