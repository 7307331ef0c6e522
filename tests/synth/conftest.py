"""What the tests of sound share: soundfonts, one of them made here, and a skip where libfluidsynth is absent."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

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


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff_list(kind: bytes, *chunks: bytes) -> bytes:
    return chunk(b"LIST", kind + b"".join(chunks))


def tiny_soundfont() -> bytes:
    """A whole SF2 file with one preset, bank 0 program 0: a looped sine of 440 Hz, recorded as pitch 69 at 44 kHz."""
    wave = np.round(20000 * np.sin(2 * np.pi * np.arange(1000) / 100)).astype("<i2")
    samples = np.concatenate([wave, np.zeros(46, "<i2")]).tobytes()

    def name(text: str) -> bytes:
        return text.encode().ljust(20, b"\0")

    info = riff_list(
        b"INFO", chunk(b"ifil", struct.pack("<HH", 2, 1)), chunk(b"isng", b"EMU8000\0"), chunk(b"INAM", b"Tiny\0\0")
    )
    presets = struct.pack("<20sHHHIII", name("Sine"), 0, 0, 0, 0, 0, 0) + struct.pack(
        "<20sHHHIII", name("EOP"), 0, 0, 1, 0, 0, 0
    )
    preset_bags, preset_gens = struct.pack("<HHHH", 0, 0, 1, 0), struct.pack("<HhHh", 41, 0, 0, 0)
    instruments = struct.pack("<20sH", name("Sine"), 0) + struct.pack("<20sH", name("EOI"), 1)
    bags, gens = struct.pack("<HHHH", 0, 0, 2, 0), struct.pack("<HhHhHh", 54, 1, 53, 0, 0, 0)
    header = struct.pack("<20sIIIIIBbHH", name("Sine"), 0, 1000, 100, 900, 44000, 69, 0, 0, 1)
    last = struct.pack("<20sIIIIIBbHH", name("EOS"), 0, 0, 0, 0, 0, 0, 0, 0, 0)
    pdta = riff_list(
        b"pdta",
        chunk(b"phdr", presets), chunk(b"pbag", preset_bags), chunk(b"pmod", b"\0" * 10), chunk(b"pgen", preset_gens),
        chunk(b"inst", instruments), chunk(b"ibag", bags), chunk(b"imod", b"\0" * 10), chunk(b"igen", gens),
        chunk(b"shdr", header + last),
    )  # fmt: skip
    return chunk(b"RIFF", b"sfbk" + info + riff_list(b"sdta", chunk(b"smpl", samples)) + pdta)


@pytest.fixture(scope="session")
def sine_soundfont(fluidsynth: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("soundfonts") / "sine.sf2"
    path.write_bytes(tiny_soundfont())
    return path
