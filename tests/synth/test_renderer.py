"""The sound agrees with the score, the stems with the mix, and every render with every other."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from synth import renderer
from synth.renderer import MAX_MINUTES, Audio, render
from theory.errors import RequestError, SoundfontError
from theory.event import TempoEvent
from theory.score import BANK, PAN, PITCH_BEND, SUSTAIN, Note, Score, Track

ROOT = Path(__file__).parents[2]
MARIMBA, ORGAN, OCARINA, STRINGS = 12, 19, 79, 48
QUIET = 10 ** (-90 / 20)


def quartet(bars: int = 2) -> Score:
    """Four tracks with drums, pedal and tempo changes."""

    def melody(low: int) -> list[Note]:
        return [Note(n * 240, 230, low + 5 * n % 12, 60 + 8 * (n % 8)) for n in range(8 * bars)]

    drums = [Note(n * 240, 60, 36 if n % 2 else 42, 100) for n in range(8 * bars)]
    tracks = (
        Track.from_notes(melody(72), program=40, name="Violin", controls=[(0, PAN, 20)]),
        Track.from_notes(melody(60), program=0, name="Piano", controls=[(0, SUSTAIN, 127), (960, SUSTAIN, 0)]),
        Track.from_notes(melody(40), program=33, name="Bass"),
        Track.from_notes(drums, is_drum=True, name="Drums"),
    )
    return Score(tracks, tempos=(TempoEvent.from_bpm(0, 120), TempoEvent.from_bpm(960, 97)))


def digest(audio: Audio) -> str:
    return hashlib.sha256(b"".join(stem.tobytes() for stem in (audio.samples, *audio.stems))).hexdigest()


@pytest.fixture(scope="module")
def piece(soundfont) -> Audio:
    return render(quartet(), soundfont=soundfont)


def test_stems_add_up_to_the_mix_exactly(piece):
    assert np.array_equal(sum(piece.stems), piece.samples)
    assert len(piece.stems) == 4
    assert {stem.shape for stem in piece.stems} == {piece.samples.shape}
    assert {stem.dtype for stem in (piece.samples, *piece.stems)} == {np.dtype(np.float32)}
    assert all(np.abs(stem).max() > 0.005 for stem in piece.stems)


def test_audio_cannot_be_changed(piece):
    with pytest.raises(ValueError, match="read-only"):
        piece.samples[0] = 0


def test_a_render_is_the_same_after_and_amid_others_and_on_any_number_of_threads(piece, soundfont, monkeypatch):
    other = Score.from_notes([(0, 4800, 60, 127), (0, 4800, 67, 127)], program=ORGAN)
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(render, score, soundfont=soundfont) for score in (quartet(), other, quartet(), other)]
        results = [job.result() for job in jobs]
    assert {digest(results[0]), digest(results[2])} == {digest(piece)}
    assert digest(results[1]) == digest(results[3])
    for threads in (1, 4):
        monkeypatch.setattr(renderer.os, "cpu_count", lambda threads=threads: threads)
        assert digest(render(quartet(), soundfont=soundfont)) == digest(piece)


def test_another_process_renders_the_same_bytes(piece, soundfont):
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from test_renderer import digest, quartet, render\n"
        "print(digest(render(quartet(), soundfont=sys.argv[3])))"
    )
    command = [sys.executable, "-c", code, str(ROOT), str(Path(__file__).parent), str(soundfont)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(piece)
    assert done.stderr == ""


def test_a_stem_is_what_its_track_alone_sounds_like(piece, soundfont):
    score = quartet()
    alone = render(score.replace(tracks=score.tracks[1:2], end=score.end), soundfont=soundfont).samples
    assert np.array_equal(alone[: len(piece.samples)], piece.stems[1][: len(alone)])


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_onsets_stand_where_the_score_has_them_through_twenty_tempos(soundfont, rate):
    random = np.random.default_rng(5)
    ticks = np.cumsum(random.integers(300, 700, size=100))
    changes = np.linspace(0, ticks[-1], 20).astype(int)
    tempos = [TempoEvent(int(t), int(random.integers(350_000, 700_000))) for t in changes]
    score = Score.from_notes([(int(t), 60, 76, 100) for t in ticks], tempos=tempos, program=MARIMBA)
    sound = render(score, soundfont=soundfont, sample_rate=rate).samples.mean(axis=1)
    one = Score.from_notes([(0, 60, 76, 100)], program=MARIMBA)
    stroke = render(one, soundfont=soundfont, sample_rate=rate).samples[:3000].mean(axis=1)
    frames = score.frames(ticks, rate)
    windows = [sound[frame - 256 : frame + 256 + 3000] for frame in frames]
    late = np.array([np.argmax(np.correlate(window, stroke, "valid")) - 256 for window in windows])
    assert late.min() >= -32
    assert late.max() <= 32


def loudest_frequency(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    return float(np.argmax(spectrum) * rate / (1 << 18))


@pytest.mark.parametrize(
    ("pitch", "bend", "hertz"), [(57, 0, 220.0), (69, 0, 440.0), (69, 4096, 466.16), (81, -8192, 783.99)]
)
def test_pitches_and_bends_sound_at_their_frequency(sine_soundfont, pitch, bend, hertz):
    controls = [(0, PITCH_BEND, bend)]
    audio = render(Score((Track.from_notes([(0, 960, pitch)], controls=controls),)), soundfont=sine_soundfont)
    heard = loudest_frequency(audio.samples[4800:40000, 0], audio.sample_rate)
    assert abs(1200 * np.log2(heard / hertz)) < 3  # cents


def test_a_general_midi_instrument_sounds_at_pitch(soundfont):
    audio = render(Score.from_notes([(0, 960, 69)], program=OCARINA), soundfont=soundfont)
    heard = loudest_frequency(audio.samples[9600:40000, 0], audio.sample_rate)
    assert abs(1200 * np.log2(heard / 440)) < 15


def test_velocity_is_loudness(soundfont):
    soft, loud = (render(Score.from_notes([(0, 480, 60, v)]), soundfont=soundfont).peak_dbfs for v in (30, 110))
    assert loud - soft > 12


def test_a_key_struck_again_while_held_still_sounds(sine_soundfont):
    audio = render(Score.from_notes([(0, 960, 69), (480, 1440, 69)]), soundfont=sine_soundfont)
    after_first_end = audio.samples[int(1.2 * 48000) : int(1.9 * 48000)]
    assert np.abs(after_first_end).max() > 0.01


@pytest.mark.parametrize("program", [0, ORGAN, STRINGS, 95])
def test_the_tail_rings_until_it_is_silent(soundfont, program):
    track = Track.from_notes([(0, 960, 60, 110)], program=program, controls=[(0, SUSTAIN, 127)])
    audio = render(Score((track,)), soundfont=soundfont)
    assert 1.0 < audio.duration < 1.0 + 12.1
    assert np.abs(audio.samples[48000:50000]).max() > QUIET
    assert np.abs(audio.samples[-100:]).max() < QUIET


def test_a_sound_that_does_not_die_fades_out(endless_soundfont):
    audio = render(Score.from_notes([(0, 960, 69)]), soundfont=endless_soundfont)
    assert audio.duration == pytest.approx(13, abs=0.01)
    ending = [np.abs(part).max() for part in np.split(audio.samples[-24000:], 24)]
    assert ending == sorted(ending, reverse=True)
    assert np.abs(audio.samples[-24000:-23000]).max() > 100 * QUIET
    assert np.abs(audio.samples[-1]).max() < QUIET


def test_silence_written_at_the_end_is_kept(soundfont):
    score = Score((Track.from_notes([(0, 48, 60)]),), end=9600)
    assert render(score, soundfont=soundfont).duration >= score.duration == 10


def test_an_ordinary_piece_stays_below_full_scale(piece):
    assert -30 < piece.peak_dbfs < -3


def test_an_unknown_bank_or_drum_kit_falls_back_to_the_standard_one(soundfont):
    plain = render(Score.from_notes([(0, 480, 60)]), soundfont=soundfont)
    banked = Track.from_notes([(0, 480, 60)], controls=[(0, BANK, 77)])
    assert digest(render(Score((banked,)), soundfont=soundfont)) == digest(plain)
    kits = [render(Score.from_notes([(0, 60, 38)], is_drum=True, program=kit), soundfont=soundfont) for kit in (0, 99)]
    assert digest(kits[0]) == digest(kits[1])


@pytest.mark.parametrize(("fields", "message"), [({"program": 40}, "program 40"), ({"is_drum": True}, "no drum kit")])
def test_a_soundfont_without_the_instrument_says_so(sine_soundfont, fields, message):
    with pytest.raises(SoundfontError, match=message):
        render(Score.from_notes([(0, 480, 60)], **fields), soundfont=sine_soundfont)


def test_pieces_without_notes_or_tracks(soundfont):
    assert render(Score(end=960), soundfont=soundfont).samples.shape == (48000, 2)
    nothing = render(Score((Track.empty(),)), soundfont=soundfont)
    assert nothing.samples.shape == (0, 2)
    assert nothing.peak_dbfs == -np.inf


def test_requests_that_cannot_be_met(soundfont):
    score = Score.from_notes([(0, 480, 60)])
    for rate in (0, 7999, 192_000):
        with pytest.raises(RequestError, match="8000 to 96000"):
            render(score, soundfont=soundfont, sample_rate=rate)
    with pytest.raises(RequestError, match=f"at most {MAX_MINUTES}"):
        render(score.replace(end=2**31 - 1), soundfont=soundfont)


def test_rendering_and_writing_load_nothing_heavy(soundfont, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import synth\n"
        "early = {'fluidsynth', 'soundfile', 'matplotlib'} & set(sys.modules)\n"
        "from theory.score import Score\n"
        "synth.write(synth.render(Score.from_notes([(0, 48, 60)]), soundfont=sys.argv[2]), sys.argv[3])\n"
        "late = {'matplotlib', 'scipy', 'librosa', 'pretty_midi', 'tensorflow'} & set(sys.modules)\n"
        "print(sorted(early | late))"
    )
    command = [sys.executable, "-c", code, str(ROOT), str(soundfont), str(tmp_path / "note.wav")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
