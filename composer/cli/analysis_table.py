"""The facts of a score as lines for a terminal."""

from __future__ import annotations

from typing import Any

from composer.cli.options import counted
from theory.pitch import pitch_name

_WIDTH = 100  # characters of a line of chords
_BARS_A_LINE = (8, 4, 2, 1)
_MOST_LINES = 24  # of chords
_MOST_ROWS = 12  # of keys, cadences
_MOST_WORDS = 8  # changes of tempo, meter or key on one line
_MOST_PHRASES = 20
_SILENCE, _SAME = "N.C.", "%"


def lines(facts: dict[str, Any]) -> list[str]:
    """A table of `composer.facts.facts_of`; what is long is cut, and says so."""
    parts = (_heading, _tracks, _keys, _chords, _cadences, _phrases, _non_chord_tones, _voice_leading)
    return [line.rstrip() for part in parts for line in part(facts)]


def _heading(facts: dict[str, Any]) -> list[str]:
    upbeat = " and an upbeat" if facts["pickup"] else ""
    heard = facts["key_heard"]
    meters = [event | {"said": f"{event['meter']}{_strong(event)}"} for event in facts["meters"]]
    return [
        facts["title"] or "(no title)",
        f"{counted(facts['bars'] - facts['pickup'], 'bar')}{upbeat}, {facts['seconds']:.1f} s",
        f"meter: {_changes(meters[facts['pickup'] :], 'said')}",
        f"tempo: {_changes(facts['tempos'], 'tempo')}",
        f"key: {_changes(facts['keys'], 'key')}",
        f"key heard: {heard['key']} (confidence {heard['confidence']:.2f})" if heard else "key heard: none",
    ]


def _strong(event: dict[str, Any]) -> str:
    *others, last = map(str, event["strong"])
    return f" (strong on {', '.join(others)} and {last})" if others else f" (strong on {last})"


def _changes(events: list[dict[str, Any]], word: str) -> str:
    said = [
        f"{event[word]}" if index == 0 else f"{event[word]} from bar {event['bar']}"
        for index, event in enumerate(events)
    ]
    more = [f"... {len(said) - _MOST_WORDS} more"] if len(said) > _MOST_WORDS else []
    return ", ".join(said[:_MOST_WORDS] + more) or "none written"


def _tracks(facts: dict[str, Any]) -> list[str]:
    return [f"  {_track(track)}" for track in facts["tracks"]]


def _track(track: dict[str, Any]) -> str:
    ends = [] if track["lowest"] is None else [track["lowest"], track["highest"]]
    names = [pitch_name(pitch) for pitch in ends]
    notes = counted(track["notes"], "note")
    return f"{track['name'] or '-'}: {track['instrument']}, {notes} {' to '.join(names)}"


def _keys(facts: dict[str, Any]) -> list[str]:
    regions = facts["key_regions"]
    if len(regions) < 2:
        return []
    width = max(len(_bars(region)) for region in regions[:_MOST_ROWS])
    rows = [f"{_bars(region):{width}}  {region['key']:10}  {region['confidence']:.2f}" for region in regions]
    return ["keys, with confidence", *_cut(rows, _MOST_ROWS, "key")]


def _bars(region: dict[str, Any]) -> str:
    first, last = region["bar"], region["last_bar"]
    return f"bar {first}" if first == last else f"bars {first} to {last}"


def _chords(facts: dict[str, Any]) -> list[str]:
    """The chords of each bar: as many bars a line as fit, all lines alike."""
    cells = _cells(facts["chords"])
    if not cells:
        return []
    first = facts["chords"][0]["bar"]
    for each in _BARS_A_LINE:
        rows = [cells[index : index + each] for index in range(0, min(len(cells), each * _MOST_LINES), each)]
        widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
        if sum(widths) + 3 * len(widths) <= _WIDTH:
            break
    number = len(str(first + len(cells)))
    made = [
        f"  bar {first + each * index:<{number}}  "
        + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False))
        for index, row in enumerate(rows)
    ]
    left = len(cells) - each * len(rows)
    return ["chords", *made, *([f"  ... {counted(left, 'more bar')} (--json has all)"] if left > 0 else [])]


def _cells(chords: list[dict[str, Any]]) -> list[str]:
    """What is said of each bar from the first chord's on: "%" where the chord before just goes on."""
    if not chords:
        return []
    chords = _joined(chords)
    first = chords[0]["bar"]
    words: list[list[str]] = [[] for _ in range(max(chord["last_bar"] for chord in chords) - first + 1)]
    key = chords[0]["key"]
    for chord in chords:
        said = f"{chord['chord']}: {chord['numeral']}" if chord["chord"] else _SILENCE
        for bar in range(chord["bar"], chord["last_bar"] + 1):
            words[bar - first].append(said if chord["key"] == key else f"({chord['key']}) {said}")
            key = chord["key"]
    cells = ["  ".join(row) for row in words]
    begin = {chord["bar"] for chord in chords}
    return [cell if first + index in begin else _SAME for index, cell in enumerate(cells)]


def _joined(chords: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The chords, neighbours that are said alike as one."""
    joined = chords[:1]
    for chord in chords[1:]:
        before = joined[-1]
        if all(chord[word] == before[word] for word in ("chord", "numeral", "key")) and chord["tick"] == before["end"]:
            joined[-1] = before | {"last_bar": chord["last_bar"], "end": chord["end"]}
        else:
            joined.append(chord)
    return joined


def _cadences(facts: dict[str, Any]) -> list[str]:
    rows = [f"bar {cadence['bar']}: {cadence['kind']}, {cadence['key']}" for cadence in facts["cadences"]]
    return ["cadences", *_cut(rows, _MOST_ROWS, "cadence")] if rows else []


def _phrases(facts: dict[str, Any]) -> list[str]:
    bars = list(dict.fromkeys(str(phrase["bar"]) for phrase in facts["phrase_ends"]))
    if not bars:
        return []
    more = f", ... {len(bars) - _MOST_PHRASES} more" if len(bars) > _MOST_PHRASES else ""
    return [f"phrases end in {'bars' if len(bars) > 1 else 'bar'} {', '.join(bars[:_MOST_PHRASES])}{more}"]


def _non_chord_tones(facts: dict[str, Any]) -> list[str]:
    found = facts["non_chord_tones"]
    if found["share"] is None:
        return []
    return [f"non-chord tones: {found['notes']} of {counted(found['of'], 'note')} ({found['share']:.0%})"]


def _voice_leading(facts: dict[str, Any]) -> list[str]:
    if facts["voice_leading"] is None:
        return []
    broken = [fault for fault in facts["voice_leading"]["faults"] if fault["found"]]
    if not broken:
        return ["four-part rules broken: none"]
    width = max(len(fault["rule"]) for fault in broken)
    rows = [
        f"  {fault['rule'].replace('_', ' '):{width}}  {fault['found']:4}   {fault['rate']:5.2f}   {fault['bach']:5.2f}"
        for fault in broken
    ]
    return ["four-part rules broken: times, for 100 moves, for 100 moves in Bach's chorales", *rows]


def _cut(rows: list[str], most: int, noun: str) -> list[str]:
    left = len(rows) - most
    more = [f"... {counted(left, f'more {noun}')} (--json has all)"] if left > 0 else []
    return [f"  {row}" for row in rows[:most] + more]
