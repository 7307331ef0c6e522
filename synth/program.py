"""General MIDI's instruments, drum kits and drums by name.

Instruments: General MIDI 1 Sound Set. Drum kits and drums: General MIDI 2 (RP-024), Appendix B. Numbers count from 0,
as on the wire; printed tables often count programs from 1.
"""

from __future__ import annotations

import difflib

from theory.errors import RequestError, UnknownNameError

INSTRUMENTS = (
    "Acoustic Grand Piano", "Bright Acoustic Piano", "Electric Grand Piano", "Honky-tonk Piano",
    "Electric Piano 1", "Electric Piano 2", "Harpsichord", "Clavinet",
    "Celesta", "Glockenspiel", "Music Box", "Vibraphone", "Marimba", "Xylophone", "Tubular Bells", "Dulcimer",
    "Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ",
    "Reed Organ", "Accordion", "Harmonica", "Tango Accordion",
    "Acoustic Guitar (nylon)", "Acoustic Guitar (steel)", "Electric Guitar (jazz)", "Electric Guitar (clean)",
    "Electric Guitar (muted)", "Overdriven Guitar", "Distortion Guitar", "Guitar Harmonics",
    "Acoustic Bass", "Electric Bass (finger)", "Electric Bass (pick)", "Fretless Bass",
    "Slap Bass 1", "Slap Bass 2", "Synth Bass 1", "Synth Bass 2",
    "Violin", "Viola", "Cello", "Contrabass",
    "Tremolo Strings", "Pizzicato Strings", "Orchestral Harp", "Timpani",
    "String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2",
    "Choir Aahs", "Voice Oohs", "Synth Voice", "Orchestra Hit",
    "Trumpet", "Trombone", "Tuba", "Muted Trumpet", "French Horn", "Brass Section", "Synth Brass 1", "Synth Brass 2",
    "Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax", "Oboe", "English Horn", "Bassoon", "Clarinet",
    "Piccolo", "Flute", "Recorder", "Pan Flute", "Blown Bottle", "Shakuhachi", "Whistle", "Ocarina",
    "Lead 1 (square)", "Lead 2 (sawtooth)", "Lead 3 (calliope)", "Lead 4 (chiff)",
    "Lead 5 (charang)", "Lead 6 (voice)", "Lead 7 (fifths)", "Lead 8 (bass and lead)",
    "Pad 1 (new age)", "Pad 2 (warm)", "Pad 3 (polysynth)", "Pad 4 (choir)",
    "Pad 5 (bowed)", "Pad 6 (metallic)", "Pad 7 (halo)", "Pad 8 (sweep)",
    "FX 1 (rain)", "FX 2 (soundtrack)", "FX 3 (crystal)", "FX 4 (atmosphere)",
    "FX 5 (brightness)", "FX 6 (goblins)", "FX 7 (echoes)", "FX 8 (sci-fi)",
    "Sitar", "Banjo", "Shamisen", "Koto", "Kalimba", "Bagpipe", "Fiddle", "Shanai",
    "Tinkle Bell", "Agogo", "Steel Drums", "Woodblock", "Taiko Drum", "Melodic Tom", "Synth Drum", "Reverse Cymbal",
    "Guitar Fret Noise", "Breath Noise", "Seashore", "Bird Tweet",
    "Telephone Ring", "Helicopter", "Applause", "Gunshot",
)  # fmt: skip

DRUM_KITS = {
    0: "Standard Kit", 8: "Room Kit", 16: "Power Kit", 24: "Electronic Kit", 25: "Analog Kit", 32: "Jazz Kit",
    40: "Brush Kit", 48: "Orchestra Kit", 56: "SFX Kit",
}  # fmt: skip

DRUMS = dict(enumerate((
    "High Q", "Slap", "Scratch Push", "Scratch Pull", "Sticks", "Square Click", "Metronome Click", "Metronome Bell",
    "Acoustic Bass Drum", "Bass Drum 1", "Side Stick", "Acoustic Snare", "Hand Clap", "Electric Snare",
    "Low Floor Tom", "Closed Hi-hat", "High Floor Tom", "Pedal Hi-hat", "Low Tom", "Open Hi-hat",
    "Low-Mid Tom", "Hi-Mid Tom", "Crash Cymbal 1", "High Tom", "Ride Cymbal 1", "Chinese Cymbal", "Ride Bell",
    "Tambourine", "Splash Cymbal", "Cowbell", "Crash Cymbal 2", "Vibra-slap", "Ride Cymbal 2",
    "High Bongo", "Low Bongo", "Mute Hi Conga", "Open Hi Conga", "Low Conga", "High Timbale", "Low Timbale",
    "High Agogo", "Low Agogo", "Cabasa", "Maracas", "Short Whistle", "Long Whistle", "Short Guiro", "Long Guiro",
    "Claves", "Hi Wood Block", "Low Wood Block", "Mute Cuica", "Open Cuica", "Mute Triangle", "Open Triangle",
    "Shaker", "Jingle Bell", "Bell Tree", "Castanets", "Mute Surdo", "Open Surdo",
), start=27))  # fmt: skip

# What musicians say for short, and General MIDI does not.
_SHORT = {
    "piano": 0, "grand piano": 0, "electric piano": 4, "rhodes": 4, "organ": 19, "pipe organ": 19, "hammond": 16,
    "guitar": 24, "acoustic guitar": 24, "nylon guitar": 24, "steel guitar": 25, "jazz guitar": 26,
    "electric guitar": 27, "bass": 33, "electric bass": 33, "double bass": 43, "harp": 46, "strings": 48,
    "string ensemble": 48, "choir": 52, "voice": 53, "horn": 60, "brass": 61, "sax": 66, "cor anglais": 69,
}  # fmt: skip


def instrument_name(program: int, is_drum: bool = False) -> str:
    """What General MIDI calls a program, or in a drum track a kit.

    >>> instrument_name(40), instrument_name(0, is_drum=True)
    ('Violin', 'Standard Kit')

    Raises:
        RequestError: outside 0 to 127.
    """
    if not 0 <= program <= 127:
        raise RequestError(f"program {program}: must be 0 to 127")
    return DRUM_KITS.get(program, f"Drum Kit {program}") if is_drum else INSTRUMENTS[program]


def drum_name(pitch: int) -> str:
    """What General MIDI calls a pitch of a drum track: 36 -> "Bass Drum 1".

    Raises:
        RequestError: outside 0 to 127.
    """
    if not 0 <= pitch <= 127:
        raise RequestError(f"pitch {pitch}: must be 0 to 127")
    return DRUMS.get(pitch, f"Drum {pitch}")


def program_of(name: str) -> int:
    """Program of an instrument's name, 0 to 127; case and punctuation do not matter, common short names are known.

    >>> program_of("violin"), program_of("Piano"), program_of("electric bass (finger)")
    (40, 0, 33)

    Raises:
        UnknownNameError: no instrument; the message names the nearest ones.
    """
    wanted = _plain(name)
    known = _SHORT | {_plain(instrument): program for program, instrument in enumerate(INSTRUMENTS)}
    if wanted in known:
        return known[wanted]
    inside = [instrument for instrument in INSTRUMENTS if wanted and wanted in _plain(instrument)]
    if len(inside) == 1:
        return INSTRUMENTS.index(inside[0])
    near = inside or [INSTRUMENTS[known[key]] for key in difflib.get_close_matches(wanted, known, n=5)]
    choices = f"did you mean {', '.join(dict.fromkeys(near[:6]))}?" if near else "as in Violin, Flute or Church Organ"
    raise UnknownNameError(f"{name!r} is no General MIDI instrument: {choices}")


def _plain(name: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return " ".join(words).replace("saxophone", "sax")


__all__ = ["DRUMS", "DRUM_KITS", "INSTRUMENTS", "drum_name", "instrument_name", "program_of"]
