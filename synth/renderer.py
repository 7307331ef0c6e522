"""A score as sound, through FluidSynth.

**Stems.** Every track is played by a fresh synthesizer of its own, and the mix is defined as the float32 sum of the
stems in track order. One synthesizer for all tracks would not give stems that add up to its mix: FluidSynth ramps the
pan of a voice's first 64 frames from wherever that voice slot last stood (-44 dB), and voices stolen between tracks
cost more. A synthesizer that has already played is never used again, since its reset leaves traces (-25 dB): so the
same score gives the same bytes, whatever was rendered before or is being rendered meanwhile, on any number of threads.

**Time.** FluidSynth hears events only between blocks of 64 frames, so each event goes to the nearest block boundary.
Of 1,500 notes under 20 tempos, found again by correlation, the sound starts -31 to +32 frames from the score's frame
(rms 18): 0.67 ms at most at 48 kHz, less than a tick at 120 quarters a minute. Notes of one frame start together, in
all tracks. Synthesizers whose blocks are offset against each other would halve the error for each doubling of the work.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.library import OK, Synth, first_complaint
from synth.schedule import CONTROL, DRUM_BANK, NOTE_OFF, Schedule, schedule
from synth.soundfont import find_soundfont
from theory.errors import RequestError, SoundError, SoundfontError
from theory.score import BANK, PITCH_BEND, PRESSURE, Score

DEFAULT_SAMPLE_RATE = 48_000
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 8_000, 96_000  # FluidSynth's own limits
MAX_MINUTES = 60

BLOCK = 64  # frames: FluidSynth's FLUID_BUFSIZE
_TAIL_SECONDS = 12  # at most, after the last event
_TAIL_STEP = 128 * BLOCK  # frames that must all be quiet for the tail to be over
_LONGEST_WRITE = 512 * BLOCK  # frames between two looks at whether to go on
_SILENCE = 10 ** (-90 / 20)  # peak; below the last bit of 16-bit sound
_FADE_SECONDS = 0.5  # when a sound does not die in the time given to tails

_GAIN = 0.3
_NUMBERS = {
    "synth.gain": _GAIN,
    # Written out because the library's defaults differ between versions.
    "synth.reverb.room-size": 0.5,
    "synth.reverb.damp": 0.3,
    "synth.reverb.width": 0.8,
    "synth.reverb.level": 0.7,
}
_INTEGERS = {
    "synth.polyphony": 256,
    "synth.dynamic-sample-loading": 1,  # load the samples of the presets played, not the whole soundfont
    "synth.lock-memory": 0,
    "synth.threadsafe-api": 0,  # each synthesizer stays on one thread
    "synth.cpu-cores": 1,
}

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Audio:
    """Rendered sound; 1.0 is full scale, and the mix may exceed it.

    Attributes:
        samples: float32 (frames, 2), the mix: the sum of the stems in their order. Read-only.
        sample_rate: frames a second.
        stems: float32 (frames, 2) each, one a track, as long as the mix. Read-only.
        soundfont: file it was played with.
    """

    samples: Samples
    sample_rate: int
    stems: tuple[Samples, ...]
    soundfont: Path

    @property
    def peak_dbfs(self) -> float:
        """Highest sample of the mix in dB of full scale; minus infinity for silence."""
        peak = peak_of(self.samples)
        return float(20 * np.log10(peak)) if peak else -np.inf

    @property
    def duration(self) -> float:
        """Length in seconds, tail included."""
        return len(self.samples) / self.sample_rate

    def __repr__(self) -> str:
        length, peak = f"{self.duration:.2f} s", f"peak {self.peak_dbfs:.1f} dBFS"
        return f"<Audio {length}, {self.sample_rate} Hz, {len(self.stems)} stems, {peak}>"


def render(
    score: Score,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = DEFAULT_SAMPLE_RATE,
    cancelled: threading.Event | None = None,
) -> Audio:
    """Play a score.

    The gain is fixed, never fitted to the piece, so that loud and soft pieces stay so; `audio_file.write` turns down
    what would clip. After the last event the sound rings until it is below -90 dBFS (12 s at most).

    Args:
        score: to play; each track becomes a stem.
        soundfont: an .sf2 or .sf3 file; see `find_soundfont` for the default.
        sample_rate: frames a second, 8,000 to 96,000.
        cancelled: once set, from another thread, rendering breaks off with a SoundError.

    Raises:
        RequestError: a sample rate that FluidSynth does not know, or a piece of more than 60 minutes.
        ScoreError: a control that MIDI does not know.
        FluidSynthMissingError: libfluidsynth is not installed.
        SoundfontError: no soundfont, a broken one, or one without an instrument of the score.
        SoundError: FluidSynth refuses to play.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise RequestError(f"sample rate {sample_rate}: must be {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} frames a second")
    plans = [schedule(score, track, sample_rate) for track in score.tracks]
    end = max([int(score.frames(score.end, sample_rate)), *(plan.end for plan in plans)])
    if end > MAX_MINUTES * 60 * sample_rate:
        minutes = end / sample_rate / 60
        raise RequestError(f"the piece lasts {minutes:.0f} minutes: at most {MAX_MINUTES} can be rendered")
    path = find_soundfont(soundfont)
    anchor = _anchor(path.absolute(), path.stat().st_mtime_ns)

    stop = cancelled or threading.Event()

    def play(plan: Schedule) -> tuple[Samples, int]:
        return _play(plan, anchor, end, sample_rate, stop)

    with ThreadPoolExecutor(max_workers=max(1, min(len(plans), os.cpu_count() or 1))) as pool:
        try:
            played = list(pool.map(play, plans))
        except BaseException:  # Ctrl-C reaches this thread alone: the others must not play to the end
            stop.set()
            raise
    frames = max([end, *(stop for _, stop in played)])
    stems = tuple(_frozen(stem[:frames]) for stem, _ in played)
    mix = np.zeros((frames, 2), dtype=np.float32)
    for stem in stems:
        mix += stem
    return Audio(_frozen(mix), sample_rate, stems, path)


def peak_of(samples: Samples) -> float:
    """Largest absolute sample."""
    return float(max(samples.max(), -samples.min())) if samples.size else 0.0


class _Anchor:
    """An idle synthesizer that holds the samples of a soundfont's presets.

    FluidSynth shares sample data between the synthesizers of a process as long as one of them holds it: with the
    anchor, a fresh synthesizer costs a few milliseconds instead of loading (for .sf3: decoding) its samples again.
    """

    CHANNELS = 256

    def __init__(self, path: Path) -> None:
        self.path = path
        self._synth = _new_synth(path, {}, {"synth.midi-channels": self.CHANNELS, "synth.polyphony": 1})
        self._presets: dict[tuple[int, int], tuple[int, int] | None] = {}
        self._lock = threading.Lock()
        weakref.finalize(self, self._synth.close).atexit = False

    def preset(self, bank: int, program: int) -> tuple[int, int]:
        """The preset that plays a program, held from now on.

        A bank without the program falls back to the first bank, and an unknown drum kit to the standard kit, as General
        MIDI has it.

        Raises:
            SoundfontError: the soundfont has neither.
        """
        with self._lock:
            if (bank, program) not in self._presets:
                self._presets[bank, program] = self._hold(bank, program)
            found = self._presets[bank, program]
        if found is None:
            what = "drum kit" if bank == DRUM_BANK else f"program {program} (counted from 0)"
            raise SoundfontError(f"{self.path}: has no {what}; choose a General MIDI soundfont")
        return found

    def _hold(self, bank: int, program: int) -> tuple[int, int] | None:
        channel = len(self._presets) % self.CHANNELS
        second = (DRUM_BANK, 0) if bank == DRUM_BANK else (0, program)
        for candidate in ((bank, program), second):
            if self._synth.select(channel, *candidate):
                return candidate
        return None


@functools.lru_cache(maxsize=2)
def _anchor(path: Path, _modified: int) -> _Anchor:
    return _Anchor(path)


def _new_synth(path: Path, numbers: dict[str, float], integers: dict[str, int]) -> Synth:
    try:
        return Synth(os.fsencode(path), numbers=_NUMBERS | numbers, integers=_INTEGERS | integers)
    except SoundError as error:
        raise SoundfontError(f"{path}: {error}") from None


def _play(plan: Schedule, anchor: _Anchor, end: int, sample_rate: int, stop: threading.Event) -> tuple[Samples, int]:
    """One stem: float32 (frames, 2) with room for the longest tail, and the frame where the sound is over."""
    capacity = -(-(end + _TAIL_SECONDS * sample_rate) // BLOCK + 1) * BLOCK
    samples = np.zeros((capacity, 2), dtype=np.float32)
    if not plan.notes:
        return samples, 0
    with _new_synth(anchor.path, {"synth.sample-rate": float(sample_rate)}, {}) as synth:
        performer = _Performer(synth, plan, anchor, samples, stop)
        performer.perform()
        return samples, performer.ring_out(sample_rate)


class _Performer:
    """Walks a synthesizer through a schedule, filling a buffer."""

    def __init__(self, synth: Synth, plan: Schedule, anchor: _Anchor, samples: Samples, stop: threading.Event) -> None:
        self.synth, self.plan, self.anchor, self.samples, self.stop = synth, plan, anchor, samples, stop
        self.position = 0  # frames rendered so far, a multiple of BLOCK
        self._select(plan.bank)

    def perform(self) -> None:
        plan = self.plan
        blocks = (plan.frames + BLOCK // 2) // BLOCK * BLOCK
        rows = zip(*(column.tolist() for column in (blocks, plan.kinds, plan.numbers, plan.values)), strict=True)
        for frame, kind, number, value in rows:
            if frame > self.position:
                self._write(frame - self.position)
            self._send(kind, number, value)

    def ring_out(self, sample_rate: int) -> int:
        """Render the tail; the frame where it is over."""
        limit = min(self.position + _TAIL_SECONDS * sample_rate // BLOCK * BLOCK, len(self.samples))
        while self.position < limit:
            start = self.position
            self._write(min(_TAIL_STEP, limit - start))
            if peak_of(self.samples[start : self.position]) < _SILENCE:
                return self.position
        fade = round(_FADE_SECONDS * sample_rate)
        ramp = np.linspace(1, 0, fade, dtype=np.float32)
        self.samples[limit - fade : limit] *= ramp[:, np.newaxis]
        return limit

    def _write(self, frames: int) -> None:
        write = self.synth.library.fluid_synth_write_float
        end = self.position + frames
        while self.position < end:
            if self.stop.is_set():
                raise SoundError("rendering was broken off")
            frames = min(end - self.position, _LONGEST_WRITE)
            start = self.samples.ctypes.data + self.position * self.samples.strides[0]
            self._check(write(self.synth.handle, frames, start, 0, 2, start, 1, 2), "render")
            self.position += frames

    def _send(self, kind: int, number: int, value: int) -> None:
        library, handle, channel = self.synth.library, self.synth.handle, self.plan.channel
        if kind == CONTROL:
            self._control(number, value)
        elif kind == NOTE_OFF:
            # Refused when the sound is already over, as a drum's often is: nothing is wrong then.
            library.fluid_synth_noteoff(handle, channel, number)
        else:
            self._check(library.fluid_synth_noteon(handle, channel, number, value), f"play pitch {number}")

    def _control(self, number: int, value: int) -> None:
        library, handle, channel = self.synth.library, self.synth.handle, self.plan.channel
        if number == BANK:
            self._select(value)
        elif number == PITCH_BEND:
            library.fluid_synth_pitch_bend(handle, channel, value + 8192)
        elif number == PRESSURE:
            library.fluid_synth_channel_pressure(handle, channel, value)
        else:
            library.fluid_synth_cc(handle, channel, number, value)

    def _select(self, bank: int) -> None:
        bank, program = self.anchor.preset(bank, self.plan.program)
        self._check(OK if self.synth.select(self.plan.channel, bank, program) else -1, f"select program {program}")

    @staticmethod
    def _check(status: int, what: str) -> None:
        if status != OK:
            raise SoundError(f"FluidSynth refuses to {what}: {first_complaint()}")


def _frozen(samples: Any) -> Samples:
    samples.setflags(write=False)
    result: Samples = samples
    return result


__all__ = [
    "BLOCK", "DEFAULT_SAMPLE_RATE", "MAX_MINUTES", "MAX_SAMPLE_RATE", "MIN_SAMPLE_RATE", "Audio", "Samples", "peak_of",
    "render",
]  # fmt: skip
