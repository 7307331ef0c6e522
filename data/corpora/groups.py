"""Groups of chorales that share a tune or a harmonisation: `python -m data.corpora.groups` writes chorale_groups.json.

Bach set many hymn tunes more than once, in other keys and meters, and some settings survive under several numbers. A
split that parts such pieces measures memory. Two pieces are linked, and links are followed to the end, when

- their sopranos share a tune: the melody note on each quarter, repetitions dropped, so that note values, bar lines and
  ornaments between beats do not matter; aligned locally (Smith and Waterman, J. Mol. Biol. 147, 1981: match 1,
  mismatch -1, gap -1) under the best of twelve transpositions; similarity is the score over the shorter length; or
- their basses do, by the same measure: the same harmonisation under an altered tune; or
- the list of chorales in music21 gives them one title and their sopranos are at least distantly alike.

How the thresholds were chosen: over all pairs of the 365 pieces the similarity of sopranos has two humps, one around
0.25 and one above 0.85, with a thin valley from 0.6 to 0.75. Pairs with one title lie above 0.61, save those where one
text has two tunes (below 0.26) and freely varied tunes (0.38 and 0.59, hence the third rule). Pairs with different
titles above 0.66 were compared by eye: those of 18 matching notes or more share a tune, those below (melodies of 14 to
24 notes, matched by a common turn of phrase) do not. Linking too much costs little here, linking too little leaks.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import musicxml
from data.corpora.corpus import package_folder
from data.split import split_of
from theory.score import IntArray, Score

TABLE = Path(__file__).with_name("chorale_groups.json")
SAME, SAME_NOTES = 0.66, 18  # share of the shorter melody that must match, and how many notes at least
SAME_SHORT = 0.85  # enough for any number of notes
SAME_TITLE = 0.35  # enough with one title
_NOTHING, _NO_PARTNER = -1, -2  # padding that matches no pitch class, nor each other


def groups_of(lines: list[list[IntArray]], titles: list[str | None]) -> list[int]:
    """The group of each piece, named by its first member.

    Args:
        lines: for each piece the melodies to compare: soprano, then bass (pitches as from `melody`).
        titles: for each piece, None where unknown.

    Returns:
        For each piece the index of the first piece of its group.
    """
    first = list(range(len(lines)))
    for voice in range(len(lines[0])):
        melodies = [line[voice] for line in lines]
        matched = matched_notes(melodies)
        for a, b in combinations(range(len(lines)), 2):
            notes = int(matched[a, b])
            share = notes / min(len(melodies[a]), len(melodies[b]))
            one_title = voice == 0 and titles[a] is not None and titles[a] == titles[b]
            if share >= SAME_SHORT or (share >= SAME and notes >= SAME_NOTES) or (one_title and share >= SAME_TITLE):
                low, high = sorted((first[a], first[b]))
                first = [low if group == high else group for group in first]
    return first


def melody(score: Score, track: int) -> IntArray:
    """Pitches that sound on each quarter in a track of one voice, repetitions dropped: int64 (n,)."""
    notes = score.tracks[track]
    quarters = np.arange(0, notes.end, score.ticks_per_quarter)
    sounding = np.clip(np.searchsorted(notes.onset, quarters, side="right") - 1, 0, None)
    pitches = notes.pitch[sounding].astype(np.int64)
    kept: IntArray = pitches[np.concatenate([[True], np.diff(pitches) != 0])]
    return kept


def matched_notes(melodies: list[IntArray]) -> NDArray[np.int16]:
    """Scores of the best local alignments of all pairs in any transposition: int16 (n, n), above the diagonal."""
    longest = max(map(len, melodies))
    table = np.full((len(melodies), longest), _NOTHING, dtype=np.int16)
    for row, line in zip(table, melodies, strict=True):
        row[: len(line)] = line % 12
    scores = np.zeros((len(melodies), len(melodies)), dtype=np.int16)
    for index, line in enumerate(melodies[:-1]):
        others = table[index + 1 :]
        transposed = np.where(others == _NOTHING, _NO_PARTNER, (others + np.arange(12)[:, None, None]) % 12)
        scores[index, index + 1 :] = _align(line % 12, transposed.astype(np.int16)).max(axis=0)
    return scores


def _align(line: IntArray, others: NDArray[np.int16]) -> NDArray[np.int16]:
    """Smith-Waterman scores of one line against many: (..., notes) -> (...)."""
    gaps = np.arange(others.shape[-1], dtype=np.int16)
    above = np.zeros((*others.shape[:-1], others.shape[-1] + 1), dtype=np.int16)
    best = np.zeros(others.shape[:-1], dtype=np.int16)
    for pitch_class in line:
        step = np.where(others == pitch_class, np.int16(1), np.int16(-1))
        row = np.maximum(np.maximum(above[..., :-1] + step, above[..., 1:] - 1), 0)
        above[..., 1:] = np.maximum.accumulate(row + gaps, axis=-1) - gaps  # gaps along the row, all at once
        best = np.maximum(best, above.max(axis=-1))
    return best


def four_part_pieces() -> Iterator[tuple[str, Score]]:
    """Every MusicXML file of four parts in music21's folder of Bach, with its id, sorted."""
    folder = package_folder()
    for path in sorted((folder / "bach").iterdir(), key=lambda path: path.name):
        if path.suffix in (".mxl", ".xml"):
            score = musicxml.read(path)
            if len(score.tracks) == 4:
                yield path.relative_to(folder).with_suffix("").as_posix(), score


def _titles(ids: list[str]) -> list[str | None]:
    from music21.corpus.chorales import ChoraleListRKBWV

    chorales: Any = ChoraleListRKBWV()
    listed = {f"bach/bwv{number}": entry["title"] for number, entry in chorales.byBWV.items()}
    return [_letters(listed[id_]) if id_ in listed else None for id_ in ids]


def _letters(title: str) -> str:
    return re.sub(r"\W+", " ", title).strip().lower()


def main() -> None:
    """Build the table, write it, and print the largest groups."""
    pieces = list(four_part_pieces())
    ids = [id_ for id_, _ in pieces]
    titles = _titles(ids)
    first = groups_of([[melody(score, 0), melody(score, 3)] for _, score in pieces], titles)
    table = {id_: f"chorales/{ids[group].removeprefix('bach/')}" for id_, group in zip(ids, first, strict=True)}
    TABLE.write_text(json.dumps(table, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    sizes = Counter(first)
    print(f"{len(ids)} pieces in {len(sizes)} groups; pieces a side: {dict(Counter(map(split_of, table.values())))}")
    for group, size in sizes.most_common(30):
        members = [(id_, title) for id_, title, of in zip(ids, titles, first, strict=True) if of == group]
        print(f"{size:3}  {', '.join(id_.removeprefix('bach/bwv') for id_, _ in members)}")
        print(f"     {' | '.join(sorted({title for _, title in members if title}))}")


if __name__ == "__main__":
    main()
