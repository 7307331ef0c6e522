"""Augmentation: a piece in other keys, bars, tempos and dynamics, or with less in it; spelling and key stay right.

Pure functions from score to score. `augment` draws one form of a piece by a generator that the caller seeds (training
takes one in every epoch: `composer.batches`); the others make one change each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from theory.errors import RequestError
from theory.event import MAX_TEMPO, MIN_TEMPO, MeterEvent, TempoEvent, without_repeats
from theory.instrument import Range, range_of
from theory.meter import Meter
from theory.score import Score, Track
from theory.transform import resample, transpose

_MICROSECONDS_A_MINUTE = 60_000_000


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may be changed; without arguments: the key and nothing else.

    Attributes:
        keys: whether to transpose, to each key that `shifts_of` allows alike.
        chords: probability with which chords that the piece states stay.
        rebar: probability with which it is written in another meter, if it can be (see `rebarred`).
        tempos: least and greatest tempo to begin with, whole quarters a minute, drawn evenly; None: its own.
        tempo: least and greatest factor of speed, drawn evenly on a logarithmic scale.
        velocity: least and greatest factor of velocities, drawn in the same way.
        drop: probability with which each track is left out; one that has notes always stays.

    Raises:
        RequestError: factors or tempos that are not positive and in order, or a probability outside 0 to 1.
    """

    keys: bool = True
    chords: float = 1.0
    rebar: float = 0.0
    tempos: tuple[int, int] | None = None
    tempo: tuple[float, float] = (1.0, 1.0)
    velocity: tuple[float, float] = (1.0, 1.0)
    drop: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tempo", "velocity"):
            least, greatest = getattr(self, name)
            if not 0 < least <= greatest < float("inf"):
                raise RequestError(f"{name} factors {least:g} to {greatest:g}: must be positive, the lesser first")
        least, greatest = self.tempos or (MIN_TEMPO, MAX_TEMPO)
        if not MIN_TEMPO <= least <= greatest <= MAX_TEMPO:
            raise RequestError(f"tempos {least} to {greatest}: must rise, within {MIN_TEMPO} to {MAX_TEMPO}")
        for name in ("chords", "rebar", "drop"):
            if not 0 <= getattr(self, name) <= 1:
                raise RequestError(f"a probability of {getattr(self, name):g} for {name}: must be 0 to 1")


def augment(
    score: Score, allowed: Augmentation, rng: np.random.Generator, shifts: Sequence[int] | None = None
) -> Score:
    """One form of a piece, drawn at random; the same generator state gives the same form.

    Args:
        score: the piece.
        allowed: what may be changed; what may not takes nothing from the generator.
        rng: drawn from.
        shifts: by how many semitones it may be moved; those of `shifts_of` when not given.
    """
    if allowed.drop:
        score = without_tracks(score, _dropped(score, allowed.drop, rng))
    semitones = int(rng.choice(shifts_of(score) if shifts is None else shifts)) if allowed.keys else 0
    if not _happens(allowed.chords, rng):
        score = score.replace(chords=())
    if _happens(allowed.rebar, rng):
        score = rebarred(score) or score
    if semitones:
        score = transpose(score, semitones)
    if allowed.tempos:
        bpm = int(rng.integers(allowed.tempos[0], allowed.tempos[1] + 1))
        score = score.replace(tempos=without_repeats((TempoEvent.from_bpm(0, bpm), *score.tempos[1:])))
    return scale_velocity(scale_tempo(score, _factor(allowed.tempo, rng)), _factor(allowed.velocity, rng))


def _happens(probability: float, rng: np.random.Generator) -> bool:
    return probability == 1 or (probability > 0 and rng.random() < probability)


def shifts_of(score: Score, ranges: Sequence[Range] | None = None) -> tuple[int, ...]:
    """By how many semitones a piece can be moved: in order, at most one shift for each of twelve keys, 0 among them.

    A key is reached in the nearer direction (six semitones: downwards), or in the other one where a track would leave
    its range. What a track plays now counts as in its range.

    Args:
        score: the piece; its drums do not move.
        ranges: of each track; without them, those of the tracks' instruments.
    """
    limits = [range_of(track.program) for track in score.tracks] if ranges is None else ranges
    lowest, highest = -127, 127
    for track, limit in zip(score.tracks, limits, strict=True):
        if len(track) and not track.is_drum:
            low, high = int(track.pitch.min()), int(track.pitch.max())
            lowest, highest = max(lowest, min(limit.lowest - low, 0)), min(highest, max(limit.highest - high, 0))
    ways = (sorted((key, key - 12), key=abs) if key != 6 else (-6, 6) for key in range(12))
    found = (next((shift for shift in way if lowest <= shift <= highest), None) for way in ways)
    return tuple(sorted(shift for shift in found if shift is not None))


def rebarred(score: Score) -> Score | None:
    """The same music in half as long bars (2/4 for 4/4), or at half its values (6/8 for two bars of 3/4).

    None for a piece in another meter, or in several.
    """
    upbeat, body = (score.meters[:1], score.meters[1:]) if score.pickup else ((), score.meters)
    written = [str(event.meter) for event in body]
    if written == ["4/4"]:
        return score.replace(meters=(*upbeat, MeterEvent(body[0].tick, Meter(2, 4))))
    if written != ["3/4"]:
        return None
    halved = score.replace(
        ticks_per_quarter=2 * score.ticks_per_quarter,
        meters=(
            *(MeterEvent(0, Meter(event.meter.numerator, 2 * event.meter.denominator)) for event in upbeat),
            MeterEvent(body[0].tick, Meter(6, 8)),
        ),
    )
    return resample(halved, score.ticks_per_quarter)


def scale_tempo(score: Score, factor: float) -> Score:
    """Every tempo times a factor, none slower than 4 or faster than 1,000 quarters a minute (but as it was before).

    Raises:
        RequestError: a factor that is not positive.
    """
    _check_factor("tempo", factor)
    slowest, fastest = _MICROSECONDS_A_MINUTE // MIN_TEMPO, _MICROSECONDS_A_MINUTE // MAX_TEMPO

    def scaled(tempo: int) -> int:
        return max(min(fastest, tempo), min(max(slowest, tempo), round(tempo / factor)))

    return score.replace(tempos=without_repeats(TempoEvent(tick, scaled(tempo)) for tick, tempo in score.tempos))


def scale_velocity(score: Score, factor: float) -> Score:
    """Every velocity times a factor, rounded, 1 to 127.

    Raises:
        RequestError: a factor that is not positive.
    """
    _check_factor("velocity", factor)

    def scaled(track: Track) -> Track:
        return track.replace(velocity=np.clip(np.rint(track.velocity * factor), 1, 127).astype(np.uint8))

    return score if factor == 1 else score.replace(tracks=tuple(map(scaled, score.tracks)))


def without_tracks(score: Score, indices: Collection[int]) -> Score:
    """The piece without some of its tracks; it stays as long as it was.

    Raises:
        RequestError: a track that the piece does not have.
    """
    unknown = sorted(set(indices) - set(range(len(score.tracks))))
    if unknown:
        raise RequestError(f"track {unknown[0]}: the piece has tracks 0 to {len(score.tracks) - 1}")
    return score.replace(tracks=tuple(track for index, track in enumerate(score.tracks) if index not in indices))


def _check_factor(name: str, factor: float) -> None:
    if not 0 < factor < float("inf"):
        raise RequestError(f"a {name} factor of {factor:g}: must be positive")


def _factor(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    least, greatest = bounds
    return float(np.exp(rng.uniform(np.log(least), np.log(greatest)))) if least < greatest else least


def _dropped(score: Score, probability: float, rng: np.random.Generator) -> frozenset[int]:
    """Tracks to leave out; of those with notes, one that is drawn stays in any case."""
    drawn = np.flatnonzero(rng.random(len(score.tracks)) < probability)
    sounding = [index for index, track in enumerate(score.tracks) if len(track)]
    kept = {int(rng.choice(sounding))} if sounding and set(sounding) <= set(drawn.tolist()) else set()
    return frozenset(drawn.tolist()) - kept


__all__ = ["Augmentation", "augment", "rebarred", "scale_tempo", "scale_velocity", "shifts_of", "without_tracks"]
