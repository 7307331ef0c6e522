"""Sound: a score as a waveform, a sound file and a picture. Imports `theory` and nothing else of ours.

>>> audio = render(score)
>>> write(audio, "song.wav")
Written(path=PosixPath('song.wav'), gain_db=0.0)

Importing this loads NumPy, and neither FluidSynth, soundfile nor Matplotlib: those wait for the call that needs them.
"""

from synth.audio_file import Written, write, write_stems
from synth.library import fluidsynth_version
from synth.picture import draw
from synth.program import drum_name, instrument_name, program_of
from synth.renderer import DEFAULT_SAMPLE_RATE, Audio, render
from synth.soundfont import find_soundfont, sha256

__all__ = [
    "DEFAULT_SAMPLE_RATE", "Audio", "Written", "draw", "drum_name", "find_soundfont", "fluidsynth_version",
    "instrument_name", "program_of", "render", "sha256", "write", "write_stems",
]  # fmt: skip
