"""`cadenza analyze`: what a file holds."""

from __future__ import annotations

from typing import Any

from composer.cli import options
from theory.score import Score

NAME = "analyze"
_MOST = 8  # changes of tempo, meter or key on one line


def run(file: options.InputFile, json: options.Json = False) -> None:
    """Say what a score holds: length, meter, tempo, key as written and as heard, and each track's notes and range.

    Examples:
        cadenza analyze song.mid

        cadenza analyze tune.abc --json
    """
    import data

    facts = _facts(data.read(file))
    if json:
        options.print_json(facts)
        return
    _print(facts)


def _facts(score: Score) -> dict[str, Any]:
    from synth import instrument_name
    from theory.analysis import key_correlations, pitch_class_durations

    heard, confidence = key_correlations(score)[0] if pitch_class_durations(score).any() else (None, 0.0)
    return {
        "title": score.title,
        "bars": score.bars,
        "pickup": score.pickup,
        "seconds": round(score.duration, 3),
        "meters": [{"bar": _bar_of(score, event.tick), "meter": str(event.meter)} for event in score.meters],
        "tempos": [{"bar": _bar_of(score, event.tick), "tempo": round(event.bpm, 2)} for event in score.tempos],
        "keys": [{"bar": _bar_of(score, event.tick), "key": str(event.key)} for event in score.keys],
        "key_heard": None if heard is None else {"key": str(heard), "correlation": round(confidence, 3)},
        "tracks": [
            {
                "name": track.name,
                "instrument": instrument_name(track.program, track.is_drum),
                "notes": len(track),
                "lowest": int(track.pitch.min()) if len(track) else None,
                "highest": int(track.pitch.max()) if len(track) else None,
            }
            for track in score.tracks
        ],
    }


def _bar_of(score: Score, tick: int) -> int:
    """Number of the bar a tick lies in, as musicians count: an upbeat is bar 0."""
    before = int((score.bar_lines() <= tick).sum())
    return max(before, 1) - (1 if score.pickup else 0)


def _print(facts: dict[str, Any]) -> None:
    print(facts["title"] or "(no title)")
    upbeat = " with an upbeat" if facts["pickup"] else ""
    print(f"{options.counted(facts['bars'], 'bar')}{upbeat}, {facts['seconds']:.1f} s")
    for label, word in (("meters", "meter"), ("tempos", "tempo"), ("keys", "key")):
        print(f"{word}: {_changes(facts[label], word)}")
    heard = facts["key_heard"]
    print(f"key heard: {heard['key']} (correlation {heard['correlation']:.2f})" if heard else "key heard: none")
    for track in facts["tracks"]:
        print(f"  {_line(track)}".rstrip())


def _line(track: dict[str, Any]) -> str:
    from theory.pitch import name_of, spell

    ends = [] if track["lowest"] is None else [track["lowest"], track["highest"]]
    names = [f"{name_of(int(spell(pitch, 0)))}{pitch // 12 - 1}" for pitch in ends]
    notes = options.counted(track["notes"], "note")
    return f"{track['name'] or '-'}: {track['instrument']}, {notes} {' to '.join(names)}"


def _changes(events: list[dict[str, Any]], word: str) -> str:
    said = [
        f"{event[word]}" if index == 0 else f"{event[word]} from bar {event['bar']}"
        for index, event in enumerate(events)
    ]
    more = [f"... {len(said) - _MOST} more"] if len(said) > _MOST else []
    return ", ".join(said[:_MOST] + more) or "none written"
