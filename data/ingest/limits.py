"""What is too much, and why: a piece beyond a limit is set aside with the limit's reason.

Each limit lies far above music that people write down or play, and far below what would stop the run.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from theory.event import MAX_TEMPO, MIN_TEMPO
from theory.score import Score

SECONDS_A_FILE = 120.0  # for reading, analysing and encoding one piece


class Limit(NamedTuple):
    """One limit.

    Attributes:
        kind: what the report calls those beyond it.
        most: the largest value that is taken.
        unit: what is counted.
    """

    kind: str
    most: float
    unit: str

    def broken_by(self, value: float) -> str | None:
        """The reason for refusing a value, or None."""
        return None if value <= self.most else f"{value:,.0f} {self.unit}: more than {self.most:,.0f}"


# Before a file is parsed. A byte limit bounds the memory of every parser (8 MiB of MIDI are some 1.4 million notes).
FILE_BYTES = Limit("file too large", 8 * 2**20, "bytes (unzipped)")
CHUNKS = Limit("too many tracks", 512, "MIDI tracks")  # files for one track an instrument and voice have dozens

_TEMPO_0 = b"\xff\x51\x03\0\0\0"  # as MIDI writes it

# Of a piece that was read.
_OF_SCORES: tuple[tuple[Limit, Callable[[Score], float]], ...] = (
    (Limit("too many tracks", 128, "tracks"), lambda score: len(score.tracks)),  # what tokens hold
    (Limit("too many notes", 200_000, "notes"), lambda score: score.notes),  # an opera has about as many
    (Limit("piece too long", 4 * 3600, "seconds"), lambda score: score.duration),
    (Limit("note too long", 600, "seconds for one note"), lambda score: _longest(score)),
    (Limit("piece too long", 20_000, "bars"), lambda score: score.bars),
)


class Refusal(NamedTuple):
    """Why a file is set aside: its kind, by which the report counts, and the reason in one line."""

    kind: str
    reason: str


def refused_file(path: Path) -> Refusal | None:
    """Why a file is not even parsed, None if it may be.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return Refusal("cannot be opened", "a link to what is not there" if path.is_symlink() else "it is not there")
    if not stat.S_ISREG(status.st_mode):  # to read a pipe would mean to wait
        return Refusal("cannot be opened", "no ordinary file: a pipe, a socket or a device")
    size = status.st_size
    if path.suffix.lower() == ".mxl" and size <= FILE_BYTES.most and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    if too_large := FILE_BYTES.broken_by(size):
        return Refusal(FILE_BYTES.kind, too_large)
    if path.suffix.lower() not in (".mid", ".midi", ".smf"):
        return None
    content = path.read_bytes()
    if _TEMPO_0 in content:
        return Refusal("absurd tempo", "a tempo of 0 microseconds a quarter")
    too_many = CHUNKS.broken_by(content.count(b"MTrk"))
    return Refusal(CHUNKS.kind, too_many) if too_many else None


def refused_score(score: Score) -> Refusal | None:
    """Why a piece that was read is not taken, None if it is."""
    if not score.notes:
        return Refusal("no notes", "it holds no notes")
    for event in score.tempos:
        if not MIN_TEMPO <= event.bpm <= MAX_TEMPO:
            reason = f"a tempo of {event.bpm:,.4g} quarters a minute: must be {MIN_TEMPO} to {MAX_TEMPO}"
            return Refusal("absurd tempo", reason)
    for limit, measure in _OF_SCORES:
        if beyond := limit.broken_by(measure(score)):
            return Refusal(limit.kind, beyond)
    return None


def _longest(score: Score) -> float:
    """Seconds that the longest note sounds."""
    return max(
        float((score.seconds(track.onset.astype("int64") + track.duration) - score.seconds(track.onset)).max())
        for track in score.tracks
        if len(track)
    )


__all__ = ["SECONDS_A_FILE", "Limit", "Refusal", "refused_file", "refused_score"]
