"""`cadenza render`: any score as sound."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from composer.cli import options

NAME = "render"


def run(
    file: options.InputFile,
    out: Annotated[Path | None, typer.Option(help="Sound file, .wav or .flac. [default: FILE with .wav]")] = None,
    stems: Annotated[str | None, typer.Option(help="Also write one file a track, under this stem.")] = None,
    soundfont: options.Soundfont = None,
    sample_rate: Annotated[int, typer.Option(help="Frames a second.")] = 48_000,
    json: options.Json = False,
) -> None:
    """Play a score into a sound file: 24 bits, stereo, no tail cut off, dynamics as written.

    Examples:
        cadenza render song.mid --out song.wav

        cadenza render song.musicxml --out song.flac --stems stems/song
    """
    import data
    import synth

    score = data.read(file)
    target = out if out is not None else file.with_suffix(".wav")
    audio = synth.render(score, soundfont=soundfont, sample_rate=sample_rate)
    written = [synth.write(audio, target)]
    if stems is not None:
        written += synth.write_stems(audio, [track.name for track in score.tracks], stems)
    peak = round(audio.peak_dbfs, 1) if math.isfinite(audio.peak_dbfs) else None
    gain = written[0].gain_db
    if gain:
        print(f"cadenza: the sound was turned down by {-gain:.1f} dB to stay below full scale", file=sys.stderr)
    if json:
        answer = {"seconds": audio.duration, "sample_rate": audio.sample_rate, "peak_dbfs": peak, "gain_db": gain}
        options.print_json({"files": [str(item.path) for item in written], **answer, "soundfont": str(audio.soundfont)})
        return
    loudness = "silence: there is no note to play" if peak is None else f"peak {peak} dBFS"
    print(f"{audio.duration:.1f} s, {loudness}, played with {audio.soundfont.name}")
    for item in written:
        print(f"  {item.path}")
