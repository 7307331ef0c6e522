"""Rules on a piece: as masks on every token, as an automaton before the first, and as a report after the last."""

from theory.constraint.automaton import Automaton, DeadEnd
from theory.constraint.base import Constraint, Held, Mask, States, allowed, narrowed
from theory.constraint.cadence import CADENCES, Cadence, FinalChord, FinalTonic
from theory.constraint.chords import BETWEEN, Chords, InScale, Script
from theory.constraint.clash import Clash, smallest_clash
from theory.constraint.domain import Domain, Frame
from theory.constraint.form import ExactForm, Fermatas, OnlyKinds
from theory.constraint.melody import Locked, MaxLeap, Range
from theory.constraint.played import Played
from theory.constraint.prospects import Prospects
from theory.constraint.rhythm import Density, Durations, Grid, Onsets, Resolution
from theory.constraint.room import Foresight, Room
from theory.constraint.texture import CompleteChords, NoCrossing, NoParallels, Polyphony

__all__ = [
    "BETWEEN",
    "CADENCES",
    "Automaton",
    "Cadence",
    "Chords",
    "Clash",
    "CompleteChords",
    "Constraint",
    "DeadEnd",
    "Density",
    "Domain",
    "Durations",
    "ExactForm",
    "Fermatas",
    "FinalChord",
    "FinalTonic",
    "Foresight",
    "Frame",
    "Grid",
    "Held",
    "InScale",
    "Locked",
    "Mask",
    "MaxLeap",
    "NoCrossing",
    "NoParallels",
    "OnlyKinds",
    "Onsets",
    "Played",
    "Polyphony",
    "Prospects",
    "Range",
    "Resolution",
    "Room",
    "Script",
    "States",
    "allowed",
    "narrowed",
    "smallest_clash",
]
