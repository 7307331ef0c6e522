"""What the published libraries say of a few pieces of our own: how `published.json` came to be.

Run as `python -m tests.composer.metrics.published` where the libraries named in the file are installed (all of them
under Python 3.11); the tests need none of them. Here nothing of Cadenza is imported, so that neither side can borrow
the other's mistakes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("published.json")
STEPS = 24  # a quarter
DRUM_TRACK = 9


class Row(NamedTuple):
    """A note; times in 24ths of a quarter; track 9 holds drums."""

    track: int
    onset: int
    end: int
    pitch: int


class Chance:
    """A generator that gives the same numbers on any machine and version (Park and Miller 1988)."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, count: int) -> int:
        self.state = 48271 * self.state % 2147483647
        return self.state * count // 2147483647


def _line(chance: Chance, track: int, low: int, bars: int, bar: int, lengths: tuple[int, ...]) -> list[Row]:
    """A part that walks and rests; a note may cross a bar line."""
    rows, onset, pitch = [], 0, low + 6
    while onset < bars * bar:
        length = lengths[chance.below(len(lengths))]
        pitch = max(low, min(low + 19, pitch + chance.below(11) - 5))
        if chance.below(5):
            rows.append(Row(track, onset, onset + length, pitch))
        onset += length
    return rows


def _drums(chance: Chance, bars: int, bar: int) -> list[Row]:
    rows = []
    for step in range(0, bars * bar, 3):
        if chance.below(5) < (3 if step % 12 == 0 else 1):
            early = chance.below(4) == 0
            rows.append(Row(DRUM_TRACK, step + early, step + early + 2, (36, 38, 42)[chance.below(3)]))
    return rows


def pieces() -> dict[str, tuple[int, list[Row]]]:
    """Pieces by name: (steps a bar, notes)."""
    chance = Chance(20261121)
    eighths, mixed, tiny = (12, 24, 24, 48), (6, 8, 12, 16, 18, 24, 36, 48, 96), (1, 2, 3, 6, 9)
    chorale = [row for track, low in enumerate((64, 55, 48, 38)) for row in _line(chance, track, low, 8, 96, eighths)]
    gaps = [Row(0, onset + 5, onset + 17, 60 + onset % 7) for onset in (0, 24, 96, 100, 408, 700)]
    return {
        "melody": (96, _line(chance, 0, 60, 8, 96, mixed)),
        "waltz": (72, _line(chance, 0, 60, 8, 72, mixed) + _line(chance, 1, 40, 8, 72, (24, 72))),
        "chorale": (96, chorale),
        "unison": (96, _line(chance, 0, 60, 4, 96, eighths) + _line(chance, 1, 60, 4, 96, eighths)),
        "fragments": (96, _line(chance, 0, 60, 2, 96, tiny)),
        "band": (96, _line(chance, 0, 60, 8, 96, mixed) + _line(chance, 1, 36, 8, 96, (24,)) + _drums(chance, 8, 96)),
        "drums": (96, _drums(chance, 4, 96)),
        "gaps": (96, gaps),
    }


def _music(rows: list[Row]) -> Any:
    import muspy

    tracks = []
    for track in sorted({row.track for row in rows}):
        notes = [muspy.Note(row.onset, row.pitch, row.end - row.onset, 64) for row in rows if row.track == track]
        tracks.append(muspy.Track(program=0, is_drum=track == DRUM_TRACK, notes=notes))
    return muspy.Music(resolution=STEPS, tracks=tracks)


def _muspy(bar: int, rows: list[Row]) -> dict[str, float]:
    import muspy

    music = _music(rows)
    shorter = _music([row._replace(end=row.end - 1) for row in rows])  # see the metrics' docstring
    names = (
        "n_pitches_used", "n_pitch_classes_used", "polyphony", "polyphony_rate", "scale_consistency", "pitch_entropy",
        "pitch_class_entropy", "drum_pattern_consistency",
    )  # fmt: skip
    found = {name: getattr(muspy, name)(music) for name in names}
    found["pitch_range"] = max(0, muspy.pitch_range(music))  # of drums alone MusPy says -127
    found["drum_in_pattern_rate"] = muspy.drum_in_pattern_rate(music, "duple")
    found["pitch_in_scale_rate"] = muspy.pitch_in_scale_rate(music, 2, "minor")
    if all(row.end - row.onset > 1 for row in rows):
        found["empty_beat_rate"] = muspy.empty_beat_rate(shorter)
        found["empty_measure_rate"] = muspy.empty_measure_rate(shorter, bar)
        found["groove_consistency"] = muspy.groove_consistency(shorter, bar)
    return {name: float(value) for name, value in found.items()}


def _roll(rows: list[Row], length: int) -> Any:
    import numpy as np

    roll = np.zeros((length, 128), dtype=np.uint8)
    for row in rows:
        roll[row.onset : row.end, row.pitch] = 1
    return roll


def _pypianoroll(bar: int, rows: list[Row]) -> dict[str, float]:
    """pypianoroll's own functions, fed so that what is wrong in them does no harm.

    Its chroma takes pitch 10 c + k for pitch class c: rolls are laid out so. It flattens a roll by time: notes are
    handed over one by one. It takes drums of one quarter.
    """
    import numpy as np
    import pypianoroll

    pitched, drums = [[row for row in rows if (row.track == DRUM_TRACK) == drum] for drum in (False, True)]
    length = -(-max(row.end for row in rows) // bar) * bar
    found: dict[str, float] = {}
    if pitched:
        roll = _roll(pitched, max(row.end for row in rows))
        found["pitch_range"] = pypianoroll.pitch_range(roll)
        found["n_pitches_used"] = pypianoroll.n_pitches_used(roll)
        found["polyphony_rate"] = pypianoroll.polyphonic_rate(roll)
        found["n_pitch_classes_used"] = pypianoroll.n_pitch_classes_used(_by_class(roll))
        tracks = sorted({row.track for row in pitched})
        rates = []
        for track in tracks:
            alone = [
                np.pad(np.ones((row.end - row.onset, 1)), ((1, 1), (0, 0))) for row in pitched if row.track == track
            ]
            rates.append(pypianoroll.qualified_note_rate(np.concatenate(alone), threshold=3))
        found["qualified_notes"] = np.mean(rates)
        if len(tracks) == 2:
            one, other = (_by_class(_roll([row for row in pitched if row.track == track], length)) for track in tracks)
            beats = [roll.reshape(-1, STEPS, 128).sum(axis=1, dtype=np.int64) for roll in (one, other)]
            sounding = [pair for pair in zip(*beats, strict=True) if pair[0].any() and pair[1].any()]
            apart = [np.linalg.norm(_tonal(left) - _tonal(right)) for left, right in sounding]
            found["tonal_distance"] = np.mean(apart)
    if drums:
        hits = np.zeros((length, 128))
        for row in drums:
            hits[row.onset, row.pitch] = 1
        scores = []
        for one_bar in hits.reshape(-1, bar, 128):
            if one_bar.any():
                best = max(_in_pattern(np.roll(one_bar, shift, axis=0)) for shift in range(6))
                scores.append(best / np.count_nonzero(one_bar))
        found["drum_pattern"] = np.mean(scores)
    return {name: float(value) for name, value in found.items()}


def _in_pattern(one_bar: Any) -> float:
    import numpy as np
    import pypianoroll

    beats = [beat for beat in one_bar.reshape(-1, STEPS, 128) if beat.any()]
    return sum(pypianoroll.drum_in_pattern_rate(beat, STEPS) * np.count_nonzero(beat) for beat in beats)


def _tonal(beat: Any) -> Any:
    """A quarter in pypianoroll's tonal space; its `tonal_distance` multiplies along the wrong axis, and fails."""
    from pypianoroll.metrics import _get_tonal_matrix, _to_chroma

    chroma = _to_chroma(beat[None])[0]
    return _get_tonal_matrix(1.0, 1.0, 0.5) @ (chroma / chroma.sum())


def _by_class(roll: Any) -> Any:
    import numpy as np

    result = np.zeros_like(roll)
    for pitch in range(120):
        result[:, pitch % 12 * 10 + pitch // 12] = roll[:, pitch]
    return result


def texts() -> list[list[int]]:
    """Pieces as words, some of which repeat others, for self-BLEU."""
    chance = Chance(7)
    own = [[chance.below(6) for _ in range(length)] for length in (30, 24, 41, 3, 12)]
    return [*own, own[0][:20], [9, 9, 9, 9, 9], []]


def samples() -> list[list[float]]:
    """Rows of five numbers that depend on each other, for Ledoit and Wolf's covariance."""
    chance = Chance(11)
    rows = [[chance.below(1000) / 1000 for _ in range(5)] for _ in range(12)]
    return [[row[0], row[0] + row[1] / 4, row[2], row[2] - row[0], row[3] * 10] for row in rows]


def _self_bleu() -> list[float]:
    import warnings

    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    said, smooth = texts(), SmoothingFunction().method1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            float(sentence_bleu(said[:index] + said[index + 1 :], text, smoothing_function=smooth))
            for index, text in enumerate(said)
        ]


def main() -> None:
    """Write the file."""
    from importlib.metadata import version

    from sklearn.covariance import ledoit_wolf

    names = ("muspy", "pypianoroll", "nltk", "scikit-learn", "numpy")
    found = {
        "versions": {name: version(name) for name in names},
        "muspy": {name: _muspy(*piece) for name, piece in pieces().items()},
        "pypianoroll": {name: _pypianoroll(*piece) for name, piece in pieces().items()},
        "self_bleu": _self_bleu(),
        "ledoit_wolf": ledoit_wolf(samples())[0].tolist(),
    }
    FILE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
