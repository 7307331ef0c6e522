"""1,000 seeds of `compose`: every piece decodes without repair and has exactly the bars, meter and key asked for.

The drawn tokens must be what encoding their score gives again. Bars, meter, key and overlaps are read from the written
MIDI file with mido, by code that shares nothing with masks, grammar or tokens.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path

import mido

import composer
from benchmarks.report import report
from composer.generate import draw_piece
from composer.request import Request
from data import midi
from theory.tokens import Tokenizer

KEYS = {
    "C major": "C", "A minor": "Am", "D minor": "Dm", "G major": "G", "Bb major": "Bb", "E minor": "Em",
    "F# minor": "F#m", "Ab major": "Ab", "B minor": "Bm", "Eb minor": "Ebm", "C# minor": "C#m", "F major": "F",
}  # fmt: skip
METERS = ("4/4", "3/4")
BARS = (1, 4, 8, 16)
REQUESTS = list(product(KEYS, METERS, BARS))


def main() -> None:
    """Compose, write, read back, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    seeds = parser.parse_args().seeds
    faults: dict[str, int] = {"repair": 0, "bars": 0, "meter": 0, "key": 0, "overlap": 0}
    notes = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.mid"
        for seed in range(seeds):
            key, meter, bars = REQUESTS[seed % len(REQUESTS)]
            tokenizer = Tokenizer()
            drawn = draw_piece(Request(key=key, meter=meter, bars=bars, seed=seed)).ids
            faults["repair"] += tokenizer.encode(tokenizer.decode(drawn)).tolist() != drawn
            piece = composer.compose(key=key, meter=meter, bars=bars, seed=seed)
            midi.write(piece.score, path)
            found = _facts(mido.MidiFile(path))
            faults["bars"] += found["bars"] != bars
            faults["meter"] += found["meters"] != {meter}
            faults["key"] += found["keys"] != {KEYS[key]}
            faults["overlap"] += bool(found["overlaps"])
            notes += piece.score.notes
    rows = [{"check": name, "pieces that fail": count, "of": seeds} for name, count in faults.items()]
    report("thousand_seeds", rows, f"{seeds} pieces, {notes} notes: all as asked for", not any(faults.values()))


def _facts(file: mido.MidiFile) -> dict[str, object]:
    """What a player sees: signatures, length in bars, notes of one track that overlap."""
    meters, keys, end, overlaps = set(), set(), 0, 0
    for track in file.tracks:
        now, sounding = 0, 0
        for message in track:
            now += message.time
            if message.type == "time_signature":
                meters.add((message.numerator, message.denominator))
            elif message.type == "key_signature":
                keys.add(message.key)
            elif message.type == "note_on" and message.velocity:
                overlaps += sounding
                sounding += 1
            elif message.type in ("note_on", "note_off"):
                sounding -= 1
        end = max(end, now)
    (numerator, denominator), *_ = meters
    bar = file.ticks_per_beat * 4 * numerator // denominator
    names = {f"{upper}/{lower}" for upper, lower in meters}
    return {"meters": names, "keys": keys, "bars": end / bar, "overlaps": overlaps}


if __name__ == "__main__":
    main()
