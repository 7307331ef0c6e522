"""Sound files: whole, in full scale, reproducible, and their stems still the mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.audio_file import write, write_stems
from synth.renderer import Audio
from theory.errors import OutputError, RequestError


def audio(*levels: float, frames: int = 4800) -> Audio:
    """Stems of noise at given peak levels, and their sum."""
    random = np.random.default_rng(3)
    stems = tuple((random.uniform(-1, 1, (frames, 2)) * level).astype(np.float32) for level in levels)
    return Audio(np.sum(stems, axis=0, dtype=np.float32), 48_000, stems, Path("none.sf2"))


@pytest.mark.parametrize(("suffix", "kind"), [(".wav", "WAV"), (".flac", "FLAC"), (".WAV", "WAV")])
@pytest.mark.parametrize("bits", [16, 24])
def test_a_file_holds_the_mix(tmp_path, suffix, kind, bits):
    sound = audio(0.3, 0.2)
    written = write(sound, tmp_path / f"song{suffix}", bits=bits)
    assert written.gain_db == 0
    info = soundfile.info(written.path)
    assert (info.format, info.subtype, info.samplerate, info.channels) == (kind, f"PCM_{bits}", 48_000, 2)
    read, _ = soundfile.read(written.path, dtype="float64")
    assert np.abs(read - sound.samples).max() <= 1.01 * 2.0 ** (1 - bits)


def test_what_would_clip_is_turned_down_just_enough_and_said_so(tmp_path):
    sound = audio(0.9, 0.9, 0.9)
    peak = float(np.abs(sound.samples).max())
    written = write(sound, tmp_path / "loud.wav")
    read, _ = soundfile.read(written.path, dtype="float64")
    assert peak > 1
    assert written.gain_db == pytest.approx(-20 * np.log10(peak), abs=1e-4)
    assert 0.99999 < np.abs(read).max() <= 1
    assert np.abs(read * peak - sound.samples).max() < 1e-6


@pytest.mark.parametrize("peak", [1.0, np.nextafter(np.float32(1), np.float32(2)), 1.5, 3.7, 1e3])
def test_no_peak_wraps_around(tmp_path, peak):
    ends = np.array([[peak, -peak], [0, 0]], dtype=np.float32)
    written = write(Audio(ends, 48_000, (ends,), Path("none.sf2")), tmp_path / "peak.wav")
    read, _ = soundfile.read(written.path, dtype="float64")
    assert read[0] == pytest.approx([1, -1], abs=1e-6)


def test_stem_files_add_up_to_the_file_of_the_mix(tmp_path):
    sound = audio(0.9, 0.8, 0.7)
    mix = write(sound, tmp_path / "song.wav")
    stems = write_stems(sound, ["Soprano", "Électro/Piano  2", ""], tmp_path / "song")
    assert [stem.path.name for stem in stems] == ["song-01-soprano.wav", "song-02-électro-piano-2.wav", "song-03.wav"]
    assert {stem.gain_db for stem in stems} == {mix.gain_db}
    total = sum(soundfile.read(stem.path, dtype="float64")[0] for stem in stems)
    assert np.abs(total - soundfile.read(mix.path, dtype="float64")[0]).max() < 4 * 2.0**-23


def test_a_stem_louder_than_the_mix_turns_both_down(tmp_path):
    loud = audio(2.0).samples
    sound = Audio(np.zeros_like(loud), 48_000, (loud, -loud), Path("none.sf2"))
    gains = {
        write(sound, tmp_path / "mix.flac").gain_db,
        *(s.gain_db for s in write_stems(sound, "ab", tmp_path / "s.flac")),
    }
    assert len(gains) == 1
    assert gains.pop() < -5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.flac", "s-01-a.flac", "s-02-b.flac"]


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_the_same_sound_is_the_same_bytes(tmp_path, suffix):
    first, second = (write(audio(0.5), tmp_path / f"{name}{suffix}").path.read_bytes() for name in "ab")
    assert first == second


def test_folders_are_made_and_old_files_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "song.wav"
    write(audio(0.1), path)
    write(audio(0.1, frames=100), path)
    assert soundfile.info(path).frames == 100
    assert [found.name for found in path.parent.iterdir()] == ["song.wav"]


def test_a_place_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.wav").mkdir()
    for path in (tmp_path / "file" / "song.wav", tmp_path / "taken.wav"):
        with pytest.raises(OutputError, match=r"cannot be written|is a folder") as caught:
            write(audio(0.1), path)
        assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken.wav"]


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    resource = pytest.importorskip("resource", reason="limits the size of files in the way of Unix")
    path = tmp_path / "song.wav"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            write(audio(0.1, frames=48_000), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_requests_that_make_no_sense(tmp_path):
    with pytest.raises(RequestError, match=r"\.wav or \.flac"):
        write(audio(0.1), tmp_path / "song.mp3")
    with pytest.raises(RequestError, match="one of 16, 24"):
        write(audio(0.1), tmp_path / "song.wav", bits=12)
    with pytest.raises(RequestError, match="2 names for 1 stems"):
        write_stems(audio(0.1), ["a", "b"], tmp_path / "song")
