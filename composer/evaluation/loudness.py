"""How loud sound is: integrated loudness, ITU-R BS.1770-4.

The two filters of its K-weighting are given as digital ones at 48 kHz; here they are drawn from the analogue filters
behind those (as Brecht De Man, "Evaluation of implementations of the EBU R128 loudness measurement", 2018, has them),
so that any rate will do, and applied to the spectrum.
"""

from __future__ import annotations

from math import log10, pi, tan

import numpy as np
from numpy.typing import NDArray

from theory.errors import RequestError

_SHELF = (1681.974450955533, 3.999843853973347, 0.7071752369554196)  # Hz, dB, Q
_BAND = 0.4996667741545416  # power of the shelf's gain at its middle
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)  # Hz, Q
_BLOCK, _STEP = 0.4, 0.1  # seconds
_ABSOLUTE, _RELATIVE = -70.0, -10.0  # gates, LUFS and LU
_OFFSET = -0.691
_SETTLED = 1.0  # seconds in which the filters forget

Spectrum = NDArray[np.complex128]


def loudness(samples: NDArray[np.float32], sample_rate: int) -> float:
    """Integrated loudness in LUFS; minus infinity for silence.

    Args:
        samples: (frames, channels), 1 or 2 channels; less than 0.4 s counts as one block.
        sample_rate: frames a second.

    Raises:
        RequestError: no frames.
    """
    if not len(samples):
        raise RequestError("sound without a frame has no loudness")
    power = _weighted(samples.astype(np.float64), sample_rate) ** 2
    sums = np.concatenate([[0.0], np.cumsum(power.sum(axis=1))])
    block = min(round(_BLOCK * sample_rate), len(samples))
    starts = np.arange(0, len(samples) - block + 1, max(1, round(_STEP * sample_rate)))
    energy = (sums[starts + block] - sums[starts]) / block
    gated = energy[energy > _energy(_ABSOLUTE)]
    if not len(gated):
        return float("-inf")
    gated = gated[gated > _energy(_level(float(gated.mean())) + _RELATIVE)]
    return _level(float(gated.mean()))


def _level(energy: float) -> float:
    return _OFFSET + 10 * log10(energy)


def _energy(level: float) -> float:
    return float(10 ** ((level - _OFFSET) / 10))


def _weighted(samples: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """The K-weighted sound, (frames, channels)."""
    frames = len(samples)
    size = 1 << (frames + round(_SETTLED * sample_rate)).bit_length()
    place = np.exp(-2j * pi * np.arange(size // 2 + 1) / size)
    weight = _shelf(place, sample_rate) * _high_pass(place, sample_rate)
    result: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(samples, size, axis=0) * weight[:, None], size, axis=0)
    return result[:frames]


def _shelf(place: Spectrum, sample_rate: int) -> Spectrum:
    """Of the head: what lies high sounds louder."""
    frequency, gain, quality = _SHELF
    k = tan(pi * frequency / sample_rate)
    high = 10 ** (gain / 20)
    band, square = high**_BAND * k / quality, k * k
    above = (high + band + square, 2 * (square - high), high - band + square)
    return _filter(above, (1 + k / quality + square, 2 * (square - 1), 1 - k / quality + square), place)


def _high_pass(place: Spectrum, sample_rate: int) -> Spectrum:
    frequency, quality = _HIGH_PASS
    k = tan(pi * frequency / sample_rate)
    scale = 1 + k / quality + k * k
    # The standard's filter passes its numerator unscaled.
    return _filter((1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale), place)


def _filter(above: tuple[float, ...], below: tuple[float, ...], place: Spectrum) -> Spectrum:
    """A filter of second order at some places on the unit circle."""
    top, bottom = (values[0] + values[1] * place + values[2] * place**2 for values in (above, below))
    result: Spectrum = top / bottom
    return result


__all__ = ["loudness"]
