"""Near-duplicates of real pieces, in disguise: how many are found, and how many different pieces are taken for one.

python -m benchmarks.duplicates
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import data
from benchmarks.report import report
from data.ingest.duplicates import groups_of
from data.ingest.sketch import sketch
from data.workers import mapped
from theory.score import Score, Track

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"
# Sets of different pieces. Nottingham's tunes and the chorales have variants among them, which are joined rightly.
SETS = {"POP909": "pop909/*/*.mid", "Nottingham": "nottingham/MIDI/*.mid", "chorales (JS Fakes)": "js_fakes/midi/*.mid"}
ASKED = ("transposed", "values doubled", "values halved", "another tempo", "5 % wrong notes", "several of these")
FOUND, JOINED = 0.98, 0.05
_ITSELF, _JOINED = "itself", "(different pieces that are joined)"


def _moved(score: Score, semitones: int) -> Score:
    pitches = [np.clip(track.pitch.astype(np.int64) + semitones, 0, 127) for track in score.tracks]
    return score.replace(tracks=[track.replace(pitch=new) for track, new in zip(score.tracks, pitches, strict=True)])


def _stretched(score: Score, factor: float) -> Score:
    return _with(score, lambda track: np.rint(track.onset * factor), lambda track: np.rint(track.duration * factor))


def _played(score: Score) -> Score:
    dice, spread = np.random.default_rng(0), score.ticks_per_quarter / 100
    return _with(score, lambda track: track.onset + np.rint(dice.normal(0, spread, len(track))), lambda t: t.duration)


def _with(score: Score, onset: Callable[[Track], object], duration: Callable[[Track], object]) -> Score:
    tracks = [
        Track(
            np.maximum(0, np.asarray(onset(track))).astype(np.int64),
            np.maximum(1, np.asarray(duration(track))).astype(np.int64),
            track.pitch, track.velocity, is_drum=track.is_drum,
        )
        for track in score.tracks
    ]  # fmt: skip
    return Score(tuple(tracks), score.ticks_per_quarter)


def _mistaken(score: Score, share: float) -> Score:
    dice = np.random.default_rng(0)
    moves = [(dice.random(len(track)) < share) * dice.choice([-2, -1, 1, 2], len(track)) for track in score.tracks]
    pitches = [np.clip(track.pitch + move, 0, 127) for track, move in zip(score.tracks, moves, strict=True)]
    return score.replace(tracks=[track.replace(pitch=new) for track, new in zip(score.tracks, pitches, strict=True)])


def _cut(score: Score, start: float, stop: float) -> Score:
    tracks = []
    for track in score.tracks:
        kept = (track.onset >= start * score.end) & (track.onset < stop * score.end)
        tracks.append(Track(track.onset[kept], track.duration[kept], track.pitch[kept], track.velocity[kept]))
    return Score(tuple(tracks), score.ticks_per_quarter)


DISGUISES: dict[str, Callable[[Score], Score]] = {
    "transposed": lambda score: _moved(score, 5),
    "values doubled": lambda score: _stretched(score, 2),
    "values halved": lambda score: _stretched(score, 0.5),
    "another tempo": lambda score: _stretched(score, 1.37),
    "5 % wrong notes": lambda score: _mistaken(score, 0.05),
    "several of these": lambda score: _mistaken(_stretched(_moved(score, -3), 2), 0.03),
    "10 % wrong notes": lambda score: _mistaken(score, 0.1),
    "half of it": lambda score: _cut(score, 0.2, 0.7),
    "a quarter of it": lambda score: _cut(score, 0.2, 0.45),
    "as played": _played,
}


def _sketches(path: Path) -> list[np.ndarray]:
    score = data.read(path)
    return [sketch(score), *(sketch(way(score)) for way in DISGUISES.values())]


def main(sources: Annotated[Path, typer.Option(help="Where the corpora are.")] = CORPORA) -> None:
    found: dict[str, dict[str, float]] = {way: {} for way in (_JOINED, *DISGUISES)}
    for name, pattern in SETS.items():
        paths = sorted(sources.glob(pattern))
        if not paths:
            raise SystemExit(f"{sources} holds no {pattern}: give its place with --sources")
        sketches = dict(zip((_ITSELF, *DISGUISES), zip(*mapped(_sketches, paths), strict=True), strict=True))
        found[_JOINED][name] = 1 - len(set(groups_of(sketches[_ITSELF]).tolist())) / len(paths)
        for way in DISGUISES:
            groups = groups_of([*sketches[_ITSELF], *sketches[way]])
            found[way][name] = float(np.mean(groups[: len(paths)] == groups[len(paths) :]))
    holds = max(found[_JOINED].values()) <= JOINED and min(min(found[way].values()) for way in ASKED) >= FOUND
    claim = f"at least {FOUND:.0%} found in {', '.join(ASKED)}; at most {JOINED:.0%} of different pieces joined"
    report("duplicates", [{"disguise": way, **shares} for way, shares in found.items()], claim, holds)


if __name__ == "__main__":
    typer.run(main)
