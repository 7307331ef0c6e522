"""Loudness as ITU-R BS.1770-4 has it."""

from __future__ import annotations

import numpy as np
import pytest

from composer.evaluation.loudness import loudness
from theory.errors import RequestError


def sine(rate=48_000, seconds=5.0, hertz=997.0, amplitude=1.0, channels=1):
    wave = amplitude * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000, 96_000])
def test_the_standards_own_example(rate):
    """A sine of 997 Hz at full scale in one front channel reads -3.01 LKFS."""
    assert loudness(sine(rate), rate) == pytest.approx(-3.01, abs=0.02)


def test_two_channels_are_louder_by_3_decibels_and_half_as_loud_is_6_less():
    assert loudness(sine(channels=2), 48_000) == pytest.approx(0.0, abs=0.02)
    assert loudness(sine(amplitude=0.5), 48_000) == pytest.approx(-9.03, abs=0.02)


def test_the_weighting_takes_bass_away_and_adds_to_the_heights():
    bass, middle, height = (loudness(sine(hertz=hertz), 48_000) for hertz in (30, 997, 8_000))
    assert bass < middle - 6
    assert middle + 2.5 < height < middle + 4.1


def test_pauses_do_not_count():
    tone = sine(amplitude=0.25)
    with_pause = np.concatenate([tone, np.zeros_like(tone), tone])
    assert loudness(with_pause, 48_000) == pytest.approx(loudness(tone, 48_000), abs=0.2)


def test_silence_and_nothing():
    assert loudness(np.zeros((48_000, 2), np.float32), 48_000) == -np.inf
    assert np.isfinite(loudness(sine(seconds=0.1), 48_000))
    with pytest.raises(RequestError, match="no loudness"):
        loudness(np.zeros((0, 2), np.float32), 48_000)
