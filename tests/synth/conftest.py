"""What the tests of sound share: soundfonts, one of them made here, and a skip where libfluidsynth is absent."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tiny_soundfont import tiny_soundfont

from synth.library import fluidsynth_version
from theory.errors import FluidSynthMissingError


@pytest.fixture(scope="session")
def fluidsynth() -> str:
    """Version of libfluidsynth; the test is skipped without one."""
    try:
        return fluidsynth_version()
    except FluidSynthMissingError as error:
        pytest.skip(f"needs libfluidsynth: {error}")


@pytest.fixture(scope="session")
def soundfont(fluidsynth: str) -> Path:
    """A small General MIDI soundfont: the one in pretty_midi."""
    spec = importlib.util.find_spec("pretty_midi")
    if spec is None or spec.origin is None:
        pytest.skip("needs pretty_midi, which carries TimGM6mb.sf2")
    return Path(spec.origin).with_name("TimGM6mb.sf2")


@pytest.fixture(scope="session")
def sine_soundfont(fluidsynth: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("soundfonts") / "sine.sf2"
    path.write_bytes(tiny_soundfont())
    return path


@pytest.fixture(scope="session")
def endless_soundfont(fluidsynth: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes take 100 s to die."""
    path = tmp_path_factory.mktemp("soundfonts") / "endless.sf2"
    path.write_bytes(tiny_soundfont(release_timecents=7973))
    return path
