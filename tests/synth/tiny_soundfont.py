"""A soundfont made from scratch: the smallest whole SF2 file (SoundFont Technical Specification 2.04, section 4)."""

from __future__ import annotations

import struct

import numpy as np


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff_list(kind: bytes, *chunks: bytes) -> bytes:
    return chunk(b"LIST", kind + b"".join(chunks))


def tiny_soundfont(release_timecents: int = -12000) -> bytes:
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
    bags, gens = struct.pack("<HHHH", 0, 0, 3, 0), struct.pack("<8h", 38, release_timecents, 54, 1, 53, 0, 0, 0)
    header = struct.pack("<20sIIIIIBbHH", name("Sine"), 0, 1000, 100, 900, 44000, 69, 0, 0, 1)
    last = struct.pack("<20sIIIIIBbHH", name("EOS"), 0, 0, 0, 0, 0, 0, 0, 0, 0)
    pdta = riff_list(
        b"pdta",
        chunk(b"phdr", presets), chunk(b"pbag", preset_bags), chunk(b"pmod", b"\0" * 10), chunk(b"pgen", preset_gens),
        chunk(b"inst", instruments), chunk(b"ibag", bags), chunk(b"imod", b"\0" * 10), chunk(b"igen", gens),
        chunk(b"shdr", header + last),
    )  # fmt: skip
    return chunk(b"RIFF", b"sfbk" + info + riff_list(b"sdta", chunk(b"smpl", samples)) + pdta)
