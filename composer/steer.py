"""From what a user says ("soprano=C4:G5", "8=perfect") to rules on the piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import gcd
from pathlib import Path
from typing import NamedTuple

from composer.request import Form, Request
from composer.style import Style
from theory import constraint as rules
from theory.constraint import Constraint, Frame
from theory.errors import PitchError, RequestError, UnknownNameError
from theory.pitch import Pitch
from theory.progression import PlacedChord, parse_progression
from theory.scale import Scale
from theory.score import Score
from theory.tokens import Tokenizer
from theory.tokens.vocabulary import STEPS_PER_QUARTER

RULES = ("four-part", "no-parallels")


class Steering(NamedTuple):
    """The rules on a piece.

    Attributes:
        asked: by the user, in the order in which they narrow the domain.
        ranges: of the parts that the request says nothing of.
        ending: where the request says nothing of it; it gives way to what is asked.
        grid: of the style, finer where the request needs it; it gives way too.
        chords: that the piece states, () if it states none.
        own_chords: whether the model writes chords of its own between given cadences.
    """

    asked: tuple[Constraint, ...]
    ranges: tuple[Constraint, ...]
    ending: tuple[Constraint, ...]
    grid: tuple[Constraint, ...]
    chords: tuple[PlacedChord, ...]
    own_chords: bool


def progression(wanted: Request, form: Form, first_bar: int = 0) -> tuple[PlacedChord, ...]:
    """The chords of a request, from a bar on, again and again until the piece is full.

    Raises:
        ChordNameError, RequestError: no chords, or more than the piece has bars for.
    """
    if wanted.chords is None:
        return ()
    once = parse_progression(wanted.chords, form.key, form.meter)
    length = once[-1].bar + 1
    if length > (room := form.bars - first_bar):
        raise RequestError(f"the chords fill {length} bars, the piece has {room}: give --bars {length} or more")
    return tuple(
        chord._replace(bar=chord.bar + start)
        for start in range(first_bar, form.bars, length)
        for chord in once
        if chord.bar + start < form.bars
    )


def steering(wanted: Request, form: Form, style: Style, frame: Frame) -> Steering:
    """The rules that a request asks for.

    Raises:
        RequestError, PitchError, UnknownNameError: what is asked for cannot be read; the message quotes it.
    """
    chords = progression(wanted, form, frame.first_bar)
    ranges, narrowed = _ranges(wanted, style)
    cadences = tuple(_cadence(text, form) for text in wanted.cadences)
    asked: list[Constraint] = [*narrowed]
    if chords:
        asked.append(rules.Chords(chords, form.key, wanted.between))
    asked += cadences
    if wanted.scale is not None:
        asked.append(_scale(wanted.scale, form, chords or _closes(cadences, frame)))
    for option, (texts, read) in _PART_OPTIONS.items():
        asked += _read_part_option(option, texts(wanted), style, form, frame, read)
    asked += [_lock(text, style, frame) for text in wanted.locks]
    if wanted.polyphony is not None:
        asked.append(rules.Polyphony(wanted.polyphony))
    asked += _voice_leading(wanted, chords, cadences, frame)
    full = wanted.polyphony is None or wanted.polyphony >= len(style.parts)
    tonic = rules.FinalTonic(form.key, frame.steps, full)
    if wanted.ending == "tonic":
        asked.append(tonic)
    ending: tuple[Constraint, ...] = ()
    if wanted.ending is None and not any(frame.bar_index(cadence.bar) + 1 == frame.bars for cadence in cadences):
        ending = _last_chord(chords[-1], frame, full) if chords else (tonic,)
    grid = rules.Grid(_grid(style.grid, asked, chords), frame.first_bar)
    return Steering(tuple(asked), ranges, ending, (grid,), chords, bool(cadences) and not chords)


def _last_chord(placed: PlacedChord, frame: Frame, full: bool) -> tuple[Constraint, ...]:
    """An ending on the last given chord, from the last strong beat or from where it begins."""
    if placed.chord is None:
        return ()
    start = max(int(frame.strong_steps()[-1]), frame.lines[placed.bar] + int(placed.quarters * STEPS_PER_QUARTER))
    return (rules.FinalChord(placed.chord, frame.steps, full, start),)


def _grid(step: int, asked: list[Constraint], chords: tuple[PlacedChord, ...]) -> int:
    """The style's grid, or the coarsest that also holds all times which are asked for."""
    times: list[Fraction] = [chord.quarters for chord in chords]
    for rule in asked:
        if isinstance(rule, rules.Onsets | rules.Durations):
            times += rule.quarters
        elif isinstance(rule, rules.Locked):
            times += [Fraction(time, STEPS_PER_QUARTER) for note in rule.notes for time in note[:2]]
    return gcd(step, *(int(time * STEPS_PER_QUARTER) for time in times))


def _ranges(wanted: Request, style: Style) -> tuple[tuple[Constraint, ...], tuple[Constraint, ...]]:
    """The style's ranges for parts that the request says nothing of, and those that it states."""
    stated: list[rules.Range] = []
    for text in wanted.ranges:
        for name, value in _pairs("range", text):
            if name is None:
                raise RequestError(f"range {text!r}: name a part, as in soprano=C4:G5")
            part = _part(name, style)
            lowest, highest = (Pitch.parse(word).midi for word in _two("range", value))
            if lowest > highest:
                raise PitchError(f"range {value!r}: the first pitch must be the lower one")
            stated.append(rules.Range(part, lowest, highest, style.parts[part].name))
    own = (
        rules.Range(index, part.lowest, part.highest, part.name)
        for index, part in enumerate(style.parts)
        if index not in {rule.part for rule in stated}
    )
    return tuple(own), tuple(stated)


def _closes(cadences: tuple[rules.Cadence, ...], frame: Frame) -> tuple[PlacedChord, ...]:
    """The chords of cadences, and none between them."""
    placed = [chord for cadence in cadences for chord in (*cadence.placed(frame), cadence.after(frame))]
    return tuple(sorted((chord for chord in placed if chord.bar < frame.bars), key=lambda chord: chord[:2]))


def _cadence(text: str, form: Form) -> rules.Cadence:
    bar, _, kind = text.partition("=")
    if not _is_number(bar.strip()) or not kind:
        raise RequestError(f"cadence {text!r}: write a bar and a kind, as in 8=perfect")
    return rules.Cadence(int(bar), kind.strip(), form.key)


def _scale(text: str, form: Form, chords: tuple[PlacedChord, ...]) -> Constraint:
    if text == "key":
        return rules.InScale(form.key.pitch_classes, str(form.key), form.key, chords)
    scale = Scale.parse(text)
    return rules.InScale(scale.pitch_classes, str(scale), None, chords)


def _voice_leading(
    wanted: Request, chords: tuple[PlacedChord, ...], cadences: tuple[rules.Cadence, ...], frame: Frame
) -> list[Constraint]:
    named = wanted.rules
    unknown = [name for name in named if name not in RULES]
    if unknown:
        raise UnknownNameError(f"no rules are called {unknown[0]!r}: choose among {', '.join(RULES)}")
    whole = chords if "four-part" in named else ()
    closes = tuple(placed for cadence in cadences for placed in cadence.placed(frame)) if not chords else ()
    enough = wanted.polyphony is None or wanted.polyphony > 2  # for a bass, a third and another
    complete = [rules.CompleteChords((*whole, *closes), frame)] if (whole or closes) and enough else []
    if "four-part" not in named:
        return [*([rules.NoParallels()] if named else []), *complete]
    return [rules.NoParallels(), rules.NoCrossing(), *complete]


class _Where(NamedTuple):
    """What an option is about: parts (none: all), the first bar, the parts' names."""

    parts: tuple[int, ...]
    first_bar: int
    names: str


def _max_leap(value: str, where: _Where, form: Form) -> Constraint:
    return rules.MaxLeap(_whole("leap", value), where.parts, where.names)


def _density(value: str, where: _Where, form: Form) -> Constraint:
    least, most = (_whole("density", word) for word in _two("density", value))
    return rules.Density(least, most, *where)


def _onsets(value: str, where: _Where, form: Form) -> Constraint:
    beats = [_fraction("onsets", word) for word in value.split()]
    if not all(1 <= beat < form.meter.beats + 1 for beat in beats):
        raise RequestError(f"onsets {value!r}: a bar of {form.meter} has beats from 1 to before {form.meter.beats + 1}")
    return rules.Onsets(tuple((beat - 1) * form.meter.beat_quarters for beat in beats), *where)


def _durations(value: str, where: _Where, form: Form) -> Constraint:
    return rules.Durations(tuple(_note_value(word) for word in value.split()), where.parts, where.names)


_Read = Callable[[str, _Where, Form], Constraint]
_PART_OPTIONS: dict[str, tuple[Callable[[Request], tuple[str, ...]], _Read]] = {
    "leap": (lambda wanted: wanted.leaps, _max_leap),
    "density": (lambda wanted: wanted.density, _density),
    "onsets": (lambda wanted: wanted.onsets, _onsets),
    "durations": (lambda wanted: wanted.durations, _durations),
}


def _read_part_option(
    option: str, texts: tuple[str, ...], style: Style, form: Form, frame: Frame, read: _Read
) -> list[Constraint]:
    """Rules of an option; a value without a part is for all those that have none of their own."""
    pairs = [pair for text in texts for pair in _pairs(option, text)]
    named = [_part(name, style) for name, _ in pairs if name is not None]
    others = tuple(part for part in range(len(style.parts)) if part not in named) if named else ()
    found = []
    for name, value in pairs:
        if name is None and named and not others:
            continue
        parts = others if name is None else (_part(name, style),)
        names = ", ".join(style.parts[part].name for part in parts)
        found.append(read(value, _Where(parts, frame.first_bar, names), form))
    return found


def _lock(text: str, style: Style, frame: Frame) -> Constraint:
    """As in "soprano=tune.mid" or "soprano:1-4=tune.mid"."""
    where, _, file = text.partition("=")
    name, _, bars = where.partition(":")
    if not file:
        raise RequestError(f"lock {text!r}: write a part and a file, as in soprano=tune.mid or soprano:1-4=tune.mid")
    if "\0" in file:
        raise RequestError("lock: a file name holds no NUL character")
    part = _part(name, style)
    first, last = _bars(bars, text, frame)
    import data

    given = data.read(Path(file))
    score = Tokenizer().quantize(given)
    track = score.tracks[_track_of(given, style, part, file)]
    lines = score.bar_lines() * STEPS_PER_QUARTER // score.ticks_per_quarter
    if tuple(lines[: last + 2].tolist()) != frame.lines[: len(lines[: last + 2])]:
        raise RequestError(f"lock {file}: its bars are not those of the piece ({frame.meters[0]})")
    start, stop = frame.lines[first], frame.lines[last + 1]
    scale = STEPS_PER_QUARTER / score.ticks_per_quarter
    notes = [(round(note.onset * scale), round(note.end * scale), note.pitch) for note in track]
    inside = tuple((begin, min(end, stop), pitch) for begin, end, pitch in notes if start <= begin < stop)
    if len(lines) - 1 <= last:
        if bars:
            raise RequestError(f"lock {text!r}: {file} has {len(lines) - 1} bars")
        stop = int(lines[-1])  # beyond the tune the part is free
    return rules.Locked(part, inside, start, stop, style.parts[part].name)


def _bars(text: str, option: str, frame: Frame) -> tuple[int, int]:
    """Indices of the first and the last bar that are named, as musicians count."""
    if not text:
        return frame.first_bar, frame.bars - 1
    lowest = frame.first_bar + 1 - frame.pickup
    first, dash, last = text.partition("-")
    last = last if dash else first
    if (
        not _is_number(first)
        or not _is_number(last)
        or not lowest <= int(first) <= int(last) < frame.bars + 1 - frame.pickup
    ):
        end = frame.bars - frame.pickup
        raise RequestError(f"lock {option!r}: bars {text} are not among those to be written, {lowest} to {end}")
    return frame.bar_index(int(first)), frame.bar_index(int(last))


def _track_of(score: Score, style: Style, part: int, file: str) -> int:
    """The track of a file that a part takes: the one of its name, the only one, or the one in its place."""
    tracks = [index for index, track in enumerate(score.tracks) if not track.is_drum and len(track)]
    named = [index for index in tracks if score.tracks[index].name.lower() == style.parts[part].name.lower()]
    if named or len(tracks) == 1:
        return (named or tracks)[0]
    if len(tracks) == len(style.parts):
        return tracks[part]
    raise RequestError(f"lock {file}: it has {len(tracks)} tracks, none called {style.parts[part].name}")


def _pairs(option: str, text: str) -> Iterable[tuple[str | None, str]]:
    """ "soprano=7,bass=12" as pairs; a value alone, for all parts, has the name None."""
    for item in text.split(","):
        name, equals, value = item.partition("=")
        if not (value if equals else name).strip():
            raise RequestError(f"{option} {text!r}: something is missing, write PART=VALUE")
        yield (name.strip(), value.strip()) if equals else (None, name.strip())


def _part(name: str, style: Style) -> int:
    for index, part in enumerate(style.parts):
        if part.name.lower() == name.strip().lower():
            return index
    parts = ", ".join(part.name.lower() for part in style.parts)
    raise UnknownNameError(f"style {style.name} has no part {name!r}: choose one of {parts}")


def _two(option: str, text: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not colon:
        raise RequestError(f"{option} {text!r}: write two values, as in {_EXAMPLES[option]}")
    return first, second


_EXAMPLES = {"range": "soprano=C4:G5", "density": "2:6"}


def _whole(option: str, text: str) -> int:
    if not _is_number(text.strip()):
        raise RequestError(f"{option} {text!r}: must be a whole number")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 6


def _fraction(option: str, text: str) -> Fraction:
    try:
        if len(text) > 8 or not set(text) <= set("0123456789./-"):
            raise ValueError(text)
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise RequestError(f"{option} {text!r}: must be a number, as in 1, 2.5 or 4/3") from None


def _note_value(text: str) -> Fraction:
    """Quarters of a note value: 1 whole, 2 half, 4 quarter, "4." dotted, "8t" of a triplet."""
    number, dotted, triplet = text.rstrip(".t"), text.count("."), text.count("t")
    if number not in ("1", "2", "4", "8", "16", "32") or dotted > 1 or triplet > 1:
        raise RequestError(f"duration {text!r}: write note values, as in 4 for a quarter, 8 for an eighth, 4. or 8t")
    return Fraction(4, int(number)) * (Fraction(3, 2) if dotted else 1) * (Fraction(2, 3) if triplet else 1)
