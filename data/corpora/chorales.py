"""J. S. Bach's four-part chorales."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import numpy as np

from data import musicxml
from data.corpora.corpus import MUSIC21, Corpus, package_folder
from theory.event import FERMATA, KeyEvent, Marker
from theory.key import Key
from theory.score import Score, Track

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
_GROUPS = Path(__file__).with_name("chorale_groups.json")


@cache
def groups() -> dict[str, str]:
    """Piece id -> id of its group of near-duplicates; made by `python -m data.corpora.groups`."""
    table: dict[str, str] = json.loads(_GROUPS.read_text(encoding="utf-8"))
    return table


def ids() -> tuple[str, ...]:
    """All pieces, as in "bach/bwv66.6"."""
    return tuple(sorted(groups()))


def group(id: str) -> str:  # noqa: A002
    """The group of a piece."""
    return groups()[id]


def file(id: str) -> Path:  # noqa: A002
    """Where a chorale stands."""
    path = package_folder() / f"{id}.mxl"
    return path if path.exists() else path.with_suffix(".xml")


def read(id: str) -> Score:  # noqa: A002
    """One chorale: four tracks of one voice each, its phrases ended by "fermata" markers, its key with a mode.

    Tempi are left out: some files carry one for playback, none is Bach's.
    """
    score = musicxml.read(file(id))
    tracks = tuple(track.replace(name=name) for track, name in zip(score.tracks, VOICES, strict=True))
    return score.replace(
        tracks=tracks,
        tempos=(),
        keys=_keys_by_ending(score),
        markers=_one_fermata_a_phrase(score.markers, tracks[0]),
        title=_title(id),
    )


def _title(id: str) -> str:  # noqa: A002
    return re.sub(r"^bach/bwv", "BWV ", id)


def _keys_by_ending(score: Score) -> tuple[KeyEvent, ...]:
    """Keys, the last one with its mode and signature put right where the notes contradict the file.

    Mode: many a dorian, phrygian or minor chorale says "major" (or the reverse), a notation program's default; BWV 67.4
    (four sharps, final F sharp: dorian) says E major. Signature and final bass note together define a mode; a final on
    another degree (a half close) leaves the file's mode.

    Signature: five files (BWV 4.8, 62.6, 145.5, 244.15, 245.37) state that of another transposition. One that holds a
    tenth more of the notes takes its place; where the right signature is a matter of style, the difference is smaller.
    """
    bass = score.tracks[-1]
    if not score.keys or not len(bass):
        return score.keys
    *before, (tick, stated) = score.keys
    signature = _signature(score, stated.signature)
    final = int(bass.pitch[-1]) % 12
    if signature == stated.signature and stated.tonic_pitch_class == final:
        return score.keys
    keys = [Key.from_signature(signature, mode) for mode in ("major", "minor", "dorian", "phrygian", "mixolydian")]
    key = next((key for key in keys if key.tonic_pitch_class == final), Key.from_signature(signature, stated.mode))
    return (*before, KeyEvent(tick, key))


def _signature(score: Score, stated: int) -> int:
    spelled = np.concatenate([track.spelling for track in score.tracks if track.spelling is not None])
    held = {sharps: np.mean((spelled >= sharps - 1) & (spelled <= sharps + 5)) for sharps in range(-7, 8)}
    best = max(held, key=lambda sharps: (held[sharps], -abs(sharps - stated)))
    return best if held[best] - held[stated] > 0.1 else stated


def _one_fermata_a_phrase(markers: tuple[Marker, ...], soprano: Track) -> tuple[Marker, ...]:
    """Markers without the fermatas that a lower voice reaches later, while the soprano already holds its own."""
    held_until = -1
    kept = []
    for marker in markers:
        if marker.text == FERMATA:
            if marker.tick < held_until:
                continue
            held = (soprano.onset <= marker.tick) & (soprano.onset + soprano.duration > marker.tick)
            held_until = int((soprano.onset + soprano.duration)[held].max(initial=-1))
        kept.append(marker)
    return tuple(kept)


CORPUS = Corpus(
    name="chorales",
    title="J. S. Bach: four-part chorales",
    source=(
        "Encodings compiled by Margaret Greentree (formerly jsbchorales.net), in the corpus of the music21 package. "
        "The pieces with exactly four parts."
    ),
    licence=(
        "The works are in the public domain. The encodings state no licence; most print 'PDF © 2004 Margaret "
        "Greentree' on the page. music21 distributes its corpus 'with the permission of the encoders', some of "
        "it 'not for commercial uses', and claims no copyright (corpus/license.txt)."
    ),
    citation=MUSIC21,
    list_ids=ids,
    read_id=read,
    group_of=group,
    file_of=file,
)
