"""From a score to what a theorist would write: keys, chords, cadences, phrases, non-chord tones, voices.

All of it is heard from the notes and meters of any score, drums left out. The few weights were tuned on half of the
pieces (by a hash of their names) of four sets with written analyses, and checked on the other half; see
`theory.analysis.profiles`.
"""

from theory.analysis.cadence import KINDS, CadenceFound
from theory.analysis.chord_key import key_of_chords
from theory.analysis.key import key_correlations, pitch_class_durations
from theory.analysis.piece import Analysis, analyse, chord_events, estimate_key
from theory.analysis.region import ChordRegion, KeyRegion
from theory.analysis.voice import separate_voices

__all__ = [
    "KINDS",
    "Analysis",
    "CadenceFound",
    "ChordRegion",
    "KeyRegion",
    "analyse",
    "chord_events",
    "estimate_key",
    "key_correlations",
    "key_of_chords",
    "pitch_class_durations",
    "separate_voices",
]
